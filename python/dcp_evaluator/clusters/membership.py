"""Which nodes of a cluster get an evaluator. No Ray and no clock in here."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .nodes import Node

_MOST_FAILURES = 3
"""In a row, after which a node is left out."""
_PAUSE = 0.5
"""Seconds, twice as long with each failure in a row."""
_PARTS = 10_000
"""Of a CPU or a GPU, that Ray can give."""


class Needs(NamedTuple):
    """``sandboxes``: of each evaluator, one per CPU where None. ``gpus``: of each evaluator, and a node has as many of
    those as it has room for; all of a node where None; none is asked for where 0. ``software``: adapters may be
    software. ``most``: nodes, all where None.
    """

    sandboxes: int | None = None
    gpus: float | None = 0
    software: bool = False
    most: int | None = None


class Place(NamedTuple):
    """Of one evaluator: what Ray is asked for on that node."""

    node: Node
    sandboxes: int
    cpus: float
    gpus: float


class Membership:
    """Places are handed out with ``places`` and come back with ``ended``."""

    def __init__(self, needs: Needs) -> None:
        self._needs = needs
        self._used: Counter[str] = Counter()  # evaluators of each node
        self._failures: Counter[str] = Counter()
        self._paused: dict[str, float] = {}
        self._left_out: dict[str, tuple[str, str]] = {}

    def places(self, nodes: Iterable[Node], now: float) -> Iterator[Place]:
        """Where evaluators are to be started now."""
        free = math.inf if self._needs.most is None else self._needs.most - sum(map(bool, self._used.values()))
        for node in nodes:
            if node.id in self._left_out or self._is_paused(node.id, now):
                continue
            place, count = self._place(node)
            is_new = not self._used[node.id]
            if place is None or (is_new and free <= 0):
                continue
            free -= is_new
            while self._used[node.id] < count:
                self._used[node.id] += 1
                yield place

    def suits(self, node: Node) -> bool:
        """Whether it has what is asked for, and is not left out."""
        return node.id not in self._left_out and self._place(node)[0] is not None

    @property
    def left_out(self) -> list[tuple[str, str]]:
        """The names of nodes that are not used any more, and why."""
        return list(self._left_out.values())

    def ended(self, place: Place, now: float, reason: str, *, useful: bool) -> bool:
        """An evaluator is gone that had done something, if ``useful``. Whether its node is left out with that."""
        node = place.node.id
        self._used[node] -= 1
        if useful:
            self._failures[node] = 0
        elif not self._is_paused(node, now):  # else it began before the last failure: all of a node often end at once
            self._failures[node] += 1
        if self._failures[node] >= _MOST_FAILURES:
            self._left_out[node] = place.node.name, reason
            return True
        self._paused[node] = now + _PAUSE * 2 ** self._failures[node]
        return False

    def leave_out(self, place: Place, reason: str) -> None:
        """Its node cannot be used by this job."""
        self._used[place.node.id] -= 1
        self._left_out[place.node.id] = place.node.name, reason

    def _is_paused(self, node: str, now: float) -> bool:
        return now < self._paused.get(node, 0.0)

    def _place(self, node: Node) -> tuple[Place | None, int]:
        """What an evaluator there asks for, and how many of them the node has room for."""
        gpus = node.gpus if self._needs.gpus is None else _for_ray(self._needs.gpus)
        count = _evaluators(node, gpus) if gpus else int(self._needs.gpus is not None)
        if not count or node.cpus < self._least_cpus(gpus):
            return None, 0
        share = node.cpus / count
        sandboxes = self._needs.sandboxes or max(1, int(share))
        return Place(node, sandboxes, min(sandboxes, int(share) or _for_ray(share)), gpus), count

    def _least_cpus(self, gpus: float) -> float:
        if self._needs.sandboxes is None:
            return 1.0
        return 0.0 if gpus else 1 / _PARTS  # with none, Ray is to run nothing there


def _for_ray(amount: float) -> float:
    """It refuses finer parts."""
    return max(1, int(amount * _PARTS + 1e-6)) / _PARTS if 0 < amount < 1 else amount


def _evaluators(node: Node, gpus: float) -> int:
    """How many have room that have so many GPUs each, or such a part of one: Ray gives no parts of several."""
    return int(node.gpus / gpus) if gpus >= 1 else int(node.gpus) * int(1 / gpus)
