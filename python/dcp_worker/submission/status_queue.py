"""Statuses of slices, sent together."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..dialects.slice_status import Begun, Returned, Status
from ..tasks.slices import SliceKey


@dataclass(slots=True)
class StatusQueue:
    """Without I/O. In their order; while messages are on their way, what comes waits and goes together.

    ``together``: slices of one message. ``open``: messages on their way. ``most``: slices that wait; of more, the
    oldest beginnings are left out, since of those nothing follows.
    """

    together: int = 500
    open: int = 2
    most: int = 100_000
    tries: int = 3
    _waiting: deque[Status] = field(default_factory=deque)
    _begun: dict[SliceKey, None] = field(default_factory=dict)
    _open: int = 0
    _refusals: int = 0
    _outages: int = 0
    _paused_until: float = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_idle(self) -> bool:
        return not self._waiting and not self._open

    def add(self, statuses: Iterable[Status]) -> None:
        for status in statuses:
            self._waiting.append(status)
            if isinstance(status, Begun):
                self._begun[status.slice.key] = None
        if len(self._waiting) > self.most:
            self._waiting = deque(status for status in self._waiting if isinstance(status, Returned))
            self._begun.clear()

    def has_begun_waiting(self, key: SliceKey) -> bool:
        """Whether it is not told yet that this slice has begun."""
        return key in self._begun

    def take(self, now: float, *, at_once: bool = False) -> list[Status]:
        """The next message, which is on its way with this; empty where none is to go now.

        ``at_once``: however many are on their way, since something must not be told before.
        """
        if now >= self._paused_until:
            self._paused_until = 0.0
        if not self._waiting or self._paused_until or (self._open >= self.open and not at_once):
            return []
        taken = [self._waiting.popleft() for _ in range(min(self.together, len(self._waiting)))]
        for status in taken:
            if isinstance(status, Begun):
                self._begun.pop(status.slice.key, None)
        self._open += 1
        return taken

    def deadline(self) -> float | None:
        return self._paused_until if self._waiting and self._paused_until else None

    def told(self) -> None:
        self._open -= 1
        self._outages = self._refusals = 0
        self._paused_until = 0.0

    def interrupted(self, statuses: list[Status], now: float) -> None:
        """The connection has ended: they go again, before others."""
        self._open -= 1
        self._put_back(statuses)
        if not self._paused_until:
            self._outages += 1
            self._paused_until = now + min(30.0, 2.0 ** (min(self._outages, 30) - 1))

    def refused(self, statuses: list[Status], now: float) -> bool:
        """Whether it is given up: they do not go again."""
        self._open -= 1
        self._refusals += 1
        if self._refusals >= self.tries:
            self._refusals = 0
            return True
        self._put_back(statuses)
        self._paused_until = now + 2.0 ** (self._refusals - 1)
        return False

    def connected(self) -> None:
        self._paused_until = 0.0

    def _put_back(self, statuses: list[Status]) -> None:
        self._waiting.extendleft(reversed(statuses))
        self._begun |= dict.fromkeys(status.slice.key for status in statuses if isinstance(status, Begun))
