"""Tasks that go on beside what somebody waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Background:
    """``on_fault`` is called with what a task raises."""

    def __init__(self, on_fault: Callable[[Exception], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_fault = on_fault
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def cancel(self) -> None:
        """All but the one that calls."""
        for task in self._tasks:
            if task is not asyncio.current_task(self._loop):
                task.cancel()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._on_fault(error)
