"""One sandbox on asyncio, as a supervisor uses it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from dcp_protocol import kvin

from ..dialects.sandbox_messages import Description, SandboxMessages
from ..errors import AssignError, EvaluationError, SandboxEndedError
from ..tasks.capabilities import Worktime
from .alarm import Alarm
from .background import Background
from .channels import Channel
from .connection import LARGE, Connection
from .dialogue import Dialogue
from .events import (
    Assigned,
    Described,
    Ended,
    Evaluated,
    Event,
    FetchWanted,
    ModulesWanted,
    SliceCompleted,
    SliceRejected,
    SliceThrew,
)
from .jobs import AssignedJob
from .limits import Limits, Timeouts
from .meter import Arrival
from .outcomes import Outcome, SliceListener, SliceRun
from .question import Question
from .services import Services
from .states import State
from .wire import shortened

_EXIT_PATIENCE = 1.0
_GRACE = 2.0
_LISTENING = (State.STARTING, State.READY, State.ASSIGNED)


class Sandbox:
    """A sandbox. ``description``: what it can do. It takes one job for life, and one slice at a time."""

    description: Description

    @classmethod
    async def start(
        cls,
        channel: Channel,
        messages: SandboxMessages,
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
        known: Description | None = None,
    ) -> Sandbox:
        """On a channel, which it closes at its end. Raises SandboxError.

        ``known``: what another sandbox of the same evaluator has said. Then it is not asked until it gets a job that
        needs a GPU: to say it, a sandbox starts a process for the GPU, 30 ms of CPU time and 20 MB that others save.
        """
        sandbox = cls(channel, messages, timeouts, limits or Limits())
        try:
            await sandbox._connection.open()
            sandbox.description = known or await sandbox._describe()
        except BaseException:
            await sandbox.end(grace=0.0)
            raise
        return sandbox

    def __init__(self, channel: Channel, messages: SandboxMessages, timeouts: Timeouts | None, limits: Limits) -> None:
        """Use ``start``."""
        self._loop = asyncio.get_running_loop()
        self._channel = channel
        self._dialogue = Dialogue(messages, self._loop.time(), timeouts, limits)
        self._background = Background(self._fail)
        self._connection = Connection(channel, self._dialogue, self._background, limits, self._heard, self._lost)
        self._alarm = Alarm(self._ring)
        self._question = Question()
        self._services: Services | None = None
        self._job_size = 0
        self._run: SliceRun | None = None
        self._arrival: Arrival | None = None
        self._error: BaseException | None = None
        self._is_described = self._is_dying = False
        self._closed = self._loop.create_future()

    @property
    def pid(self) -> int | None:
        """Of its process on this machine; None where it is not known."""
        return self._channel.pid

    @property
    def error(self) -> BaseException | None:
        """Why it has ended; None while it has not."""
        return self._error

    async def wait_closed(self) -> None:
        """Until its connection has ended."""
        await asyncio.shield(self._closed)

    async def evaluate(self, source: str) -> Any:
        """The value of a source, or of its promise, between slices. Raises EvaluationError, SandboxError."""
        return await self._ask(lambda: self._dialogue.evaluate(source, self._loop.time()))

    async def assign(self, job: AssignedJob) -> None:
        """Raises AssignError, another SandboxError, what ``job.modules`` raises, or KvinError or TypeError for an
        argument that KVIN does not have. The sandbox has ended then.
        """
        if job.job.uses_gpu and not self._is_described:
            self.description = await self._describe()
        self._services = Services(job, self._dialogue.requests, self._background, self._drive)
        self._job_size = job.size
        try:
            await self._ask(lambda: self._begin_assignment(job))
        except (kvin.KvinError, TypeError):
            self._abandon()
            raise

    async def work(self, datum: object, listener: SliceListener | None = None, *, size: int = 0) -> Outcome:
        """Runs a slice. ``size``: UTF-16 units of what was fetched for it.

        Raises SandboxEndedError, NoProgressError, SliceTooSlowError, SliceOutputError, or what a service of the job
        raises; the sandbox has ended then. KvinError and TypeError are of a datum that KVIN does not have, and change
        nothing. Where the caller is cancelled, the sandbox ends.
        """
        main = self._dialogue.main
        message = main(datum) if size < LARGE else await asyncio.to_thread(main, datum)
        outcome: Outcome = await self._ask(lambda: self._begin(message, listener, size))
        return outcome

    async def end(self, grace: float = _GRACE) -> None:
        """Tells it to die where it listens, and closes its connection after ``grace`` seconds at most."""
        if grace > 0 and self._connection.is_open and self._dialogue.state in _LISTENING:
            self._is_dying = True
            self._dialogue.die()
            self._drive()
            await asyncio.wait((self._closed,), timeout=grace)
        self._is_dying = False
        self._abandon()
        self._close()
        await asyncio.shield(self._closed)

    # --- Beginning something, and waiting for its end ---

    async def _ask(self, begin: Callable[[], None]) -> Any:
        if self._error is not None:
            kind = type(self._error) if isinstance(self._error, SandboxEndedError) else SandboxEndedError
            raise kind(str(self._error))
        self._question.open()
        try:
            begin()
            self._drive()
            return await self._question.wait()
        except asyncio.CancelledError:
            self._abandon()
            raise
        finally:
            self._question.close()

    async def _describe(self) -> Description:
        description: Description = await self._ask(lambda: self._dialogue.describe(self._loop.time()))
        self._is_described = True
        return description

    def _begin_assignment(self, job: AssignedJob) -> None:
        """A worktime that it does not have ends it: the files of dcp-client 5 would never answer."""
        if _has(self.description, job.worktime):
            now = self._loop.time()
            self._dialogue.assign(job.job, job.worktime, job.work_function, job.arguments, now)
        else:
            wanted = shortened(f"{job.worktime.name} {job.worktime.version}")
            have = shortened(_worktimes(self.description))
            self._dialogue.end(AssignError(f"the sandbox has no worktime {wanted}; it has {have}"))

    def _begin(self, message: bytes, listener: SliceListener | None, size: int) -> None:
        self._dialogue.work(message, self._loop.time())
        self._run = SliceRun(listener, self._channel.pid, self._job_size + size)
        self._connection.pacing.slice_begins()

    # --- Driving the dialogue ---

    def _heard(self, arrival: Arrival | None) -> None:
        self._arrival = arrival
        try:
            self._drive()
        except Exception as error:  # of a listener
            self._fail(error)
        finally:
            self._arrival = None

    def _drive(self) -> None:
        """Does what the dialogue wants."""
        dialogue = self._dialogue
        while dialogue.has_news():
            if not self._connection.write(dialogue.take_output()):
                dialogue.end(SandboxEndedError("the sandbox was ended: it does not read what it is sent"))
            for event in dialogue.take_events():
                self._do(event)
        self._alarm.set(dialogue.deadline)

    def _do(self, event: Event) -> None:
        match event:
            case SliceCompleted() | SliceThrew() | SliceRejected():
                self._answer_slice(event)
            case ModulesWanted() | FetchWanted():
                if self._services is not None:
                    self._services.serve(event)
            case Ended(error):
                self._has_ended(error)
            case Described(description):
                self._question.answer(description)
            case Assigned():
                self._question.answer(None)
            case Evaluated(value, None):
                self._question.answer(value)
            case Evaluated(_, str(error)):
                self._question.fail(EvaluationError(error))
            case _:
                if self._run is not None:
                    self._run.hear(event)

    def _answer_slice(self, event: SliceCompleted | SliceThrew | SliceRejected) -> None:
        if self._run is not None:
            self._run.taken += self._dialogue.requests.module_size
            self._question.answer(self._run.outcome(event, self._arrival))
        self._run = None

    def _ring(self) -> None:
        self._dialogue.time_passes(self._loop.time())
        self._drive()

    # --- Its end ---

    def _fail(self, error: Exception) -> None:
        """A service of the job, a listener or this program is at fault. Whoever waits for the sandbox hears of it."""
        if self._error is None:
            self._error = error
        self._dialogue.end(SandboxEndedError(f"the sandbox was ended: {error}"))
        self._drive()

    def _has_ended(self, error: BaseException) -> None:
        if self._error is None:
            self._error = error
        self._question.fail(self._error)
        self._background.cancel()
        if not self._is_dying:
            self._close()

    def _abandon(self) -> None:
        self._dialogue.end(SandboxEndedError("the sandbox was ended"))
        self._drive()

    def _close(self) -> None:
        self._alarm.stop()
        was_open = self._connection.is_open
        self._connection.close()
        if not was_open and not self._closed.done():
            self._closed.set_result(None)

    def _lost(self, reason: str) -> None:
        """The connection has ended; where its evaluator tells how the process did, that is waited for."""
        told = self._channel.exit
        if told is None or self._dialogue.state is State.ENDED:
            self._finish(reason)
        else:
            self._background.run(self._await_exit(told, reason))

    async def _await_exit(self, told: asyncio.Future[str], reason: str) -> None:
        done, _ = await asyncio.wait((told,), timeout=_EXIT_PATIENCE)
        self._finish(told.result() if done else reason)

    def _finish(self, reason: str) -> None:
        self._dialogue.lose(reason)
        self._drive()
        if not self._closed.done():
            self._closed.set_result(None)


def _has(description: Description, worktime: Worktime) -> bool:
    known = description.worktimes
    return any(worktime.name == each.name and worktime.version in each.versions for each in known)


def _worktimes(description: Description) -> str:
    return ", ".join(f"{each.name} {version}" for each in description.worktimes for version in each.versions)
