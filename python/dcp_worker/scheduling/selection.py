"""Which job has its next slice run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .estimates import JobEstimate
from .room import Room


@dataclass(frozen=True, slots=True)
class Candidate:
    """A job with a slice that could be started now. ``working``: how many of its slices run."""

    job: str
    estimate: JobEstimate
    working: int
    uses_gpu: bool = False
    is_long: bool = False
    is_almost_done: bool = False


def next_job(candidates: Iterable[Candidate], room: Room) -> str | None:
    """The job that has its next slice started, or None where none fits.

    A job that has nothing running comes first, of several the one with the longest slices: so all go on, and what takes
    long is begun early. Then comes the one with the least share of the cores, and of equal ones, one that is almost
    done, and the one with the shortest slices. While short slices wait, long ones do not take all cores.
    """
    if not room.has_core():
        return None
    fitting = [c for c in candidates if not c.uses_gpu or room.has_gpu(c.estimate)]
    if not room.has_long():
        fitting = [c for c in fitting if not c.is_long] or fitting
    return min(fitting, key=_order).job if fitting else None


def _order(candidate: Candidate) -> tuple[bool, float, bool, float]:
    elapsed = candidate.estimate.elapsed or 0.0
    if not candidate.working:
        return (False, -elapsed, False, 0.0)
    share = candidate.working * candidate.estimate.cpu_density
    return (True, share, not candidate.is_almost_done, elapsed)
