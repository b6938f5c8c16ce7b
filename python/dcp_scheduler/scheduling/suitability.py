"""Whether a worker may, can and wants to do a job."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from semantic_version import NpmSpec, Version

from ..model.work_request import WorkRequest
from .candidate import Candidate


def suits(request: WorkRequest, groups: frozenset[int], candidate: Candidate) -> bool:
    """``groups``: those that the worker has proven."""
    if request.only and candidate.names.isdisjoint(request.only):
        return False
    if not candidate.names.isdisjoint(request.excluded):
        return False
    if candidate.local:
        if candidate.owner != request.owner or not request.only:
            return False
    elif candidate.groups.isdisjoint(groups) or not pays(request, candidate):
        return False
    if candidate.discrete and not candidate.names.isdisjoint(request.worked_before):
        return False
    lacks = int(candidate.needs) & ~int(request.has)  # of flags, Python inverts the named bits only
    return not lacks and has_worktime(request, candidate.worktime, candidate.versions)


def pays(request: WorkRequest, candidate: Candidate) -> bool:
    """Whether the job offers what the worker wants at least; a worker that wants something does nothing for nothing."""
    if request.wage.is_nothing or candidate.offer is None:
        return True
    if candidate.offer <= 0:
        return False
    return candidate.mean is None or candidate.offer >= request.wage.worth(candidate.mean)


def has_worktime(request: WorkRequest, name: str, versions: str) -> bool:
    """Whether one of the worker's versions is in the job's range."""
    return any(_is_in(version, versions) for version in request.worktimes.get(name, ()))


def version_of(versions: Sequence[str], wanted: str) -> str:
    """The newest of these that is in the range; empty where none is."""
    fitting = [version for version in versions if _is_in(version, wanted)]
    return max(fitting, key=Version, default="")


@lru_cache(10_000)
def _is_in(version: str, versions: str) -> bool:
    try:
        return bool(NpmSpec(versions).match(Version(version)))
    except ValueError:
        return False
