"""Work that nobody waits for, and alarms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Background:
    """Tasks, which end with ``close``; none is started after it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        if self._closed:
            work.close()
            return
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Waits for what is under way, and for what that starts."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Alarm:
    """Calls ``ring`` at a moment of the loop's clock, the one that was set last."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None

    def set(self, deadline: float | None) -> None:
        if self._timer and self._timer.when() == deadline:
            return
        if self._timer:
            self._timer.cancel()
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._up)

    def _up(self) -> None:
        self._timer = None
        self._ring()
