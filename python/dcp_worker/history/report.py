"""What is kept of a worker's work, and reports on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..tasks.work import Work


class Place(NamedTuple):
    """Where work is counted. ``day``: ``YYYY-MM-DD``, UTC. ``job``: its id; empty for those beyond a day's limit."""

    day: str
    job: str


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
