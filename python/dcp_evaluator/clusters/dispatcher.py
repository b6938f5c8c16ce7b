"""Which node gets which slices, how many at a time, and what becomes of them when it is lost.

No Ray and no clock in here: the backend reports what has happened and is told what follows. Slices move by the table
of sandboxes/slice_ledger.py, so each ends exactly once.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import Protocol

from ..sandboxes.slice_ledger import LedgerError, Slice, SliceEvent, SliceSource

BATCH_SECONDS = 0.2
"""Of work that a node is given at a time; it has two such batches at most."""
_MOST_BATCHES_A_SECOND = 250
"""Of all nodes together: where they are many, batches are larger, as each costs the driver about a millisecond."""
MOST_IN_BATCH = 4096
MOST_BYTES = 48 << 20
"""Of data that a node is given and has not answered; one slice may be larger."""
_GROWTH = 2
_SMOOTHING = 0.5


class SizedSource(SliceSource, Protocol):
    """``total``: how many slices there are, None while nobody knows."""

    @property
    def total(self) -> int | None: ...


class _Node:
    """``batch``: how many slices are one. ``is_alone``: what it has fails if it is lost again."""

    def __init__(self, sandboxes: int) -> None:
        self.sandboxes = sandboxes
        self.batch = sandboxes
        self.is_alone = False
        self.in_flight: dict[int, Slice] = {}
        self.bytes = 0
        self.answered = 0  # since the last measure
        self._is_started = False
        self._seconds_per_slice = 0.0
        self._measured_at = 0.0

    def begin(self, now: float) -> None:
        """It had nothing to do and gets something."""
        self._measured_at = now
        self.answered = 0

    def measure(self, now: float, batch_seconds: float) -> None:
        if not self.answered:
            return
        seconds = max(now - self._measured_at, 1e-9) / self.answered
        if self._is_started:
            before = self._seconds_per_slice or seconds
            self._seconds_per_slice = before + _SMOOTHING * (seconds - before)
            wanted = int(batch_seconds / self._seconds_per_slice)
            self.batch = max(self.sandboxes, min(wanted, _GROWTH * self.batch, MOST_IN_BATCH))
        self._is_started = True  # until then, time went by for other things than slices
        self.begin(now)


class Dispatcher:
    """All slices of one job. ``retries``: how often a slice runs again after its node was lost.

    A node has many slices when it is lost, and at most one of them can be the cause. So one that has been lost more
    often than ``retries`` allow gets one more try, with others of the kind alone on a node, and fails with that node.
    """

    def __init__(self, source: SizedSource, retries: int) -> None:
        self.distributed = 0
        self._source = source
        self._retries = retries
        self._nodes: dict[int, _Node] = {}
        self._waiting: deque[Slice] = deque()
        self._suspects: deque[Slice] = deque()
        self._reserved: int | None = None  # the node that is to have the suspects, once it has nothing else
        self._exhausted = False
        self._open = 0

    @property
    def done(self) -> bool:
        """Whether every slice there is has ended."""
        return self._exhausted and not self._open

    @property
    def batch_seconds(self) -> float:
        """Of work that one batch is to be."""
        return max(BATCH_SECONDS, len(self._nodes) / _MOST_BATCHES_A_SECOND)

    # --- Handing out ---

    def join(self, node: int, sandboxes: int) -> None:
        """It takes slices from now on."""
        self._nodes[node] = _Node(sandboxes)

    def wanted(self, node: int) -> int:
        """How many slices that node should be given now, at most."""
        here = self._nodes[node]
        if self._suspects and self._reserved is None:
            self._reserved = node
        if self._reserved == node:
            return 0 if here.in_flight else min(here.sandboxes, len(self._suspects))
        if here.is_alone or len(here.in_flight) > here.batch or here.bytes >= MOST_BYTES:
            return 0
        return min(here.batch, self._share(here))

    def take(self, node: int) -> Slice | None:
        """The next slice for that node; ``sent`` or ``cannot_be_sent`` follows. None where there is none now."""
        if self._reserved == node:
            return self._suspects.popleft() if self._suspects else None
        if self._waiting:
            return self._waiting.popleft()
        work = None if self._exhausted else self._source.take()
        if work is not None:
            self._open += 1
            self.distributed += 1
        elif self._source.exhausted:
            self._exhausted = True
        return work

    def sent(self, node: int, work: Slice, now: float) -> None:
        """``work.size`` says how many bytes went with it."""
        here = self._nodes[node]
        if not here.in_flight:
            here.begin(now)
        work.move(SliceEvent.SEND)
        here.in_flight[work.index] = work
        here.bytes += work.size
        if self._reserved == node:
            here.is_alone = True

    def handed_out(self, node: int) -> None:
        """That was all for that node for now."""
        if self._reserved == node and self._nodes[node].is_alone:
            self._reserved = None

    def cannot_be_sent(self, work: Slice) -> None:
        work.move(SliceEvent.FAIL)
        self._open -= 1

    def _share(self, here: _Node) -> int:
        """Near the end batches get smaller, so that all nodes end together."""
        if self._source.total is None:
            return MOST_IN_BATCH
        left = self._source.total - self.distributed + len(self._waiting)
        sandboxes = sum(node.sandboxes for node in self._nodes.values())
        return max(here.sandboxes, math.ceil(left * here.sandboxes / (2 * sandboxes)))

    # --- What becomes of them ---

    def answered(self, node: int, index: int, *, failed: bool = False) -> None:
        """It has a result, or an error. Raises LedgerError where that node was not given it."""
        here = self._nodes[node]
        work = here.in_flight.pop(index, None)
        if work is None:
            raise LedgerError("an answer to a slice that the node does not have")
        work.move(SliceEvent.FAIL if failed else SliceEvent.ANSWER)
        here.bytes -= work.size
        here.answered += 1
        self._open -= 1
        if not here.in_flight:
            here.is_alone = False

    def measure(self, node: int, now: float) -> None:
        """Adapts that node's batches, after answers."""
        self._nodes[node].measure(now, self.batch_seconds)

    def lost(self, node: int, *, blameless: bool = False) -> list[Slice]:
        """It is gone. Its slices come first elsewhere, but for those returned, which have failed with that.

        ``blameless``: no slice can be the cause, and none loses a try.
        """
        here = self._nodes.pop(node)
        if self._reserved == node:
            self._reserved = None
        failed = []
        for work in reversed(here.in_flight.values()):
            if here.is_alone and not blameless:
                work.move(SliceEvent.FAIL)
                self._open -= 1
                failed.append(work)
            else:
                self._put_back(work, blameless)
        return failed

    def _put_back(self, work: Slice, blameless: bool) -> None:
        work.deaths += not blameless
        work.move(SliceEvent.LOSE)
        (self._waiting if work.deaths <= self._retries else self._suspects).appendleft(work)

    def cancel(self) -> None:
        """The job ends: no slice is taken any more, and those that have not ended never will."""
        self._exhausted = True
        for work in self._unended():
            work.move(SliceEvent.CANCEL)
            self._open -= 1
        self._waiting.clear()
        self._suspects.clear()
        for node in self._nodes.values():
            node.in_flight.clear()

    def _unended(self) -> Iterator[Slice]:
        yield from self._waiting
        yield from self._suspects
        for node in self._nodes.values():
            yield from node.in_flight.values()
