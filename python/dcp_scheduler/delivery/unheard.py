"""Events of work that came before anybody listened to them.

npm's clients ask for some of their job's events only when it is deployed, and its first slices may be out by then.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Container, Mapping
from typing import Any, NamedTuple

SECONDS = 5.0
"""For which they are kept."""
_MOST = 5_000
_MOST_BYTES = 16 << 20


class _Event(NamedTuple):
    job: int
    label: str
    data: Mapping[str, Any]
    size: int
    until: float


class Unheard:
    """Of all jobs. Where there are too many, the oldest go first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most_bytes: int = _MOST_BYTES) -> None:
        self._clock = clock
        self._most_bytes = most_bytes
        self._events: deque[_Event] = deque()
        self._bytes = 0

    def keep(self, job: int, label: str, data: Mapping[str, Any], size: int) -> None:
        self._events.append(_Event(job, label, data, size, self._clock() + SECONDS))
        self._bytes += size
        self._forget()

    def take(self, job: int, labels: Container[str]) -> list[tuple[str, Mapping[str, Any]]]:
        """What somebody now hears who listens to these labels, in the order in which it came."""
        self._forget()
        found: list[_Event] = []
        left: deque[_Event] = deque()
        for each in self._events:
            (found if each.job == job and each.label in labels else left).append(each)
        self._events = left
        self._bytes -= sum(each.size for each in found)
        return [(each.label, each.data) for each in found]

    def _forget(self) -> None:
        now = self._clock()
        while self._events and (
            self._events[0].until < now or len(self._events) > _MOST or self._bytes > self._most_bytes
        ):
            self._bytes -= self._events.popleft().size
