"""A cluster with a clock of its own: nodes of given speeds behind a network, and the Dispatcher that feeds them.

Nothing sleeps and nothing is random. Nodes reply as clusters/node_run.py does, and the driver does what clusters/ray.py
does, in no time.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count

from dcp_evaluator.clusters.dispatcher import Dispatcher
from dcp_evaluator.sandboxes.slice_ledger import Slice

_LINGER = 0.25  # of a batch's time
_POLLS = 2


class Source:
    """``size``: of each slice, in bytes."""

    exhausted = True

    def __init__(self, count: int, *, known: bool, size: int = 0) -> None:
        self.total = count if known else None
        self._left = count
        self._size = size
        self._indices = iter(range(count))

    def take(self) -> Slice | None:
        index = next(self._indices, None)
        if index is None:
            return None
        work = Slice(index, None)
        work.size = self._size
        return work


class Node:
    """``speed``: of a sandbox; ``joins``: when. ``busy``: seconds of its sandboxes together, ``idle_at``: when the last
    slice there ended.
    """

    def __init__(self, sandboxes: int, speed: float = 1.0, joins: float = 0.0) -> None:
        self.sandboxes = sandboxes
        self.speed = speed
        self.joins = joins
        self.busy = 0.0
        self.idle_at = 0.0
        self.batches = 0
        self.replies = 0
        self.most = 0  # in flight
        self.waiting: deque[int] = deque()
        self.running = 0
        self.unanswered = 0
        self.items: list[int] = []
        self.polls = 0
        self.busy_since = self.answered_at = self.told_until = self.replied_at = 0.0
        self.wakes_at = -1.0


class Cluster:
    """``seconds``: that a slice takes in a sandbox of speed 1; ``latency``: of the network, one way."""

    def __init__(
        self, nodes: Sequence[Node], source: Source, seconds: Callable[[int], float], latency: float = 0.02
    ) -> None:
        self.now = 0.0
        self.nodes = nodes
        self.dispatcher = Dispatcher(source, retries=2)
        self._seconds = seconds
        self._latency = latency
        self._joined: list[int] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def run(self) -> None:
        for number, node in enumerate(self.nodes):
            self._at(node.joins, lambda number=number: self._join(number))
        while self._events:
            self.now, _, event = heapq.heappop(self._events)
            event()
        assert self.dispatcher.done

    def utilisation(self) -> float:
        """Of all sandboxes, from when their node joins until the end."""
        there = sum(node.sandboxes * (self.end - node.joins) for node in self.nodes)
        return sum(node.busy for node in self.nodes) / there

    @property
    def end(self) -> float:
        return max(node.idle_at for node in self.nodes)

    @property
    def spread(self) -> float:
        """Seconds between the first and the last node that had nothing left to do."""
        return self.end - min(node.idle_at for node in self.nodes)

    def _at(self, time: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (time, next(self._order), event))

    def _soon(self, event: Callable[[], None]) -> None:
        self._at(self.now + self._latency, event)

    # --- The driver ---

    def _join(self, number: int) -> None:
        self.dispatcher.join(number, self.nodes[number].sandboxes)
        self._joined.append(number)
        for _ in range(_POLLS):
            self._soon(lambda: self._polled(self.nodes[number]))
        self._hand_out()

    def _hand_out(self) -> None:
        for number in self._joined:
            while wanted := self.dispatcher.wanted(number):
                batch = []
                while len(batch) < wanted and (work := self.dispatcher.take(number)) is not None:
                    self.dispatcher.sent(number, work)
                    batch.append(work.index)
                self.dispatcher.handed_out(number)
                if not batch:
                    break
                self._send(self.nodes[number], batch)

    def _send(self, node: Node, batch: list[int]) -> None:
        node.batches += 1
        self._soon(lambda: self._fed(node, batch))

    def _replied(self, node: Node, items: list[int], seconds: float) -> None:
        number = self.nodes.index(node)
        self._soon(lambda: self._polled(node))
        for index in items:
            self.dispatcher.answered(number, index)
        self.dispatcher.measure(number, seconds)
        self._hand_out()

    # --- Nodes ---

    def _fed(self, node: Node, batch: list[int]) -> None:
        if not node.unanswered:
            node.busy_since = self.now
        node.unanswered += len(batch)
        node.most = max(node.most, node.unanswered)
        node.waiting.extend(batch)
        self._start(node)

    def _start(self, node: Node) -> None:
        while node.waiting and node.running < node.sandboxes:
            index = node.waiting.popleft()
            seconds = self._seconds(index) / node.speed
            node.running += 1
            node.busy += seconds
            self._at(self.now + seconds, lambda index=index: self._ended(node, index))

    def _ended(self, node: Node, index: int) -> None:
        node.running -= 1
        node.unanswered -= 1
        node.items.append(index)
        node.answered_at = node.idle_at = self.now
        self._start(node)
        self._reply(node)

    def _polled(self, node: Node) -> None:
        node.polls += 1
        self._reply(node)

    def _reply(self, node: Node) -> None:
        if not node.items or not node.polls:
            return
        due = node.replied_at + _LINGER * self.dispatcher.batch_seconds
        if self.now < due and len(node.items) < node.unanswered:
            if node.wakes_at < due:
                node.wakes_at = due
                self._at(due, lambda: self._reply(node))
            return
        items, node.items = node.items, []
        seconds = node.answered_at - max(node.told_until, node.busy_since)
        node.polls -= 1
        node.replies += 1
        node.replied_at, node.told_until = self.now, node.answered_at
        self._soon(lambda: self._replied(node, items, seconds))
