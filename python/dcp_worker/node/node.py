"""A worker at work: does what its supervisor wants, and tells it what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from dcp_protocol.errors import ProtocolError

from ..errors import SandboxEndedError, SandboxError, SchedulerError, WorkerError
from ..fetching.failures import Consequence, FetchFailedError
from ..fetching.job_fetcher import Datum, FetchedJob, JobFetcher
from ..logs.notices import (
    End,
    Fetched,
    FetchFailed,
    Fetching,
    JobAnnounced,
    Notices,
    Returned,
    SandboxGone,
    SandboxReady,
    SliceEnded,
    SliceStarted,
)
from ..sandboxes.jobs import AssignedJob
from ..sandboxes.outcomes import Outcome, Rejected, Threw
from ..sandboxes.sandbox import Sandbox
from ..submission.submitter import Submitter
from ..supervision import actions as act
from ..supervision.machine import Machine
from ..tasks.job import Job
from ..tasks.slices import Slice, SliceKey, SliceMetrics
from .boxes import EVALUATOR_ERRORS, Boxes
from .listener import EventsOfSlice
from .outgoing_events import OutgoingEvents
from .scheduler import Scheduler
from .services import Services
from .work_requests import WorkRequests

# Seconds; less than the supervisor waits, so that a scheduler that was away is not asked for what was wanted long ago.
_LONGEST_FETCH = 170.0
_NOTHING = FetchedJob("", (), None, 0)


class Node:
    """Wires the supervisor with the scheduler, with sandboxes, and with what fetches and submits."""

    def __init__(
        self,
        machine: Machine,
        scheduler: Scheduler,
        boxes: Boxes,
        fetcher: JobFetcher,
        services: Services,
        submitter: Submitter,
        events: OutgoingEvents,
        requests: WorkRequests,
        notices: Notices,
        trust: Callable[[Mapping[str, Mapping[str, Sequence[str]]]], None],
        describe: Callable[[Sandbox], Awaitable[None]],
    ) -> None:
        """``trust`` hears of origins that compute groups allow their jobs; ``describe`` sees the first sandbox."""
        self._machine = machine
        self._scheduler = scheduler
        self._boxes = boxes
        self._fetcher = fetcher
        self._services = services
        self._submitter = submitter
        self._outgoing = events
        self._requests = requests
        self._notices = notices
        self._trust = trust
        self._describe = describe
        self._described = False
        self._loop = asyncio.get_running_loop()
        self._fetched: dict[str, FetchedJob] = {}
        self._jobs: dict[str, Job] = {}
        self._data: dict[SliceKey, Datum] = {}
        self._results: dict[SliceKey, Any] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = asyncio.Event()
        self._obeying = False

    # For who runs it

    def start(self) -> None:
        self.tell(self._machine.start)

    async def wait_stopped(self) -> None:
        """Until nothing runs any more; results may still be on their way."""
        await self._stopped.wait()

    def stop(self, *, hard: bool = False) -> None:
        self._machine.stop(self._loop.time(), hard=hard)
        self._obey()

    async def close(self) -> None:
        """Ends what is left, which is nothing of value once the node has stopped."""
        if self._timer:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._outgoing.close()
        await self._boxes.close()

    def tell(self, event: Callable[..., None], *arguments: Any, **more: Any) -> None:
        """An event for the supervisor, whose time is added."""
        event(*arguments, now=self._loop.time(), **more)
        self._obey()

    # What the supervisor wants

    def _obey(self) -> None:
        if self._obeying:
            return  # the loop below takes what comes up meanwhile
        self._obeying = True
        try:
            while actions := self._machine.take_actions():
                for action in actions:
                    self._do(action)
        finally:
            self._obeying = False
        self._set_timer()

    def _do(self, action: act.Action) -> None:
        match action:
            case act.Work(number, one):
                self._boxes.run(number, self._work(number, one))
            case act.SubmitResult(one, metrics):
                self._submit(one, metrics)
            case act.ReturnSlices():
                self._return(action)
            case act.FetchTask():
                self._background(self._fetch_task(action))
            case act.ReportLiveness():
                self._background(self._report_liveness(action))
            case act.FetchJob(job):
                self._background(self._fetch_job(job))
            case act.FetchDatum(one):
                self._background(self._fetch_datum(one))
            case act.StartSandbox(number):
                self._boxes.run(number, self._start_sandbox(number))
            case act.AssignSandbox(number, job):
                self._boxes.run(number, self._assign(number, job))
            case act.EndSandbox(number):
                self._boxes.end(number)
                self._notices.tell(SandboxGone(number, None))
            case act.ForgetJob(identity):
                self._forget(identity)
            case act.Announce(job):
                self._jobs[job.identity] = job
                self._notices.tell(JobAnnounced(job))
            case act.Warn(message, job):
                self._notices.say("warning", message, job=job)
            case act.Stopped():
                self._stopped.set()

    def _set_timer(self) -> None:
        deadline = self._machine.deadline()
        if self._timer:
            if self._timer.when() == deadline:
                return
            self._timer.cancel()
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._time_is_up)

    def _time_is_up(self) -> None:
        self._timer = None
        self.tell(self._machine.tick)

    def _background(self, work: Coroutine[Any, Any, object]) -> None:
        task: asyncio.Task[object] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._loop.call_exception_handler({"message": "a task of the worker failed", "exception": error})

    # Work from the scheduler

    async def _fetch_task(self, action: act.FetchTask) -> None:
        if not self._submitter.has_room:
            self._notices.say("warning", "no work is fetched, as there is no room for results: are they submitted?")
            self.tell(self._machine.task_failed)
            return
        self._notices.tell(Fetching())
        try:
            async with asyncio.timeout(_LONGEST_FETCH):
                task = await self._scheduler.fetch_task(self._requests.full(action), self._machine.jobs())
        except (ProtocolError, SchedulerError, TimeoutError) as error:
            self._notices.tell(FetchFailed())
            self._notices.say("warning", f"work cannot be fetched: {str(error) or 'the scheduler does not answer'}")
            self.tell(self._machine.task_failed)
            return
        count = len(task.slices)
        self._notices.tell(Fetched(count))
        self._requests.answered(count)
        for fault in task.faults:
            self._notices.say("warning", f"the scheduler's answer has a fault: {fault}")
        self._trust(task.origins)
        self._submitter.handed_out([*task.slices, *(refused.slice for refused in task.refused)])
        self.tell(self._machine.task_received, task)

    async def _report_liveness(self, action: act.ReportLiveness) -> None:
        try:
            async with asyncio.timeout(_LONGEST_FETCH):
                await self._scheduler.fetch_task(self._requests.liveness(action), {})
        except (ProtocolError, SchedulerError, TimeoutError) as error:
            self._notices.say("debug", f"the scheduler does not hear that slices are at work: {error}")

    async def _fetch_job(self, job: Job) -> None:
        try:
            self._fetched[job.identity] = await self._fetcher.fetch_job(job)
        except FetchFailedError as error:
            self._notices.say("warning", f"a job cannot be fetched: {error}", job=job.identity)
            self.tell(self._machine.job_failed, job.identity, str(error), error.code)
        else:
            self.tell(self._machine.job_fetched, job.identity)

    async def _fetch_datum(self, one: Slice) -> None:
        job = self._jobs.get(one.key.job)
        if job is None:
            return
        try:
            self._data[one.key] = await self._fetcher.fetch_datum(one, job, _NOTHING)
        except FetchFailedError as error:
            self.tell(self._machine.datum_failed, one.key, str(error), error.code)
        else:
            self.tell(self._machine.datum_fetched, one.key)

    def _forget(self, identity: str) -> None:
        self._fetched.pop(identity, None)
        self._jobs.pop(identity, None)

    # Sandboxes

    async def _start_sandbox(self, number: int) -> None:
        try:
            sandbox = await self._boxes.start(number)
            if not self._described:
                await self._describe(sandbox)
                self._described = True
        except EVALUATOR_ERRORS as error:
            self._boxes.forget(number)
            self.tell(self._machine.sandbox_ended, number, str(error))
            return
        self._notices.tell(SandboxReady(number))
        self.tell(self._machine.sandbox_started, number)

    async def _assign(self, number: int, identity: str) -> None:
        sandbox, fetched, job = self._boxes.get(number), self._fetched.get(identity), self._jobs.get(identity)
        if sandbox is None or fetched is None or job is None:
            self.tell(self._machine.sandbox_ended, number, "its job is gone")
            return
        try:
            await sandbox.assign(self._assigned(job, fetched))
        except (WorkerError, ValueError, TypeError) as error:
            self._forget_box(number)
            if isinstance(error, FetchFailedError) and error.consequence is Consequence.REJECT_JOB:
                self.tell(self._machine.job_refused, identity, str(error), error.code)
            else:
                self.tell(self._machine.assign_failed, number, getattr(error, "code", "EASSIGN"), str(error))
        else:
            self.tell(self._machine.sandbox_assigned, number)

    def _assigned(self, job: Job, fetched: FetchedJob) -> AssignedJob:
        return AssignedJob(
            job=job,
            worktime=self._requests.worktime(job) or job.worktime,
            work_function=fetched.work_function,
            arguments=fetched.arguments,
            size=fetched.size,
            modules=self._services.modules,
            fetch=self._services.fetch,
        )

    async def _work(self, number: int, one: Slice) -> None:
        sandbox, job = self._boxes.get(number), self._jobs.get(one.key.job)
        if sandbox is None or job is None:
            self.tell(self._machine.sandbox_ended, number, "its job is gone")
            return
        events = self._events(job, one, number)
        self._submitter.begun(one)
        self._notices.tell(SliceStarted(number, one.key, job.name))
        try:
            datum = self._data.pop(one.key, None) or await self._fetcher.fetch_datum(
                one, job, self._fetched[job.identity]
            )
            outcome = await sandbox.work(datum.value, events, size=datum.size)
        except SandboxEndedError as error:
            self._forget_box(number)
            self._ended(number, one, job, "failed")
            self.tell(self._machine.sandbox_ended, number, str(error))
        except (WorkerError, ValueError, TypeError) as error:
            if isinstance(error, SandboxError):
                events.ended_by(error)
            self._ended(number, one, job, "failed")
            self.tell(self._machine.slice_failed, number, getattr(error, "code", "EDATA"), str(error))
        else:
            self._take(number, one, job, outcome, events)

    def _take(self, number: int, one: Slice, job: Job, outcome: Outcome, events: EventsOfSlice) -> None:
        if isinstance(outcome, Rejected):
            self._ended(number, one, job, "rejected", outcome.metrics)
            self.tell(self._machine.slice_rejected, number, outcome.reason, outcome.retries, outcome.metrics)
            return
        if isinstance(outcome, Threw):
            events.failed(outcome.error)
        self._results[one.key] = outcome.value
        self._ended(number, one, job, "completed", outcome.metrics)
        self.tell(self._machine.slice_finished, number, outcome.metrics)

    def _forget_box(self, number: int) -> None:
        self._boxes.forget(number)
        self._notices.tell(SandboxGone(number, None, died=True))

    def _ended(self, number: int, one: Slice, job: Job, how: End, metrics: SliceMetrics | None = None) -> None:
        self._notices.tell(SliceEnded(number, one.key, job.name, how, metrics or SliceMetrics()))

    def _events(self, job: Job, one: Slice, number: int) -> EventsOfSlice:
        def emit(event: Any) -> None:
            self._outgoing.send(one.key, event)

        return EventsOfSlice(self._scheduler.dialect, self._scheduler.worker, job, one, number, emit, self._notices)

    # Results

    def _submit(self, one: Slice, metrics: SliceMetrics) -> None:
        self._submitter.submit(self._jobs[one.key.job], one, self._results.pop(one.key), metrics)

    def _return(self, action: act.ReturnSlices) -> None:
        self._notices.tell(Returned(len(action.slices)))
        for one in action.slices:
            self._data.pop(one.key, None)
        self._submitter.give_back(action.slices, action.reason, action.code, action.retries)
