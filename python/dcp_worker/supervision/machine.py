"""The supervisor of a worker: takes tasks, runs their slices in sandboxes, says what becomes of each."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from ..scheduling.room import Limits
from ..tasks.job import Job
from ..tasks.load import Load
from ..tasks.slices import Slice, SliceKey, SliceMetrics
from ..tasks.task import Task
from .actions import Action, ReturnSlices, Stopped, Warn
from .admission import Admission
from .dispatcher import Dispatcher
from .jobs import JobStage, JobTable, SliceStage
from .options import SupervisionOptions
from .release import Release
from .requests import Requests
from .resting import Resting

STOP_REASON = "stopAndShutdown"
"""What DCP's worker gives as the reason when it returns slices at its end."""


class _Stage(enum.Enum):
    RUNNING = enum.auto()
    FINISHING = enum.auto()
    """No new work is asked for; what is here is done."""
    STOPPING = enum.auto()
    """What runs may finish; nothing else is begun."""
    STOPPED = enum.auto()


_AT_WORK = (_Stage.RUNNING, _Stage.FINISHING)


class Machine:
    """Times are seconds of any clock that does not go back. After each call ``take_actions`` has what is to be done.

    A slice that was taken ends in exactly one of ``SubmitResult`` and ``ReturnSlices``.
    """

    def __init__(self, limits: Limits, options: SupervisionOptions | None = None) -> None:
        self._options = options or SupervisionOptions()
        self._stage = _Stage.RUNNING
        self._jobs = JobTable()
        self._actions: list[Action] = []
        self._unsubmitted: dict[SliceKey, None] = {}
        self._dispatcher = Dispatcher(self._jobs, limits, self._options, self._actions.append)
        self._requests = Requests(self._jobs, self._unsubmitted.keys(), self._options, self._actions.append)
        self._release = Release(self._jobs, self._dispatcher, self._requests, self._actions.append)
        self._resting = Resting(self._jobs, self._dispatcher, self._release)
        self.admission = Admission(
            self._jobs,
            self._unsubmitted.keys(),
            self._requests.rejected,
            self._requests.declined,
            lambda: self._dispatcher.limits,
            self._actions.append,
        )
        """What it takes, for whoever knows the evaluator and the owner's wishes."""
        self.exit_when_done = False
        """Whether it stops once nothing is left to do and the scheduler has no work."""

    def take_actions(self) -> list[Action]:
        actions = self._actions[:]
        self._actions.clear()
        return actions

    def deadline(self) -> float | None:
        """When ``tick`` has to be called at the latest; None for never."""
        if self._stage not in _AT_WORK:
            return None
        times = [self._dispatcher.boxes.retry_at, self._dispatcher.gpu_rests_until or None]
        if self._stage is _Stage.FINISHING:
            times.append(self._requests.next_report)
        elif self._dispatcher.boxes.has_evaluator:
            times.append(self._requests.next_deadline)
        return min((time for time in times if time is not None), default=None)

    @property
    def working(self) -> int:
        return len(self._dispatcher.working())

    @property
    def limits(self) -> Limits:
        return self._dispatcher.limits

    @property
    def used(self) -> Load:
        """Cores and GPUs that its slices take, by what jobs have had of them so far."""
        return self._dispatcher.used()

    @property
    def has_evaluator(self) -> bool:
        """Whether sandboxes have been had, and can be had."""
        return self._dispatcher.boxes.has_evaluator

    @property
    def is_answered(self) -> bool:
        """Whether the scheduler has answered the last request for work that is over."""
        return self._requests.is_answered

    @property
    def is_stopped(self) -> bool:
        return self._stage is _Stage.STOPPED

    def jobs(self) -> Mapping[str, Job]:
        """Those that are here, by identity."""
        return {state.job.identity: state.job for state in self._jobs}

    def unfinished(self) -> list[Slice]:
        """All that is here and has no result."""
        return [state.slice for job in self._jobs for state in job.slices.values()]

    # Work from the scheduler

    def task_received(self, task: Task, now: float) -> None:
        if task.rules:
            self._requests.rules = task.rules
        taken = self._take(task, now) if self._stage is _Stage.RUNNING else 0
        if self._stage is not _Stage.RUNNING:
            self._actions += [ReturnSlices((one,), STOP_REASON) for one in task.slices]
        self._actions += [ReturnSlices((refused.slice,), refused.reason) for refused in task.refused]
        self._requests.answered(now, taken=taken, offered=len(task.slices) + len(task.refused))
        self._release.idle_jobs(task.jobs)
        if self.exit_when_done and self._stage is _Stage.RUNNING and not self.unfinished() and not task.refused:
            self._stage = _Stage.FINISHING
        self._go_on(now)

    def task_failed(self, now: float) -> None:
        """The scheduler has not answered, or not with a task."""
        self._requests.failed(now)
        self._go_on(now)

    def job_fetched(self, job: str, now: float) -> None:
        state = self._jobs.find(job)
        if state and state.stage is JobStage.FETCHING:
            state.stage = JobStage.READY
            self._go_on(now)

    def job_failed(self, job: str, reason: str, code: str, now: float) -> None:
        """Its code, arguments or input set cannot be had: its slices go back, and it may come again."""
        self._release.job(job, reason, code)
        self._go_on(now)

    def datum_fetched(self, key: SliceKey, now: float) -> None:
        job = self._jobs.find(key.job)
        if job and (state := job.slices.get(key.number)) and state.stage is SliceStage.FETCHING:
            state.stage = SliceStage.READY
            job.ready.append(key.number)
            self._go_on(now)

    def datum_failed(self, key: SliceKey, reason: str, code: str, now: float) -> None:
        self._release.slices([key], reason, code)
        self._go_on(now)

    def result_acknowledged(self, key: SliceKey, now: float) -> None:
        """The scheduler has the result, or it was given up: what comes under this number again is new work."""
        self._unsubmitted.pop(key, None)
        self._requests.hurry(now)

    def result_pending(self, key: SliceKey) -> None:
        """A result of an earlier run is still to be submitted."""
        self._unsubmitted[key] = None

    def job_removed(self, job: str, reason: str, now: float) -> None:
        """The scheduler or the job's refusals end it here."""
        self._release.job(job, reason)
        self._go_on(now)

    def job_refused(self, job: str, reason: str, code: str, now: float) -> None:
        """It cannot be done here, ever: its slices go back, and it is not wanted again."""
        self._release.rejected_job(job, reason, code)
        self._go_on(now)

    # What sandboxes tell

    def sandbox_started(self, sandbox: int, now: float) -> None:
        self._dispatcher.sandbox_started(sandbox)
        self._go_on(now)

    def sandbox_assigned(self, sandbox: int, now: float) -> None:
        self._dispatcher.sandbox_assigned(sandbox, now)
        self._go_on(now)

    def assign_failed(self, sandbox: int, code: str, message: str, now: float) -> None:
        job = self._dispatcher.assign_failed(sandbox, code, message)
        if job:
            self._actions.append(Warn(f"a job is given up, as no sandbox takes its work function: {message}", job))
            self._release.job(job, message, code)
        self._go_on(now)

    def slice_finished(self, sandbox: int, metrics: SliceMetrics, now: float) -> None:
        """It has a result, which may be what the work function threw."""
        finished = self._dispatcher.slice_finished(sandbox, metrics, now)
        if finished:
            self._unsubmitted[finished.key] = None
        self._go_on(now)

    def slice_rejected(self, sandbox: int, reason: str, retries: int, metrics: SliceMetrics, now: float) -> None:
        """The work function has refused its slice, and may be tried ``retries`` times again here."""
        refused = self._dispatcher.slice_rejected(sandbox, retries, metrics)
        if refused:
            job = refused.slice.key.job
            self._actions.append(Warn(f"a job's work function refuses its slices here, and is given up: {reason}", job))
            self._release.rejected_job(job, reason, "EWORKREJECT", retries)
        self._go_on(now)

    def slice_failed(self, sandbox: int, code: str, message: str, now: float) -> None:
        """It has no result, for a reason of its own; its sandbox is of no use any more."""
        self._dispatcher.slice_failed(sandbox, code, message)
        self._go_on(now)

    def sandbox_ended(self, sandbox: int, reason: str, now: float) -> None:
        """By itself, or it could not be made."""
        self._dispatcher.sandbox_ended(sandbox, reason, now)
        if self._dispatcher.boxes.is_down:
            self._release.slices([one.key for one in self.unfinished()], f"the evaluator is down: {reason}")
        self._go_on(now)

    # Orders

    def tick(self, now: float) -> None:
        if now >= self._dispatcher.gpu_rests_until:
            self._dispatcher.gpu_rests_until = 0.0
        if self._stage is _Stage.RUNNING:
            for job, count in self._requests.excess(self._dispatcher.limits, now).items():
                state = self._jobs.find(job)
                keys = [one.key for one in state.waiting_slices()[-count:]] if state else []
                self._release.slices(keys, "repoMan")
        self._go_on(now)

    def start(self, now: float) -> None:
        self._go_on(now)

    def set_limits(self, limits: Limits, now: float, *, hard: bool = False) -> None:
        """Of slices that run beyond them those that were begun last are returned.

        Where the CPU or the GPUs rest, what runs there may finish; ``hard``: it may not.
        """
        taken = self._dispatcher.fit(limits)
        self._release.slices([one.key for one in taken], "Worker wanted fewer running slices")
        self._resting.enforce(hard=hard)
        if not limits.cpu_rests:
            self._requests.declined.clear()
        self._requests.hurry(now)
        self._go_on(now)

    def gpus_changed(self, now: float, *, hard: bool = False) -> None:
        """New sandboxes have other GPUs: those that jobs have for one end with their slices.

        ``hard``, some time later: those that have not ended since do so, and their slices begin again.
        """
        for state in self._jobs:
            if state.job.uses_gpu:
                end = self._dispatcher.end_retiring if hard else self._dispatcher.retire
                end(state.job.identity)
        self._go_on(now)

    def finish(self, now: float) -> None:
        """No new work is asked for; it stops once what it has is done."""
        if self._stage is _Stage.RUNNING:
            self._stage = _Stage.FINISHING
        self._go_on(now)

    def stop(self, now: float, *, hard: bool = False) -> None:
        """What waits is returned, what runs may finish; ``hard``: it may not."""
        if self._stage is _Stage.STOPPED:
            return
        self._stage = _Stage.STOPPING
        kept = set() if hard else {s.slice.key for s in self._dispatcher.working() if s.stage is SliceStage.WORKING}
        self._release.slices([one.key for one in self.unfinished() if one.key not in kept], STOP_REASON)
        self._go_on(now)

    # The rest

    def _take(self, task: Task, now: float) -> int:
        """How many slices of it are taken."""
        for job in task.jobs.values():
            self.admission.admit_job(job)
        return sum(self.admission.admit_slice(one, now) for one in task.slices)

    def _go_on(self, now: float) -> None:
        if self._stage in _AT_WORK:
            self._resting.enforce()
        if self._stage is _Stage.RUNNING:
            self._dispatcher.start_slices(now)
            if not self._dispatcher.limits.rests:
                self._dispatcher.boxes.warm()
            if self._dispatcher.boxes.has_evaluator:
                self._requests.ask(self._dispatcher.limits, now)
        if self._stage is _Stage.FINISHING:
            self._dispatcher.start_slices(now)
            self._requests.tell(now)
            if not self.unfinished() or (self.limits.cores <= 0 and not self.working):
                self.stop(now)
        elif self._stage is _Stage.STOPPING and not self._dispatcher.working():
            self._dispatcher.end_all()
            for job in list(self._jobs):
                self._release.job(job.job.identity, STOP_REASON)
            self._stage = _Stage.STOPPED
            self._actions.append(Stopped())
