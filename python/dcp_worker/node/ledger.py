"""What a run has come to so far: its sandboxes, jobs, totals and rates."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ..logs.notices import (
    JobAnnounced,
    Notice,
    Paid,
    SandboxGone,
    SandboxReady,
    SliceEnded,
    SliceProgress,
    SliceStarted,
    Submitted,
)
from ..tasks.job import Job
from ..tasks.slices import SliceKey
from ..tasks.work import Work

_MOST_JOBS: Final = 200
_MINUTES: Final = 60


@dataclass(slots=True)
class Running:
    """A slice in its sandbox. ``began``, ``told``: Unix time of its begin, and of its last progress."""

    key: SliceKey
    job_name: str
    began: float
    told: float
    share: float | None = None


@dataclass(slots=True)
class JobRecord:
    job: Job
    work: Work = field(default_factory=Work)


@dataclass(slots=True)
class _Minute:
    number: int
    slices: int = 0
    earned: float = 0.0


class Ledger:
    """Hears notices. Of jobs it keeps the last ones that came."""

    def __init__(self) -> None:
        self.began = time.time()
        self.sandboxes: dict[int, Running | None] = {}
        self.jobs: dict[str, JobRecord] = {}
        self.totals = Work()
        self.gone = 0
        """Sandboxes that have ended."""
        self._minutes: deque[_Minute] = deque(maxlen=_MINUTES)

    def __call__(self, notice: Notice) -> None:
        match notice:
            case JobAnnounced(job):
                self._announced(job)
            case SandboxReady(sandbox):
                self.sandboxes[sandbox] = None
            case SliceStarted(sandbox, key, name):
                now = time.time()
                self.sandboxes[sandbox] = Running(key, name, now, now)
            case SliceProgress(sandbox, share):
                if running := self.sandboxes.get(sandbox):
                    running.share, running.told = share, time.time()
            case SliceEnded():
                self._ended(notice)
            case SandboxGone(sandbox):
                self.gone += self.sandboxes.pop(sandbox, self) is not self
            case Submitted(key):
                for work in self._sums(key):
                    work.submitted += 1
            case Paid(key, amount):
                self._minute().earned += amount
                for work in self._sums(key):
                    work.earned += amount

    def running(self) -> Iterator[tuple[int, Running]]:
        """By the number of the sandbox."""
        return ((number, one) for number, one in sorted(self.sandboxes.items()) if one)

    def per_hour(self) -> tuple[float, float]:
        """Slices completed and DCC earned, as the last hour has it, or the minutes of this run where they are less."""
        first = self._minute().number - _MINUTES + 1
        minutes = [minute for minute in self._minutes if minute.number >= first]
        passed = self._minute().number - int(self.began // 60) + 1
        share = min(1.0, max(1, passed) / _MINUTES)
        return sum(minute.slices for minute in minutes) / share, sum(minute.earned for minute in minutes) / share

    def _announced(self, job: Job) -> None:
        record = self.jobs.pop(job.identity, None) or JobRecord(job)
        record.job = job
        self.jobs[job.identity] = record
        if len(self.jobs) > _MOST_JOBS:
            del self.jobs[next(iter(self.jobs))]

    def _ended(self, notice: SliceEnded) -> None:
        if notice.sandbox in self.sandboxes:
            self.sandboxes[notice.sandbox] = None
        self._minute().slices += notice.how == "completed"
        work = notice.work()
        for sums in self._sums(notice.key):
            sums.add(work)

    def _sums(self, key: SliceKey) -> tuple[Work, ...]:
        record = self.jobs.get(key.job)
        return (self.totals, record.work) if record else (self.totals,)

    def _minute(self) -> _Minute:
        number = int(time.time() // 60)
        if not self._minutes or self._minutes[-1].number != number:
            self._minutes.append(_Minute(number))
        return self._minutes[-1]
