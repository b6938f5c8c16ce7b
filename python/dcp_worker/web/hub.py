"""What all open pages share: one watch of the worker while anybody looks, and answers that stay right for a while."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any, Final, Literal

from ..control.methods import Method, Report, SelfTest
from ..views.watch import Watch

_LINGERS: Final = 10.0
"""Seconds that the watch goes on after the last page has gone, which may only be loaded anew."""
_FRESH: Final = 60.0
"""Seconds for which a report stays right."""
_DAYS: Final = 30
_FIRST: Final = 2.0


class Hub:
    """However many pages are open, the worker has one client."""

    def __init__(self, path: Path) -> None:
        self.watch = Watch(path)
        self._pages = 0
        self._watching: asyncio.Task[None] | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._report: tuple[float, Any] | None = None
        self._asking = asyncio.Lock()

    async def enter(self) -> None:
        """A page opens. Waits a moment for what the worker says first."""
        self._pages += 1
        if self._ending:
            self._ending.cancel()
            self._ending = None
        if self._watching is None:
            self.watch.revision = 0
            self._watching = asyncio.create_task(self.watch.run())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FIRST):
                while not self.watch.revision:
                    await asyncio.sleep(0.02)

    def leave(self) -> None:
        """A page has gone."""
        self._pages -= 1
        if self._pages == 0 and self._ending is None:
            self._ending = asyncio.get_running_loop().call_later(_LINGERS, self._rest)

    async def order(self, method: Method) -> Any:
        """Raises ControlError."""
        return await self.watch.order(method)

    async def report(self) -> Any:
        """Of the last days. Raises ControlError."""
        async with self._asking:
            if self._report is None or time.monotonic() - self._report[0] > _FRESH:
                self._report = time.monotonic(), await self.watch.order(Report(days=_DAYS))
            return self._report[1]

    async def self_test(self, kind: Literal["probe", "benchmark"]) -> Any:
        """Raises ControlError."""
        return await self.watch.order(SelfTest(kind=kind))

    async def close(self) -> None:
        if self._ending:
            self._ending.cancel()
        if self._watching:
            self._watching.cancel()
            await asyncio.wait([self._watching])

    def _rest(self) -> None:
        self._ending = None
        if self._watching:
            self._watching.cancel()
            self._watching = None
