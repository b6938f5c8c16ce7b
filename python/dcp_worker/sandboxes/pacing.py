"""How many lines a sandbox may send before it is read no more for a while."""

from __future__ import annotations

from .limits import Limits

_LINES_OF_A_SLICE = 16  # at least six


class Pacing:
    def __init__(self, limits: Limits, now: float) -> None:
        self._burst, self._rate = limits.burst, limits.lines_per_second
        self._left = float(self._burst)
        self._since = now

    def slice_begins(self) -> None:
        """Its lines are no chatter."""
        if self._left < self._burst:
            self._left += _LINES_OF_A_SLICE

    def pause(self, lines: int, now: float) -> float:
        """So many have come. Seconds until more may come; 0 for at once."""
        self._left -= lines
        if self._left >= 0:
            return 0.0
        self._left = min(self._burst, self._left + (now - self._since) * self._rate)
        self._since = now
        return max(0.0, -self._left / self._rate)
