"""A timer for a deadline that moves on far more often than it is reached."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable


class Alarm:
    """``ring`` is called at the earliest deadline that was set; it looks by itself whether that still counts."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._ring = ring
        self._handle: asyncio.TimerHandle | None = None
        self._at = math.inf

    def set(self, at: float) -> None:
        if at < self._at:
            self.stop()
            self._at = at
            self._handle = self._loop.call_at(at, self._go_off)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._handle, self._at = None, math.inf

    def _go_off(self) -> None:
        self._handle, self._at = None, math.inf
        self._ring()
