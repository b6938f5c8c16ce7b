"""Which slice runs in which sandbox."""

from __future__ import annotations

from collections.abc import Callable

from ..scheduling.room import Limits, Room
from ..scheduling.selection import Candidate, next_job
from ..tasks.load import Load
from ..tasks.slices import Slice, SliceKey, SliceMetrics
from .actions import Action, AssignSandbox, ReturnSlices, SubmitResult, Work
from .inventory import Box, BoxStage, Inventory
from .jobs import JobState, JobTable, SliceStage, SliceState, total
from .options import SupervisionOptions


class Dispatcher:
    """Gives slices to sandboxes, and takes what becomes of them. ``give_up`` is called with jobs to be rejected."""

    def __init__(
        self,
        jobs: JobTable,
        limits: Limits,
        options: SupervisionOptions,
        act: Callable[[Action], None],
    ) -> None:
        self.limits = limits
        self.boxes = Inventory(options, act)
        self.gpu_rests_until = 0.0
        self._jobs = jobs
        self._options = options
        self._act = act

    # Starting slices

    def start_slices(self, now: float) -> None:
        """As many as fit."""
        self.boxes.look(now)
        room = self._room(now)
        while (job := next_job(self._candidates(), room)) and (state := self._jobs.find(job)):
            if not self._start(state, now):
                return
            room.take(state.estimate, is_long=self._next_is_long(state))

    def used(self) -> Load:
        """By the slices that are active."""
        room = self._room(0.0)
        return Load(room.cpu, room.gpu)

    def working(self) -> list[SliceState]:
        """Slices that a sandbox works on, or is made ready for."""
        found = (self._jobs.slice(box.key) for box in self.boxes if box.key)
        return [state for state in found if state]

    def _room(self, now: float) -> Room:
        room = Room(self.limits, gpu_rests=now < self.gpu_rests_until)
        for job in self._jobs:
            for number in job.active:
                room.take(job.estimate, is_long=job.slices[number].slice.is_long)
        return room

    def _candidates(self) -> list[Candidate]:
        return [
            Candidate(
                state.job.identity,
                state.estimate,
                len(state.active),
                state.job.uses_gpu,
                self._next_is_long(state),
                state.job.is_almost_done,
            )
            for state in self._jobs
            if state.is_waiting and self.limits.allow(uses_gpu=state.job.uses_gpu)
        ]

    def _next_is_long(self, state: JobState) -> bool:
        return bool(state.ready) and state.slices[state.ready[0]].slice.is_long

    def _start(self, job: JobState, now: float) -> bool:
        """Starts the next slice of a job. False where no sandbox can be had for it now."""
        identity = job.job.identity
        box = self.boxes.take_for(identity, self.limits.sandboxes, self._has_slices)
        if box is None:
            return False
        state = job.slices[job.ready.popleft()]
        job.active.add(state.slice.key.number)
        state.stage = SliceStage.RESERVED
        box.key = state.slice.key
        if box.stage is BoxStage.WAITING:
            self._work(box, state, now)
        elif box.stage is BoxStage.BLANK:
            self._assign(box, identity)
        return True

    def _has_slices(self, job: str) -> bool:
        state = self._jobs.find(job)
        return state is not None and bool(state.slices)

    def _assign(self, box: Box, job: str) -> None:
        box.stage = BoxStage.ASSIGNING
        box.job = job
        self._act(AssignSandbox(box.number, job))

    def _work(self, box: Box, state: SliceState, now: float) -> None:
        box.stage = BoxStage.WORKING
        box.uses += 1
        state.stage = SliceStage.WORKING
        state.begun = now
        self._act(Work(box.number, state.slice))

    # What sandboxes tell

    def sandbox_started(self, number: int) -> None:
        box = self.boxes.started(number)
        if box and box.key:
            self._assign(box, box.key.job)

    def sandbox_assigned(self, number: int, now: float) -> None:
        if not (box := self.boxes.get(number)):
            return
        if job := self._jobs.find(box.job):
            job.assign_failures = 0
        state = self._state(box)
        if state:
            self._work(box, state, now)
        else:
            box.rest(now)

    def assign_failed(self, number: int, code: str, message: str) -> str | None:
        """The job that is to be given up, where its sandboxes fail again and again."""
        box = self.boxes.get(number)
        job = self._jobs.find(box.job) if box else None
        if not box or not job:
            return None
        self._return(self._state(box), message, code)
        self.boxes.end(box)
        job.assign_failures += 1
        return job.job.identity if job.assign_failures >= self._options.assign_failures else None

    def slice_finished(self, number: int, metrics: SliceMetrics, now: float) -> Slice | None:
        """The slice that has a result now."""
        box, state = self._working(number)
        if not box or not state or not (job := self._jobs.find(state.slice.key.job)):
            return None
        job.estimate.learn(metrics)
        self._rest_gpu(metrics, now)
        job.remove(state.slice.key.number)
        self._act(SubmitResult(state.slice, total(state.spent, metrics)))
        if box.retires or box.uses >= self._options.sandbox_uses:
            self.boxes.end(box)
        else:
            box.rest(now)
        return state.slice

    def slice_rejected(self, number: int, retries: int, metrics: SliceMetrics) -> SliceState | None:
        """The work function refuses a slice. What is returned has been refused once too often: its job is rejected."""
        box, state = self._working(number)
        if not box or not state or not (job := self._jobs.find(state.slice.key.job)):
            return None
        self.boxes.end(box)
        state.rejections += 1
        state.spent = total(state.spent, metrics)
        if state.rejections > retries:
            return state
        job.put_back(state.slice.key.number)
        return None

    def slice_failed(self, number: int, code: str, message: str) -> None:
        box, state = self._working(number)
        if box:
            self._return(state, message, code)
            self.boxes.end(box)

    def sandbox_ended(self, number: int, reason: str, now: float) -> None:
        """By itself, or it could not be made."""
        box = self.boxes.ended(number, reason, now)
        if box is None:
            return
        state = self._state(box)
        job = self._jobs.find(state.slice.key.job) if state else None
        if not state or not job:
            return
        state.tries += box.stage is not BoxStage.STARTING
        if state.tries > self._options.slice_retries:
            self._return(state, f"its sandbox ended {state.tries} times, last so: {reason}", "ESANDBOX")
        else:
            job.put_back(state.slice.key.number)

    # Taking slices away

    def withdraw(self, keys: set[SliceKey]) -> None:
        """Slices are not ours any more: sandboxes that have them end."""
        for box in [box for box in self.boxes if box.key in keys]:
            self.boxes.end(box)

    def fit(self, limits: Limits) -> list[Slice]:
        """New limits: the slices that were begun last are returned where too many run."""
        self.limits = limits
        working = sorted(self.working(), key=lambda state: state.begun)
        used, kept = 0.0, 0
        taken = []
        for state in working:
            job = self._jobs.find(state.slice.key.job)
            density = job.estimate.cpu_density if job else 0.0
            if kept < limits.sandboxes and (used + density <= limits.cores or (not kept and limits.cores > 0)):
                used, kept = used + density, kept + 1
            else:
                taken.append(state.slice)
        self.withdraw({one.key for one in taken})
        return taken

    def end_idle(self, job: str | None = None) -> None:
        """Ends sandboxes without a slice: those of a job, or all."""
        for box in [box for box in self.boxes if box.key is None and job in (None, box.job)]:
            self.boxes.end(box)

    def retire(self, job: str) -> None:
        """The sandboxes that a job has end with their slices."""
        self.end_idle(job)
        for box in self.boxes.of_job(job):
            box.retires = True

    def end_retiring(self, job: str) -> None:
        """Those end at once, and others begin their slices again."""
        for box in [box for box in self.boxes.of_job(job) if box.retires]:
            state, owner = self._state(box), self._jobs.find(job)
            self.boxes.end(box)
            if state and owner:
                owner.put_back(state.slice.key.number)

    def forget(self, job: str) -> None:
        """Ends the sandboxes of a job."""
        for box in self.boxes.of_job(job):
            self.boxes.end(box)

    def end_all(self) -> None:
        for box in list(self.boxes):
            self.boxes.end(box)

    def _rest_gpu(self, metrics: SliceMetrics, now: float) -> None:
        """The GPU is used for its share of the time, of which a slice on the GPU has had all."""
        whole = -(-self.limits.gpu // 1)
        if metrics.gpu_time > 0 and 0 < self.limits.gpu < whole:
            rest = metrics.gpu_time / 1000 * (whole / self.limits.gpu - 1)
            self.gpu_rests_until = max(now, self.gpu_rests_until) + rest

    def _working(self, number: int) -> tuple[Box | None, SliceState | None]:
        box = self.boxes.get(number)
        return (box, self._state(box)) if box and box.stage is BoxStage.WORKING else (None, None)

    def _state(self, box: Box) -> SliceState | None:
        return self._jobs.slice(box.key) if box.key else None

    def _return(self, state: SliceState | None, reason: str, code: str) -> None:
        if state and (job := self._jobs.find(state.slice.key.job)):
            job.remove(state.slice.key.number)
            self._act(ReturnSlices((state.slice,), reason, code))
