"""A call at a time that may move."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Alarm:
    """Most move later with each packet: that costs nothing until the earlier time has come."""

    def __init__(self, ring: Callable[[], None]) -> None:
        """``ring`` is called in the running event loop."""
        self._ring = ring
        self._loop = asyncio.get_running_loop()
        self._when: float | None = None
        self._handle: asyncio.TimerHandle | None = None

    def set(self, when: float | None) -> None:
        """``when``: seconds of the event loop's clock; None for never."""
        self._when = when
        if self._handle and (when is None or when < self._handle.when()):
            self._handle.cancel()
            self._handle = None
        if when is not None and not self._handle:
            self._handle = self._loop.call_at(when, self._look)

    def _look(self) -> None:
        self._handle = None
        if self._when is not None and self._when > self._loop.time():
            self.set(self._when)
        else:
            self._ring()
