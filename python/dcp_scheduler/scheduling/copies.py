"""Copies of late slices. Where a worker has nothing else to do, it gets slices that others have had for much longer
than they should: the first result is taken and paid for, the others are not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MOST_HOLDERS = 3
"""Of a slice at a time. A copy of a copy goes out when that is late as well."""
_FACTOR = 2.0
_PAUSE = 10.0  # s: workers send results when they like, and connections are repaired


@dataclass(frozen=True, slots=True)
class Holding:
    """A slice of a job that a worker has."""

    job: int
    number: int
    worker: str


def late_after(seconds: float) -> float:
    """A slice is late when it is out for so long. ``seconds``: in which it should be done."""
    return _FACTOR * seconds + _PAUSE


def to_copy(late: Iterable[Holding], worker: str) -> dict[int, list[int]]:
    """By job the slices that this worker may have too, in the order of ``late``: all holdings of late slices."""
    holders: dict[tuple[int, int], list[str]] = {}
    for each in late:
        holders.setdefault((each.job, each.number), []).append(each.worker)
    found: dict[int, list[int]] = {}
    for (job, number), workers in holders.items():
        if worker not in workers and len(workers) < MOST_HOLDERS:
            found.setdefault(job, []).append(number)
    return found
