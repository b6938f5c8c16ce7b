"""What is kept of a worker's work, and reports on it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import NamedTuple


class Place(NamedTuple):
    """Where work is counted. ``day``: ``YYYY-MM-DD``, UTC. ``job``: its id; empty for those beyond a day's limit."""

    day: str
    job: str


@dataclass(slots=True, kw_only=True)
class Work:
    """Slices by what became of them. ``submitted``: those whose results the scheduler has; ``earned``: DCC for them."""

    completed: int = 0
    failed: int = 0
    rejected: int = 0
    submitted: int = 0
    cpu_seconds: float = 0.0
    gpu_seconds: float = 0.0
    earned: float = 0.0

    def add(self, other: Work) -> None:
        for name in FIELDS:
            setattr(self, name, getattr(self, name) + getattr(other, name))


FIELDS = tuple(field.name for field in dataclasses.fields(Work))


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """``day``: ``YYYY-MM-DD``, UTC."""

    day: str
    work: Work


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWork:
    """``id``: empty for all jobs that are not kept apart. ``first``, ``last``: days of its work."""

    id: str
    name: str
    first: str
    last: str
    work: Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Days without work are left out. ``jobs``: those of the most CPU and GPU time first."""

    since: str
    total: Work
    days: tuple[Day, ...]
    jobs: tuple[JobWork, ...]
