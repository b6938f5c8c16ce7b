"""Which results are sent, and when again."""

from __future__ import annotations

import enum
import heapq
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """Times are seconds. ``open`` results, of ``open_bytes``, are on their way at the same time.

    ``tries``: after how many refusals a result is given up. ``answer``: for how long one waits for its answer.
    """

    open: int = 64
    open_bytes: int = 64 << 20
    tries: int = 3
    answer: float = 300.0
    first_rest: float = 1.0
    longest_rest: float = 10.0


class Outcome(enum.Enum):
    AGAIN = enum.auto()
    GIVEN_UP = enum.auto()


@dataclass(slots=True)
class _Entry:
    size: int
    refusals: int = 0
    is_open: bool = False
    may_have_come: bool = False
    rest_until: float = 0.0


@dataclass(slots=True)
class SubmissionQueue:
    """Without I/O. Results by their numbers, which grow: of those that may be sent, the oldest goes first.

    What meets the end of its connection is no fault of the result: it waits until ``connected``, or for a rest that
    grows. What is refused is tried again later, while others go on.
    """

    options: QueueOptions = field(default_factory=QueueOptions)
    _entries: dict[int, _Entry] = field(default_factory=dict)
    _ready: list[int] = field(default_factory=list)
    _resting: list[tuple[float, int]] = field(default_factory=list)
    _open: int = 0
    _open_bytes: int = 0
    _outages: int = 0
    _paused_until: float = 0.0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, number: int, size: int, *, may_have_come: bool = False) -> None:
        """``may_have_come``: an earlier run may have sent it, and not have heard the answer."""
        if number not in self._entries:
            self._entries[number] = _Entry(size, may_have_come=may_have_come)
            heapq.heappush(self._ready, number)

    def take(self, now: float) -> list[int]:
        """What is to be sent now. ``acknowledged``, ``refused``, ``interrupted`` or ``removed`` follows for each."""
        if now >= self._paused_until:
            self._paused_until = 0.0
        while self._resting and self._resting[0][0] <= now:
            heapq.heappush(self._ready, heapq.heappop(self._resting)[1])
        taken: list[int] = []
        while self._ready and not self._paused_until and self._open < self.options.open:
            entry = self._entries.get(self._ready[0])
            if entry is None or entry.is_open or entry.rest_until > now:
                heapq.heappop(self._ready)
                continue
            if self._open and self._open_bytes + entry.size > self.options.open_bytes:
                break
            taken.append(heapq.heappop(self._ready))
            entry.is_open = True
            self._open += 1
            self._open_bytes += entry.size
        return taken

    def deadline(self) -> float | None:
        """When ``take`` may give more, if nothing else happens."""
        times = [self._resting[0][0]] if self._resting else []
        if self._ready and self._paused_until:
            times.append(self._paused_until)
        return min(times) if times else None

    def acknowledged(self, number: int) -> None:
        self._outages = 0
        self._paused_until = 0.0
        self.removed(number)

    def refused(self, number: int, now: float) -> Outcome:
        entry = self._entries.get(number)
        if entry is None:
            return Outcome.GIVEN_UP
        self._close(entry)
        entry.refusals += 1
        if entry.refusals >= self.options.tries:
            self.removed(number)
            return Outcome.GIVEN_UP
        entry.rest_until = now + self._rest(entry.refusals)
        heapq.heappush(self._resting, (entry.rest_until, number))
        return Outcome.AGAIN

    def interrupted(self, number: int, now: float) -> None:
        """The connection has ended, or cannot be had. Of many that meet one end, the first counts."""
        entry = self._entries.get(number)
        if entry is None:
            return
        self._close(entry)
        entry.may_have_come = True
        heapq.heappush(self._ready, number)
        if not self._paused_until:
            self._outages += 1
            self._paused_until = now + self._rest(self._outages)

    def may_have_come(self, number: int) -> bool:
        """Whether it was sent before, and the scheduler may have it although no answer came."""
        entry = self._entries.get(number)
        return entry is not None and entry.may_have_come

    def resized(self, number: int, size: int) -> None:
        """Its upload is done, and what is left is of this size."""
        entry = self._entries.get(number)
        if entry:
            if entry.is_open:
                self._open_bytes += size - entry.size
            entry.size = size

    def connected(self) -> None:
        """There is a connection again."""
        self._paused_until = 0.0

    def removed(self, number: int) -> None:
        """It is gone, for whatever reason."""
        entry = self._entries.pop(number, None)
        if entry:
            self._close(entry)

    def _close(self, entry: _Entry) -> None:
        if entry.is_open:
            entry.is_open = False
            self._open -= 1
            self._open_bytes -= entry.size

    def _rest(self, times: int) -> float:
        return min(self.options.longest_rest, self.options.first_rest * 2.0 ** (min(times, 30) - 1))
