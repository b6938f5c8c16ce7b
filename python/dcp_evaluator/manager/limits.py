"""What a connection may be refused for beside the monitors: the machine's load, and how soon it comes."""

from __future__ import annotations

import os
import random
import time

LOAD_TYPES = ("short", "medium", "long", "random")


class Limits:
    """``max_load``: refuse above this load average; ``rate``: seconds between connections that are taken."""

    def __init__(self, max_load: float | None, load_type: str, rate: float) -> None:
        self._max_load = max_load
        self._load_type = load_type
        self._rate = rate
        self._taken_at: float | None = None
        self._random = [0.5] * 5

    def refusal(self) -> str:
        """Why a connection must wait; empty where it need not."""
        if self._max_load is not None and (load := self._load()) > self._max_load:
            return f"the load ({self._load_type}) is {load:.2f}, more than {self._max_load:g}"
        if self._taken_at is not None and (since := time.monotonic() - self._taken_at) < self._rate:
            return f"the last connection was {since:.1f} s ago, less than {self._rate:g} s"
        return ""

    def taken(self) -> None:
        """A connection got its evaluator."""
        self._taken_at = time.monotonic()

    def _load(self) -> float:
        """Averages over 1, 5 or 15 minutes; or a number from 0 to 1 that changes slowly, for tests of a fleet."""
        if self._load_type == "random":
            self._random[random.randrange(len(self._random))] = random.random()
            return sum(self._random) / len(self._random)
        return os.getloadavg()[LOAD_TYPES.index(self._load_type)]
