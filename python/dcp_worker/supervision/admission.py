"""What of a task is taken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection

from ..scheduling.room import Limits
from ..tasks.capabilities import Capability
from ..tasks.job import Job
from ..tasks.slices import Slice, SliceKey
from .actions import Action, Announce, FetchDatum, FetchJob, ReturnSlices
from .jobs import JobState, JobTable, SliceStage, SliceState

PAUSED = "this worker rests"
"""The reason with which slices are returned that may not run now."""


class Admission:
    """Adds jobs and slices to ``jobs``. ``unsubmitted``: slices whose results the scheduler does not have.

    Jobs that may not run while the CPU rests are added to ``declined``.
    """

    def __init__(
        self,
        jobs: JobTable,
        unsubmitted: Collection[SliceKey],
        rejected: Collection[str],
        declined: deque[str],
        limits: Callable[[], Limits],
        act: Callable[[Action], None],
    ) -> None:
        self._jobs = jobs
        self._unsubmitted = unsubmitted
        self._rejected = rejected
        self._declined = declined
        self._limits = limits
        self._act = act
        self.capabilities = Capability.NONE
        """Of the evaluator."""
        self.allowed_jobs: frozenset[str] | None = None
        """Where a worker is for certain jobs only."""
        self.lacks: Callable[[Job], str | None] = lambda job: None
        """What else a job needs that is not here, as a reason for who sent it."""

    def admit_job(self, job: Job) -> None:
        """One that is here already may be described anew."""
        state = self._jobs.find(job.identity)
        if not job.uses_gpu and self._limits().cpu_rests and job.identity not in self._declined:
            self._declined.append(job.identity)
        if state:
            state.job = job
            state.estimate.hear(job.metrics)
        elif self._refusal(job) is None:
            self._jobs.add(job)
            self._act(Announce(job))
            self._act(FetchJob(job))

    def admit_slice(self, received: Slice, now: float) -> bool:
        """Whether it is taken; it is returned otherwise."""
        key = received.key
        job = self._jobs.find(key.job)
        if job is None:
            self._act(ReturnSlices((received,), "this worker does not do this job"))
        elif not self._limits().allow(uses_gpu=job.job.uses_gpu):
            self._act(ReturnSlices((received,), PAUSED))
        elif key.number in job.slices or key in self._unsubmitted:
            self._act(ReturnSlices((received,), "return duplicate slice"))
        else:
            self._take(job, received, now)
            return True
        return False

    def _take(self, job: JobState, received: Slice, now: float) -> None:
        """What is in the slice's message, or in the job's input set, needs no fetching."""
        is_here = not received.datum or received.datum.startswith("data:")
        stage = SliceStage.READY if is_here else SliceStage.FETCHING
        job.add(SliceState(received, stage, now))
        if not is_here:
            self._act(FetchDatum(received))

    def _refusal(self, job: Job) -> str | None:
        """Why a job cannot be worked on here."""
        if self.allowed_jobs is not None and job.identity not in self.allowed_jobs:
            return "this worker does not work for this job"
        if job.identity in self._rejected:
            return "this worker has rejected this job"
        if not self._limits().allow(uses_gpu=job.uses_gpu):
            return f"this worker has no {'GPU' if job.uses_gpu else 'CPU'} for jobs now"
        missing = job.needs & ~self.capabilities & ~Capability.KVIN_V9
        if missing:
            return f"this worker's evaluator lacks {missing.name}"
        return self.lacks(job)
