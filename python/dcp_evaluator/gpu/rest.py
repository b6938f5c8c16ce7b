"""When a GPU is left alone: each new host on one that has fallen off its bus would die as the last one did."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

MOST_DEATHS = 3
SECONDS = 300.0


class AdapterRest:
    """Which adapters rest. An adapter is its identity; None stands for all of them: what died before it had chosen one.

    One whose hosts die ``most`` times in a row before their first answer rests for ``seconds``. Each death after that
    begins another rest, until a host answers. Threads may share it.
    """

    def __init__(
        self, most: int = MOST_DEATHS, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._deaths: Counter[str | None] = Counter()
        self._until: dict[str | None, float] = {}
        self._lock = threading.Lock()

    def died(self, adapter: str | None) -> bool:
        """A host has died before its first answer. True where the adapter's rest begins now."""
        with self._lock:
            self._deaths[adapter] += 1
            if self._deaths[adapter] < self._most or self._rests(adapter):
                return False
            self._until[adapter] = self._clock() + self._seconds
            return True

    def answered(self, adapter: str | None) -> None:
        """A host has answered: its adapter works, and so do the drivers."""
        with self._lock:
            for each in (adapter, None):
                self._deaths.pop(each, None)
                self._until.pop(each, None)

    def resting(self) -> frozenset[str | None]:
        """Those that are not to be used now."""
        with self._lock:
            return frozenset(adapter for adapter in self._until if self._rests(adapter))

    def _rests(self, adapter: str | None) -> bool:
        return self._clock() < self._until.get(adapter, float("-inf"))
