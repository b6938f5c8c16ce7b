"""How long to wait before each attempt to connect (DCP: ``Backoff`` of ``utils/index.js``)."""

from __future__ import annotations


class Backoff:
    """0, 0.5, 1.5, 3.5 ... seconds, at most ``longest``. Connections to the same address share one."""

    def __init__(self, longest: float = 30.0) -> None:
        self.longest = longest
        self._attempts = 0

    def next(self) -> float:
        wait = 0.5 * (2.0 ** min(self._attempts, 32) - 1)
        self._attempts += 1
        return min(self.longest, wait)

    def reset(self) -> None:
        """Somebody has answered."""
        self._attempts = 0
