"""One sandbox on asyncio: its connection, its timer, and who waits for what it does."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dcp_evaluator.errors import reason_of
from dcp_protocol import kvin

from ..dialects.sandbox_messages import UNCAUGHT, Description, SandboxMessages
from ..errors import AssignError, EvaluationError, SandboxEndedError, WorkerError
from ..tasks.capabilities import Worktime
from ..tasks.job import Job
from ..tasks.slices import SliceError, SliceMetrics
from .channels import Channel
from .dialogue import Dialogue, State
from .events import (
    Assigned,
    ConsoleWritten,
    Described,
    Ended,
    Evaluated,
    EventEmitted,
    FetchRequest,
    FetchResponse,
    FetchWanted,
    Measured,
    ModuleGroup,
    ModulesWanted,
    Progressed,
    Sizes,
    SliceCompleted,
    SliceRejected,
    SliceThrew,
)
from .limits import Limits, Timeouts
from .meter import SliceMeter
from .wire import LineSplitter, RuleBrokenError, shortened

_EXIT_PATIENCE = 1.0
_GRACE = 2.0
_LINES_OF_A_SLICE = 16  # at least six
_LARGE = 1 << 18  # bytes of a line, or units of a datum, that take a millisecond and more


class FetchRefusedError(WorkerError):
    """A fetch of a work function fails, which is told to it; ``code`` is DCP's, ``EPERM_ORIGIN`` for one."""

    def __init__(self, message: str, code: str = "EFETCH", name: str = "Error") -> None:
        super().__init__(message)
        self.code = code
        self.name = name


async def no_modules(names: Sequence[str]) -> ModuleGroup | None:
    return None


async def no_fetch(request: FetchRequest) -> FetchResponse:
    raise FetchRefusedError("Fetches are not allowed", "EPERM_ORIGIN", "DCPError")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignedJob:
    """A job with all that a sandbox needs of it.

    ``worktime``: with the very version that the sandbox is to use. ``size``: UTF-16 units of what was fetched for it.
    ``modules`` gives the text of each file of the packages that are asked for; None where there are none of these
    names. ``fetch`` serves what work functions fetch, and raises ``FetchRefusedError``. Any other exception of them
    ends the sandbox, and is raised by what waits for it.
    """

    job: Job
    worktime: Worktime
    work_function: str
    arguments: Sequence[Any] = ()
    size: int = 0
    modules: Callable[[Sequence[str]], Awaitable[ModuleGroup | None]] = no_modules
    fetch: Callable[[FetchRequest], Awaitable[FetchResponse]] = no_fetch


class SliceListener:
    """Who hears of a slice while it runs; does nothing by itself. No method may take long."""

    def progressed(self, percent: float | None) -> None:
        """None where the work function does not know how far it is."""

    def console(self, level: str, arguments: Any, same: int) -> None:
        """``arguments``: a list of values; UNDEFINED for the last ones ``same`` times more."""

    def emitted(self, name: str, data: Any) -> None:
        """``work.emit(name, data)``."""


@dataclass(frozen=True, slots=True)
class Completed:
    value: Any
    metrics: SliceMetrics


@dataclass(frozen=True, slots=True)
class Threw:
    """What a work function throws is the result of its slice: ``value``, as npm's worker has it."""

    error: SliceError
    value: kvin.JSError
    metrics: SliceMetrics


@dataclass(frozen=True, slots=True)
class Rejected:
    """The work function called ``work.reject``; the sandbox has ended with it. ``retries``: elsewhere, at most."""

    reason: str
    retries: int
    metrics: SliceMetrics


Outcome = Completed | Threw | Rejected


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
        sandbox = cls(channel, messages, timeouts, limits)
        try:
            await sandbox._connect()
            sandbox.description = known or await sandbox._describe()
        except BaseException:
            await sandbox.end(grace=0.0)
            raise
        return sandbox

    def __init__(
        self, channel: Channel, messages: SandboxMessages, timeouts: Timeouts | None, limits: Limits | None
    ) -> None:
        """Use ``start``."""
        self._loop = asyncio.get_running_loop()
        self._channel = channel
        self._limits = limits or Limits()
        self._dialogue = Dialogue(messages, self._loop.time(), timeouts, self._limits)
        self._lines = LineSplitter(self._limits.line)
        self._allowance = _Allowance(self._limits, self._loop.time())
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._job: AssignedJob | None = None
        self._listener = _NOBODY
        self._meter: SliceMeter | None = None
        self._size = 0
        self._services: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None
        self._is_described = self._is_dying = False
        self._holds = 0
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
        self._job = job
        if job.job.uses_gpu and not self._is_described:
            self.description = await self._describe()
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
        self._listener = listener or _NOBODY
        self._size = size + (self._job.size if self._job else 0)
        main = self._dialogue.main
        message = main(datum) if size < _LARGE else await asyncio.to_thread(main, datum)
        outcome: Outcome = await self._ask(lambda: self._begin(message))
        return outcome

    async def end(self, grace: float = _GRACE) -> None:
        """Tells it to die where it listens, and closes its connection after ``grace`` seconds at most."""
        if grace > 0 and self._transport is not None and self._dialogue.state in _LISTENING:
            self._is_dying = True
            self._dialogue.die()
            self._drive()
            await asyncio.wait((self._closed,), timeout=grace)
        self._is_dying = False
        self._abandon()
        self._close()
        await asyncio.shield(self._closed)

    # --- What the connection tells ---

    def connected(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def received(self, data: bytes) -> None:
        try:
            self._hear(data)
        except Exception as error:  # of a listener: who waits for the slice hears of it
            self._fail_service(error)
            self._drive()

    def _hear(self, data: bytes) -> None:
        now = self._loop.time()
        try:
            lines = self._lines.feed(data)
        except RuleBrokenError as error:
            self._dialogue.take(error, now)
        else:
            if self._allowance.is_used_up(len(lines)):
                self._hold()
                self._loop.call_later(self._allowance.pause(now), self._release)
            self._take(lines, now)
        self._drive()

    def _take(self, lines: list[bytes], now: float) -> None:
        for index, line in enumerate(lines):
            if len(line) > _LARGE:
                self._hold()
                self._serve(self._take_large(line, lines[index + 1 :]))
                break
            self._dialogue.receive(line, now)

    async def _take_large(self, line: bytes, rest: list[bytes]) -> None:
        """Other sandboxes are heard while it is read; this one waits."""
        if (meter := self._meter) is not None:
            meter.stop()
        try:
            self._dialogue.take(await asyncio.to_thread(self._dialogue.read, line), self._loop.time())
            self._drive()
            if meter is not None:
                meter.go_on()
            self._take(rest, self._loop.time())
            self._drive()
        finally:
            self._release()

    def lost(self, error: Exception | None) -> None:
        """The connection has ended; where its evaluator tells how, that is waited for."""
        self._transport = None
        told = self._channel.exit
        if told is None or self._dialogue.state is State.ENDED:
            self._finish(reason_of(error) if isinstance(error, OSError) else "its connection was closed")
        elif told.done():
            self._finish(told.result())
        else:
            self._serve(self._await_exit(told))

    async def _await_exit(self, told: asyncio.Future[str]) -> None:
        done, _ = await asyncio.wait((told,), timeout=_EXIT_PATIENCE)
        self._finish(told.result() if done else "its connection was closed")

    def _finish(self, reason: str) -> None:
        self._dialogue.lose(reason)
        self._drive()
        if not self._closed.done():
            self._closed.set_result(None)

    def _hold(self) -> None:
        """Reads no more until ``_release``: a sandbox that writes on waits as well."""
        self._holds += 1
        if self._transport is not None:
            self._transport.pause_reading()

    def _release(self) -> None:
        self._holds -= 1
        if not self._holds and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # --- Driving the dialogue ---

    async def _connect(self) -> None:
        try:
            await self._loop.create_connection(lambda: _Connection(self), sock=self._channel.socket)
        except OSError as error:
            raise SandboxEndedError(f"the connection of a sandbox cannot be used: {reason_of(error)}") from None

    async def _describe(self) -> Description:
        description: Description = await self._ask(lambda: self._dialogue.describe(self._loop.time()))
        self._is_described = True
        return description

    async def _ask(self, begin: Callable[[], None]) -> Any:
        """Begins something, and waits for its end."""
        if self._error is not None:
            kind = type(self._error) if isinstance(self._error, SandboxEndedError) else SandboxEndedError
            raise kind(str(self._error))
        if self._waiter is not None:
            raise RuntimeError("a sandbox does one thing at a time")
        self._waiter = self._loop.create_future()
        try:
            begin()
            self._drive()
            return await self._waiter
        except asyncio.CancelledError:
            self._abandon()
            raise
        finally:
            self._waiter = None

    def _lacks(self, worktime: Worktime) -> bool:
        known = self.description.worktimes
        return not any(worktime.name == each.name and worktime.version in each.versions for each in known)

    def _begin_assignment(self, job: AssignedJob) -> None:
        """A worktime that it does not have ends it: the files of dcp-client 5 would never answer."""
        if self._lacks(job.worktime):
            wanted = shortened(f"{job.worktime.name} {job.worktime.version}")
            have = ", ".join(
                f"{each.name} {version}" for each in self.description.worktimes for version in each.versions
            )
            self._dialogue.end(AssignError(f"the sandbox has no worktime {wanted}; it has {shortened(have)}"))
        else:
            now = self._loop.time()
            self._dialogue.assign(job.job, job.worktime, job.work_function, job.arguments, now)

    def _begin(self, message: bytes) -> None:
        self._dialogue.work(message, self._loop.time())
        self._meter = SliceMeter(self._channel.pid)
        self._allowance.give(_LINES_OF_A_SLICE)

    def _drive(self) -> None:
        """Does what the dialogue wants."""
        dialogue = self._dialogue
        while dialogue.output or dialogue.events:
            output, dialogue.output = dialogue.output, []
            if self._transport is not None:
                self._write(output)
            events, dialogue.events = dialogue.events, []
            for event in events:
                _ACTIONS[type(event)](self, event)
        if dialogue.deadline < self._timer_at:
            self._set_timer(dialogue.deadline)

    def _write(self, pieces: Sequence[bytes]) -> None:
        assert self._transport is not None
        if self._transport.get_write_buffer_size() > self._limits.unread:
            self._dialogue.end(SandboxEndedError("the sandbox was ended: it does not read what it is sent"))
            return
        for piece in pieces:
            self._transport.write(piece)

    def _set_timer(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._timer = None if at == math.inf else self._loop.call_at(at, self._timed)

    def _timed(self) -> None:
        """Deadlines move on far more often than they are reached: the timer looks when it has gone off."""
        self._timer, self._timer_at = None, math.inf
        self._dialogue.time_passes(self._loop.time())
        self._drive()

    def _serve(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._services.add(task)
        task.add_done_callback(self._served)

    def _served(self, task: asyncio.Task[None]) -> None:
        """A fault of this program, or of a listener, leaves nobody waiting."""
        self._services.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._fail_service(error)
            self._drive()

    def _answer(self, value: Any) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(value)

    def _fail(self, error: BaseException) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    def _abandon(self) -> None:
        self._dialogue.end(SandboxEndedError("the sandbox was ended"))
        self._drive()

    def _close(self) -> None:
        """At once: for a sandbox in an endless loop that is the end."""
        self._set_timer(math.inf)
        if self._transport is not None:
            self._transport.abort()
        elif not self._closed.done():
            self._channel.socket.close()
            self._closed.set_result(None)

    # --- Events ---

    def _on_end(self, event: Ended) -> None:
        if self._error is None:
            self._error = event.error
        self._fail(self._error)
        for task in self._services:
            if task is not asyncio.current_task(self._loop):
                task.cancel()
        if not self._is_dying:
            self._close()

    def _on_description(self, event: Described) -> None:
        self._answer(event.description)

    def _on_assigned(self, event: Assigned) -> None:
        self._answer(None)

    def _on_evaluated(self, event: Evaluated) -> None:
        if event.error is None:
            self._answer(event.value)
        else:
            self._fail(EvaluationError(event.error))

    def _on_progress(self, event: Progressed) -> None:
        self._listener.progressed(event.percent)

    def _on_console(self, event: ConsoleWritten) -> None:
        self._listener.console(*event)

    def _on_emitted(self, event: EventEmitted) -> None:
        self._listener.emitted(*event)

    def _on_completed(self, event: SliceCompleted) -> None:
        self._answer(Completed(event.value, self._metrics(event.measured, event.sizes)))

    def _on_thrown(self, event: SliceThrew) -> None:
        error = event.error
        texts = (error.name, error.properties.get("stack"), error.code)
        name, stack, code = (text if isinstance(text, str) else "" for text in texts)
        told = SliceError(UNCAUGHT, error.message, name or "Error", stack, own_code=code)
        self._answer(Threw(told, error, self._metrics(event.measured, event.sizes)))

    def _on_rejected(self, event: SliceRejected) -> None:
        self._answer(Rejected(event.reason, event.retries, self._metrics(event.measured, event.sizes)))

    def _metrics(self, measured: Measured, sizes: Sizes) -> SliceMetrics:
        assert self._meter is not None
        return self._meter.read(measured, sizes, self._size + self._dialogue.module_size)

    def _on_modules(self, event: ModulesWanted) -> None:
        if self._job is not None:
            self._serve(self._serve_modules(event, self._job))

    async def _serve_modules(self, event: ModulesWanted, job: AssignedJob) -> None:
        try:
            group = await job.modules(event.names)
            self._dialogue.provide_modules(event.request, group, self._loop.time())
        except Exception as error:
            self._fail_service(error)
        self._drive()

    def _on_fetch(self, event: FetchWanted) -> None:
        if self._job is not None:
            self._serve(self._serve_fetch(event, self._job))

    async def _serve_fetch(self, event: FetchWanted, job: AssignedJob) -> None:
        try:
            self._dialogue.provide_response(event.request, await job.fetch(event.fetch))
        except FetchRefusedError as error:
            self._dialogue.refuse_fetch(event.request, error.name, str(error), error.code)
        except Exception as error:
            self._fail_service(error)
        self._drive()

    def _fail_service(self, error: Exception) -> None:
        """Whoever waits for the sandbox hears of it, and so whether the slice or the job is at fault."""
        if self._error is None:
            self._error = error
        self._dialogue.end(SandboxEndedError(f"the sandbox was ended: {error}"))


class _Connection(asyncio.Protocol):
    """Passes on what asyncio tells: a sandbox has other methods for its users."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._sandbox.connected(transport)

    def data_received(self, data: bytes) -> None:
        self._sandbox.received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._sandbox.lost(exc)


class _Allowance:
    """How many lines may come before reading pauses."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._burst, self._rate = limits.burst, limits.lines_per_second
        self._left = float(self._burst)
        self._since = now

    def give(self, lines: int) -> None:
        if self._left < self._burst:
            self._left += lines

    def is_used_up(self, lines: int) -> bool:
        self._left -= lines
        return self._left < 0

    def pause(self, now: float) -> float:
        """Seconds until there is something left again."""
        self._left = min(self._burst, self._left + (now - self._since) * self._rate)
        self._since = now
        return max(0.0, -self._left / self._rate)


_NOBODY = SliceListener()
_LISTENING = (State.STARTING, State.READY, State.ASSIGNED)
_ACTIONS: Mapping[type[Any], Callable[[Sandbox, Any], None]] = {
    Described: Sandbox._on_description,
    Assigned: Sandbox._on_assigned,
    Evaluated: Sandbox._on_evaluated,
    Progressed: Sandbox._on_progress,
    ConsoleWritten: Sandbox._on_console,
    EventEmitted: Sandbox._on_emitted,
    ModulesWanted: Sandbox._on_modules,
    FetchWanted: Sandbox._on_fetch,
    SliceCompleted: Sandbox._on_completed,
    SliceThrew: Sandbox._on_thrown,
    SliceRejected: Sandbox._on_rejected,
    Ended: Sandbox._on_end,
}
