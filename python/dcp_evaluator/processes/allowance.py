"""How much others may make this process write."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Allowance:
    """So much of something at once, and so much more each second."""

    def __init__(self, at_once: int, a_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = at_once
        self._rate = a_second
        self._clock = clock
        self._left = float(at_once)
        self._at = clock()
        self._lock = threading.Lock()

    def take(self, wanted: int) -> int:
        """How much of ``wanted`` may be had now."""
        with self._lock:
            now = self._clock()
            self._left = min(self._most, self._left + (now - self._at) * self._rate)
            self._at = now
            given = min(wanted, int(self._left))
            self._left -= given
            return given
