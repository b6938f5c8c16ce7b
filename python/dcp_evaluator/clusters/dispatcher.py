"""Which node gets which slices, how many at a time, and what becomes of them when it is lost.

No Ray and no clock in here: the backend reports what has happened and is told what follows. Slices move by the table
of sandboxes/slice_ledger.py, so each ends exactly once.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import Protocol

from ..sandboxes.slice_ledger import LedgerError, Slice, SliceEvent, SliceSource, TakenSlices

BATCH_SECONDS = 0.2
"""Of work that a node is given at a time. Two such batches wait there at most, besides the slices that run."""
_MOST_BATCHES_A_SECOND = 80
"""Of all nodes together: where they are many, batches are larger, as each costs the driver some milliseconds."""
MOST_AHEAD = 8192
"""Slices that wait at a node."""
MOST_BYTES = 48 << 20
"""Of data that a node is given and has not answered; the last batch may pass it."""
_LONG_BATCHES = 25
"""Slices that take longer than these do not wait at nodes: the end of the job would lose more than is gained."""
_MEMORY_BATCHES = 5
"""For whose time a measure counts."""
_DOUBT_SECONDS = 0.1
"""Of no slices, before the first measure: that may be of the few fastest."""
# Looking up a member of an Enum takes Python 3.11 as long as the rest of an event.
_SEND, _ANSWER, _FAIL = SliceEvent.SEND, SliceEvent.ANSWER, SliceEvent.FAIL
_LOSE, _CANCEL = SliceEvent.LOSE, SliceEvent.CANCEL


class SizedSource(SliceSource, Protocol):
    """``total``: how many slices there are, None while nobody knows."""

    @property
    def total(self) -> int | None: ...


class _Node:
    """``rate``: slices per second, 0 while that is not known. ``ahead``: how many are to wait there at most.
    ``has_suspects``: it gets nothing else until they are answered.
    """

    def __init__(self, sandboxes: int) -> None:
        self.sandboxes = sandboxes
        self.rate = 0.0
        self.ahead = 0
        self.has_suspects = False
        self.in_flight: dict[int, Slice] = {}
        self.bytes = 0
        self.answered = 0  # since the last measure
        self._is_started = False
        self._count = 0.0
        self._seconds = _DOUBT_SECONDS

    def measure(self, seconds: float, batch_seconds: float) -> None:
        answered, self.answered = self.answered, 0
        if not answered or seconds <= 0:
            return
        if not self._is_started:
            self._is_started = True  # until now, time went by for other things than slices
            return
        kept = math.exp(-seconds / (_MEMORY_BATCHES * batch_seconds))
        self._count = kept * self._count + answered
        self._seconds = kept * self._seconds + seconds
        self.rate = self._count / self._seconds
        is_long = self.sandboxes > _LONG_BATCHES * batch_seconds * self.rate
        wanted = 0 if is_long else math.ceil(2 * batch_seconds * self.rate)
        self.ahead = min(wanted, MOST_AHEAD)


class Dispatcher(TakenSlices[SizedSource]):
    """All slices of one job. ``retries``: how often a slice runs again after its node was lost. ``expected``: sandboxes
    of nodes that are about to join.

    A node has many slices when it is lost, and at most one of them can be the cause. So one that has been lost more
    often than ``retries`` allow is a suspect. It runs once more with other suspects, no more than there are sandboxes,
    on a node that has nothing else; if that is lost too, on such a node all by itself. It fails with a node where it
    was the only one, and never with others.
    """

    def __init__(self, source: SizedSource, retries: int) -> None:
        super().__init__(source)
        self.expected = 0
        self._retries = retries
        self._nodes: dict[int, _Node] = {}
        self._sandboxes = 0  # of all nodes
        self._rate = 0.0
        self._waiting: deque[Slice] = deque()
        self._suspects: deque[Slice] = deque()  # those that run all by themselves come first
        self._reserved: int | None = None  # the node that is to have suspects, once it has nothing else

    @property
    def done(self) -> bool:
        """Whether every slice there is has ended. Where all have that were taken, it takes one to know."""
        if not self._open and (work := self._take()) is not None:
            self._waiting.append(work)
        return self._exhausted and not self._open

    @property
    def batch_seconds(self) -> float:
        """Of work that one batch is to be."""
        return max(BATCH_SECONDS, len(self._nodes) / _MOST_BATCHES_A_SECOND)

    # --- Handing out ---

    def join(self, node: int, sandboxes: int) -> None:
        """It takes slices from now on."""
        self._nodes[node] = _Node(sandboxes)
        self._sandboxes += sandboxes

    def wanted(self, node: int) -> int:
        """How many slices that node should be given now, at most."""
        here = self._nodes[node]
        if self._suspects and (self._reserved is None or not here.in_flight):
            self._reserved = node
        if self._reserved == node:
            return 0 if here.in_flight else self._suspects_at_once(here)
        waiting = len(here.in_flight) - self._at_once(here)
        share = self._share(here)
        if here.has_suspects or here.bytes >= MOST_BYTES or waiting >= min((here.ahead + 1) // 2, share):
            return 0
        return min(here.ahead, share) - waiting

    def take(self, node: int) -> Slice | None:
        """The next slice for that node; ``sent`` or ``cannot_be_sent`` follows. None where there is none now."""
        if self._reserved == node:
            return self._suspects.popleft() if self._suspects else None
        return self._waiting.popleft() if self._waiting else self._take()

    def sent(self, node: int, work: Slice) -> None:
        """``work.size`` says how many bytes went with it."""
        here = self._nodes[node]
        work.move(_SEND)
        here.in_flight[work.index] = work
        here.bytes += work.size
        here.has_suspects |= self._reserved == node

    def handed_out(self, node: int) -> None:
        """That was all for that node for now."""
        if self._reserved == node:
            self._reserved = None

    def cannot_be_sent(self, work: Slice) -> None:
        self._end(work, _FAIL)

    def _suspects_at_once(self, here: _Node) -> int:
        return 1 if self._suspects[0].deaths > self._retries + 1 else min(here.sandboxes, len(self._suspects))

    def _at_once(self, here: _Node) -> int:
        """How many slices it is to run: where they are fewer than all sandboxes, nodes have as many as others."""
        left = 0 if self._source.total is None else self._source.total - self.distributed
        if left <= 0:
            return here.sandboxes
        slices = left + self._open - len(self._suspects)
        return min(here.sandboxes, math.ceil(slices * here.sandboxes / (self._sandboxes + self.expected)))

    def _share(self, here: _Node) -> int:
        """Of what is left, by its speed: near the end less and less waits at nodes, and all end together."""
        if self._source.total is None or not here.rate:
            return here.ahead
        left = max(0, self._source.total - self.distributed) + len(self._waiting)
        return max(int(left * here.rate / max(here.rate, self._rate)), here.ahead // 4)

    # --- What becomes of them ---

    def answered(self, node: int, index: int, *, failed: bool = False) -> None:
        """It has a result, or an error. Raises LedgerError where that node was not given it."""
        here = self._nodes[node]
        work = here.in_flight.pop(index, None)
        if work is None:
            raise LedgerError("an answer to a slice that the node does not have")
        self._end(work, _FAIL if failed else _ANSWER)
        here.bytes -= work.size
        here.answered += 1
        if not here.in_flight:
            here.has_suspects = False

    def measure(self, node: int, seconds: float) -> None:
        """That node has worked for so long on what it has answered since the last call."""
        here = self._nodes[node]
        before = here.rate
        here.measure(seconds, self.batch_seconds)
        self._rate += here.rate - before

    def lost(self, node: int, *, blameless: bool = False) -> Slice | None:
        """It is gone. Its slices come first elsewhere, but for one that has failed with that, which is returned.

        ``blameless``: no slice can be the cause, and none loses a try.
        """
        here = self._nodes.pop(node)
        self._rate -= here.rate
        self._sandboxes -= here.sandboxes
        if self._reserved == node:
            self._reserved = None
        is_only = len(here.in_flight) == 1 and not blameless
        for work in reversed(here.in_flight.values()):
            work.deaths += not blameless
            if is_only and work.deaths > self._retries:
                self._end(work, _FAIL)
                return work
            work.move(_LOSE)
            self._put_back(work)
        return None

    def _put_back(self, work: Slice) -> None:
        if work.deaths <= self._retries:
            self._waiting.appendleft(work)
        elif work.deaths == self._retries + 1:
            self._suspects.append(work)
        else:
            self._suspects.appendleft(work)

    def cancel(self) -> None:
        """The job ends: no slice is taken any more, and those that have not ended never will."""
        self._exhausted = True
        for work in self._unended():
            self._end(work, _CANCEL)
        self._waiting.clear()
        self._suspects.clear()
        for node in self._nodes.values():
            node.in_flight.clear()

    def _unended(self) -> Iterator[Slice]:
        yield from self._waiting
        yield from self._suspects
        for node in self._nodes.values():
            yield from node.in_flight.values()
