"""How many slices of which jobs a worker gets: a pure function of what it asks for and of what there is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from semantic_version import NpmSpec, Version

from ..model.requirements import Requirements
from ..model.work_request import WorkRequest

TASK_SECONDS = 180.0
"""A worker gets work for so long on each of its free cores (``targetTaskDuration``)."""
MOST_SLICES = 500
"""In one answer."""
UNKNOWN = 1000.0
"""Milliseconds that a slice is taken for whose job nobody has measured yet."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A job with slices to hand out. ``names``: by which workers may call it; ``groups``: its groups' numbers;
    ``cpu``, ``gpu``: milliseconds of a slice on the mean of the network, None where unknown; ``waiting``: slices that
    nobody has; ``quota``: how many of them may go out now.
    """

    job: int
    names: frozenset[str]
    owner: str
    groups: frozenset[int]
    needs: Requirements
    worktime: str
    versions: str
    discrete: bool
    local: bool
    cpu: float | None
    gpu: float | None
    quota: int


@dataclass(frozen=True, slots=True)
class Share:
    job: int
    slices: int
    is_long: bool


def allot(request: WorkRequest, groups: frozenset[int], candidates: Iterable[Candidate]) -> list[Share]:
    """In the order of the candidates, which is that of fairness: each gets its part of the room that is left.

    ``groups``: those that the worker has proven.
    """
    fitting = [each for each in candidates if suits(request, groups, each)]
    budget, slices, gpu = 1000 * TASK_SECONDS * request.room, MOST_SLICES, request.gpu
    shares: list[Share] = []
    for place, candidate in enumerate(fitting):
        if budget <= 0 or slices <= 0:
            break
        if candidate.needs & Requirements.WEBGPU and gpu <= 0:
            continue
        cost = _cost(candidate, request)
        fair = max(cost, budget / (len(fitting) - place))
        most = 1 if candidate.discrete else max(1, int(fair / cost))
        count = min(candidate.quota, slices, most)
        is_long = candidate.cpu is None or cost >= 1000 * TASK_SECONDS
        if is_long:
            count = min(count, max(1, int(request.room)))
        shares.append(Share(candidate.job, count, is_long))
        budget, slices = budget - count * cost, slices - count
    return shares


def suits(request: WorkRequest, groups: frozenset[int], candidate: Candidate) -> bool:
    """Whether this worker may, can and wants to do it."""
    if request.only and candidate.names.isdisjoint(request.only):
        return False
    if not candidate.names.isdisjoint(request.excluded):
        return False
    if candidate.local:
        if candidate.owner != request.owner or not request.only:
            return False
    elif candidate.groups.isdisjoint(groups):
        return False
    if candidate.discrete and not candidate.names.isdisjoint(request.worked_before):
        return False
    lacks = int(candidate.needs) & ~int(request.has)  # of flags, Python inverts the named bits only
    return not lacks and has_worktime(request, candidate.worktime, candidate.versions)


def has_worktime(request: WorkRequest, name: str, versions: str) -> bool:
    """Whether one of the worker's versions is in the job's range."""
    return any(_is_in(version, versions) for version in request.worktimes.get(name, ()))


def version_of(versions: Sequence[str], wanted: str) -> str:
    """The newest of these that is in the range; empty where none is."""
    fitting = [version for version in versions if _is_in(version, wanted)]
    return max(fitting, key=Version, default="")


def _is_in(version: str, versions: str) -> bool:
    try:
        return bool(NpmSpec(versions).match(Version(version)))
    except ValueError:
        return False


def _cost(candidate: Candidate, request: WorkRequest) -> float:
    """Milliseconds that a slice takes this worker."""
    if candidate.cpu is None:
        return UNKNOWN * request.quanta
    return max(0.5, (candidate.cpu + (candidate.gpu or 0.0)) * request.quanta)
