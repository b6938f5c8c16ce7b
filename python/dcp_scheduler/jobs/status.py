"""What may become of jobs and slices."""

from __future__ import annotations

import enum


class JobStatus(enum.StrEnum):
    ESTIMATION = "estimation"
    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self in (JobStatus.FINISHED, JobStatus.CANCELLED)


ACTIVE = (JobStatus.ESTIMATION.value, JobStatus.RUNNING.value)


class VoteStatus(enum.StrEnum):
    """Of a result among several of one slice: as the majority's, or not."""

    OPEN = "open"
    AGREED = "agreed"
    DIFFERED = "differed"


class SliceStatus(enum.StrEnum):
    """A slice that nobody has had yet has no row."""

    WAITING = "waiting"
    OUT = "out"
    COPIED = "copied"
    """Out with more than one worker: the first result is taken."""
    DONE = "done"
