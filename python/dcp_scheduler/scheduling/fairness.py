"""Whose turn it is: groups share, in a group owners, of an owner jobs, each by its weight.

Who has had least for its weight comes first (stride scheduling). What was had is remembered relative to those that a
worker could serve instead, and only up to what the network does in some minutes: whoever was away, or could not be
served for long, comes first for so long and then shares again; nobody waits longer for having had what no one else
wanted.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .candidate import Candidate

_WINDOW = 300.0
"""Seconds of the whole network's work by which one may be ahead of another, at weight 1."""
_LEAST_CREDIT = 600_000.0  # ms, and some slices
_SLICES = 4.0
_KEPT = 10_000

Key = tuple[Any, ...]


class Fairness:
    """What each group, owner and job has had. ``weights``: of owners by address, where it is not 1."""

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        self._weights = weights or {}
        self._had: dict[Key, float] = {}
        self._recent = 0.0
        self._now = 0.0

    def turns(self, groups: frozenset[int], candidates: Collection[Candidate], now: float) -> Turns:
        """For one worker. ``groups``: those that it has proven; ``candidates``: those that suit it; ``now``: seconds of
        one clock.
        """
        root = _Node((), 1.0)
        for candidate in candidates:
            group = min(candidate.groups & groups, default=0)
            node = root
            for key, weight in (
                ((group,), 1.0),
                ((group, candidate.owner), self._weights.get(candidate.owner, 1.0)),
                ((group, candidate.owner, candidate.job), candidate.weight),
            ):
                node = node.child(key, weight)
            node.candidate = candidate
        if len(self._had) > _KEPT:
            self._forget(root)
        self._recent *= math.exp(min(0.0, self._now - now) / _WINDOW)
        self._now = now
        root.arrange(self._had, self.credit(candidates))
        return Turns(root, self)

    def credit(self, candidates: Collection[Candidate]) -> float:
        """Milliseconds of work by which one may be ahead of another, at weight 1."""
        longest = max((candidate.work for candidate in candidates), default=0.0)
        return max(self._recent, _LEAST_CREDIT + _SLICES * longest)

    def served(self, work: float) -> None:
        self._recent += work

    def charge(self, key: Key, amount: float) -> float:
        """What it has had then."""
        had = self._had[key] = self._had.pop(key) + amount  # at the end: it was served last
        return had

    def _forget(self, root: _Node) -> None:
        """All but those that take part now, and those that were served last: entries are moved to the end then."""
        kept = dict(list(self._had.items())[_KEPT // 2 :])
        present = {key: self._had[key] for key in root.descendants() if key in self._had}
        self._had.clear()
        self._had.update(kept | present)


@dataclass(slots=True)
class _Node:
    """Of the tree of groups, owners and jobs. ``queue``: its children; who comes first stands first."""

    key: Key
    weight: float
    candidate: Candidate | None = None
    children: dict[Key, _Node] = field(default_factory=dict)
    queue: list[tuple[float, int, _Node]] = field(default_factory=list)

    def child(self, key: Key, weight: float) -> _Node:
        if key not in self.children:
            self.children[key] = _Node(key, weight)
        return self.children[key]

    def descendants(self) -> Iterator[Key]:
        for node in self.children.values():
            yield node.key
            yield from node.descendants()

    def arrange(self, had: dict[Key, float], credit: float) -> None:
        """Newcomers begin where the last one is; who is too far ahead is so no more."""
        if not self.children:
            return
        least = min((had[key] for key in self.children if key in had), default=0.0)
        for place, (key, node) in enumerate(self.children.items()):
            had[key] = min(had.get(key, least), least + credit / node.weight)
            self.queue.append((had[key], place, node))
            node.arrange(had, credit)
        heapq.heapify(self.queue)


class Turns:
    """``next`` names the job that is to be served, ``serve`` tells what it got."""

    def __init__(self, root: _Node, fairness: Fairness) -> None:
        self._root = root
        self._fairness = fairness

    def next(self) -> Candidate | None:
        node = self._root
        while node.queue:
            node = node.queue[0][2]
        return node.candidate

    def serve(self, work: float, *, leaves: bool = False) -> None:
        """The job whose turn it is has got so many milliseconds, and ``leaves`` where it takes no more."""
        self._fairness.served(work)
        path = [self._root]
        while path[-1].queue:
            path.append(path[-1].queue[0][2])
        for parent, node in reversed(list(itertools.pairwise(path))):
            _, place, _ = heapq.heappop(parent.queue)
            had = self._fairness.charge(node.key, work / node.weight)
            if not leaves:
                heapq.heappush(parent.queue, (had, place, node))
            leaves = leaves and not parent.queue
