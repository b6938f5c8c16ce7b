"""What a service manager hears while a service works: signs of life, and how it goes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from ..service.manager import ServiceManager

_PAUSE = 1.0  # seconds between two lines on how it goes: each wakes programs that watch services


class Beat:
    """``describe``: one line on how it goes. ``turn`` is to be called after each thing that has happened."""

    def __init__(
        self, manager: ServiceManager, describe: Callable[[], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._manager = manager
        self._describe = describe
        self._clock = clock
        self._told = ""
        self._told_at = -math.inf
        self._alive_at = -math.inf

    def begin(self) -> None:
        """The service does its work from now on."""
        self._told, self._told_at = self._describe(), self._clock()
        self._manager.ready(self._told)

    def turn(self) -> float | None:
        """Tells what is to be told now. Returns the seconds until ``turn`` is to be called again; None for ever."""
        if not self._manager.is_there:
            return None
        now = self._clock()
        due = [self._sign_of_life(now), self._line(now)]
        first = min((at for at in due if at is not None), default=None)
        return None if first is None else max(0.0, first - now)

    def _sign_of_life(self, now: float) -> float | None:
        interval = self._manager.watchdog_interval
        if interval is None:
            return None
        if now >= self._alive_at + interval:
            self._manager.alive()
            self._alive_at = now
        return self._alive_at + interval

    def _line(self, now: float) -> float | None:
        text = self._describe()
        if text == self._told:
            return None
        if now < self._told_at + _PAUSE:
            return self._told_at + _PAUSE
        self._manager.status(text)
        self._told, self._told_at = text, now
        return None
