"""How many slices of which jobs a worker gets, from what it asks for and what there is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..model.requirements import Requirements
from ..model.work_request import WorkRequest
from .candidate import Candidate
from .fairness import Fairness
from .suitability import suits

TASK_SECONDS = 180.0
"""A worker gets work for so long on each of its free cores (``targetTaskDuration``)."""
MOST_SLICES = 500
"""In one answer."""
_UNKNOWN_SECONDS = 25.0
_TURNS = 8
"""Into so many parts a worker's room is divided between those whose turn it is: few jobs to load, fair over time."""


@dataclass(frozen=True, slots=True)
class Share:
    """``seconds``: in which the worker should have done all of it, beside what it got before."""

    job: int
    slices: int
    is_long: bool
    seconds: float


def allot(
    request: WorkRequest,
    groups: frozenset[int],
    candidates: Iterable[Candidate],
    fairness: Fairness,
    now: float,
    most: int = MOST_SLICES,
) -> list[Share]:
    """``groups``: those that the worker has proven. ``fairness`` learns what is given. ``now``: seconds.
    ``most``: slices in all.
    """
    fitting = [each for each in candidates if each.quota > 0 and suits(request, groups, each)]
    turns, room = fairness.turns(groups, fitting, now), _Room(request, most)
    given: dict[int, Share] = {}
    while room.is_left and (candidate := turns.next()) is not None:
        before = given[candidate.job].slices if candidate.job in given else 0
        count, is_long = room.take(candidate, candidate.quota - before)
        if count:
            given[candidate.job] = Share(candidate.job, before + count, is_long, room.seconds(candidate))
        leaves = not count or before + count >= candidate.quota or candidate.discrete
        turns.serve(count * candidate.work, leaves=leaves)
    return list(given.values())


class _Room:
    """What is left of what a worker asked for: milliseconds on its cores and GPUs."""

    def __init__(self, request: WorkRequest, most: int) -> None:
        self._request = request
        self._core = 1000 * TASK_SECONDS
        self._all = self.time = self._core * request.room
        self._gpu = self._core * request.gpu
        self._long = max(1, min(request.long_slices, most))
        self._most = self.slices = min(most, MOST_SLICES)

    @property
    def is_left(self) -> bool:
        return self.time > 0 and self.slices > 0

    def take(self, candidate: Candidate, quota: int) -> tuple[int, bool]:
        """How many slices the job gets in one turn, and whether they are long: each has a core then, and no more."""
        elapsed = candidate.elapsed(self._request)
        is_long = candidate.mean is None or elapsed >= self._core
        cost = self._core if is_long else elapsed
        turn = max(1, int(min(self.time, self._all / _TURNS) / cost))
        count = min(turn, quota, self.slices, max(1, self._most // _TURNS))
        if candidate.discrete:
            count = min(count, 1)
        if candidate.needs & Requirements.WEBGPU:
            count = min(count, max(1, int(self._gpu / cost)) if self._gpu > 0 else 0)
            self._gpu -= count * cost
        if is_long:
            count = min(count, self._long)
            self._long -= count
        self.time -= count * cost
        self.slices -= count
        return count, is_long

    def seconds(self, candidate: Candidate) -> float:
        """Until what was taken should be done: what lies before a slice, and as long as it takes most workers."""
        if candidate.mean is None:
            return _UNKNOWN_SECONDS
        is_long = candidate.elapsed(self._request) >= self._core
        before = 0.0 if is_long else (self._all - self.time) / max(1.0, self._request.room)
        return (before + candidate.usual) / 1000
