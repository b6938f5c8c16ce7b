"""When the scheduler is asked for work, and when it is told that slices are not lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection

from ..scheduling.demand import Queue, demand, excess, is_worth_asking
from ..scheduling.lifetimes import lifetime
from ..scheduling.quanta import Quanta
from ..scheduling.room import Limits
from ..tasks.slices import SliceKey
from ..tasks.task import SchedulerRules
from .actions import Action, FetchTask, Liveness, ReportLiveness
from .jobs import JobStage, JobState, JobTable, SliceStage
from .options import SupervisionOptions

_REMEMBERED_JOBS = 200
_LOOK_AGAIN = 0.05  # seconds until it is looked again whether there is room for work


class Requests:
    """``unsubmitted``: slices whose results the scheduler has not acknowledged."""

    def __init__(
        self,
        jobs: JobTable,
        unsubmitted: Collection[SliceKey],
        options: SupervisionOptions,
        act: Callable[[Action], None],
    ) -> None:
        self.rules = SchedulerRules()
        self.rejected: deque[str] = deque(maxlen=_REMEMBERED_JOBS)
        self.declined: deque[str] = deque(maxlen=_REMEMBERED_JOBS)
        """Jobs that may not run while the CPU rests: the scheduler is told not to send them, until it works again."""
        self.previous: deque[str] = deque(maxlen=_REMEMBERED_JOBS)
        self.is_answered = False
        """The last request that is over."""
        self._jobs = jobs
        self._unsubmitted = unsubmitted
        self._options = options
        self._act = act
        self._quanta = Quanta(gpu=False), Quanta(gpu=True)
        self._asked_at: float | None = None
        self._not_before = 0.0
        self._failures = 0
        self._told_at: float | None = None

    @property
    def next_deadline(self) -> float:
        if self._asked_at is not None:
            return self._asked_at + self._options.fetch_timeout
        return self._not_before

    @property
    def next_report(self) -> float:
        """When the scheduler is to hear again that slices are not lost."""
        return (self._told_at or 0.0) + self.rules.soteria_interval

    def ask(self, limits: Limits, now: float) -> None:
        """Asks for work if there is room for it, one request at a time."""
        if self._asked_at is not None:
            if now < self._asked_at + self._options.fetch_timeout:
                return
            self.failed(now)
        if now < self._not_before:
            return
        load = demand(self._queues(now).values(), limits, self._options.prefetch_interval * 1000)
        if not is_worth_asking(load):
            self._not_before = now + (self._options.watchdog_interval if limits.rests else _LOOK_AGAIN)
            self.tell(now)
            return
        self._asked_at = now
        cpu, gpu = (quanta.of((job.job.identity, job.estimate) for job in self._jobs) for quanta in self._quanta)
        liveness = self._liveness(now) if self._is_due(now) else None
        unresolved = tuple(job.job.identity for job in self._jobs if job.stage is JobStage.FETCHING)
        unwanted = (*self.rejected, *self.declined)
        self._act(FetchTask(load, cpu, gpu, liveness, unwanted, tuple(self.previous), unresolved))

    def tell(self, now: float) -> None:
        """Reports what is not finished, where that is due."""
        if self._is_due(now):
            self._act(ReportLiveness(self._liveness(now)))

    def answered(self, now: float, *, taken: int, offered: int) -> None:
        """A task has come: so many slices of it were taken."""
        self._asked_at = None
        self.is_answered = True
        self._failures = 0
        if taken:
            self._not_before = now
        elif offered:
            self._not_before = now + self._options.rest_between_tasks
        else:
            self._not_before = now + self._options.watchdog_interval

    def failed(self, now: float) -> None:
        """It is tried again soon, and then less often: a scheduler that has restarted is there in a moment."""
        self._asked_at = None
        self.is_answered = False
        self._failures = min(self._failures + 1, 10)
        rest = min(self._options.watchdog_interval, self._options.rest_between_tasks * 2.0 ** (self._failures - 2))
        self._not_before = now + rest

    def hurry(self, now: float) -> None:
        """There may be work now, even if there was none a moment ago."""
        self._not_before = min(self._not_before, now + self._options.rest_between_tasks)

    def excess(self, limits: Limits, now: float) -> dict[str, int]:
        """How many waiting slices of each job are more than can be done in time."""
        most = self._options.repo_man_factor * self.rules.target_task_duration * 1000
        return excess(self._queues(now), limits, most)

    def _queues(self, now: float) -> dict[str, Queue]:
        return {job.job.identity: _queue(job, now) for job in self._jobs if job.slices}

    def _is_due(self, now: float) -> bool:
        if self._told_at is None:
            self._told_at = now
        return now >= self._told_at + self.rules.soteria_interval

    def _liveness(self, now: float) -> Liveness:
        self._told_at = now
        unfinished: dict[str, list[int]] = {}
        overdue: dict[str, list[int]] = {}
        for job in self._jobs:
            for number, state in job.slices.items():
                unfinished.setdefault(job.job.identity, []).append(number)
                limit = lifetime(job.estimate, state.slice.cotasks, self.rules)
                if limit is not None and (now - state.received) * 1000 > limit:
                    overdue.setdefault(job.job.identity, []).append(number)
        for key in self._unsubmitted:
            unfinished.setdefault(key.job, []).append(key.number)
        return Liveness(unfinished, overdue)


def _queue(job: JobState, now: float) -> Queue:
    """A slice that waits for its code or data waits, too."""
    active = (job.slices[number] for number in job.active)
    running = tuple((now - state.begun) * 1000 if state.stage is SliceStage.WORKING else 0.0 for state in active)
    first = next(iter(job.slices.values()))
    return Queue(job.estimate, len(job.slices) - len(job.active), running, is_long=first.slice.is_long)
