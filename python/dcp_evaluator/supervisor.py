"""Takes slices from a source, runs them in sandboxes on this machine, and hands what comes of them to a sink.

Other ranges (a cluster, DCP itself) can supply another source and sink; the supervisor knows nothing of jobs' owners.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from . import _native
from .errors import DcpError, JobError, SliceError, ZygoteError
from .exit_status import ExitStatus
from .frame_fields import (
    NO_METRICS,
    Answer,
    Assigned,
    AssignmentFailed,
    Console,
    Emit,
    Failed,
    OutOfMemory,
    Output,
    Progress,
    Ready,
    Rejected,
    Result,
    SandboxFrame,
    SliceMetrics,
    UnusableEmit,
    UnusableResult,
)
from .sandbox import Sandbox, SandboxFactory, Slice
from .slice_limits import LimitExceeded, SliceLimits, SliceUse
from .values import FrameDecoder
from .zygote_messages import Exited, Refused, Spawned

_MOST_BARREN_DEATHS = 5
_EXIT_GRACE = 2.0
_OUT_OF_MEMORY = "out of memory; use less of it in a slice, or raise memory_limit"


class SliceSource(Protocol):
    """Where slices come from."""

    def take(self) -> Slice | None:
        """The next slice, or None when there are no more."""


class Sink(Protocol):
    """Where everything that happens goes; called on the supervisor's thread, ``flush`` after each batch."""

    def assigned(self) -> None: ...
    def result(self, index: int, value: Any, metrics: SliceMetrics) -> None: ...
    def error(self, error: SliceError, metrics: SliceMetrics) -> None: ...
    def progress(self, index: int, value: Any) -> None: ...
    def console(self, index: int, level: str, text: str) -> None: ...
    def emit(self, index: int, name: str, value: Any) -> None: ...
    def sandbox_died(self, reason: str) -> None: ...
    def flush(self, distributed: int) -> None: ...


class Options(NamedTuple):
    """``progress_timeout``: seconds, None for ever. ``retries``: how often a slice runs again when its sandbox dies."""

    sandboxes: int
    progress_timeout: float | None
    retries: int
    stop_on_error: bool
    result_limit: int
    limits: SliceLimits = SliceLimits()


class Supervisor:
    """Runs one job. ``assignment``: payload and descriptors of the frame that every sandbox gets first."""

    def __init__(
        self,
        factory: SandboxFactory,
        assignment: tuple[bytes, Sequence[int]],
        source: SliceSource,
        sink: Sink,
        options: Options,
    ) -> None:
        self._factory = factory
        self._assignment = assignment
        self._source = source
        self._sink = sink
        self._options = options
        self._decoder = FrameDecoder(options.result_limit)
        self._sandboxes: dict[int, Sandbox] = {}
        self._again: deque[Slice] = deque()
        self._starved: deque[Slice] = deque()  # each waits for a new sandbox
        self._exhausted = False
        self._open = 0  # slices taken and not yet answered
        self._distributed = 0
        self._barren_deaths = 0
        self._stopped = False
        self._selector = selectors.DefaultSelector()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def stop(self) -> None:
        """Makes ``run`` return soon; may be called from any thread, before ``close``."""
        self._stopped = True
        os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        """The last call, after ``run`` has returned and when nobody calls ``stop`` any more."""
        os.close(self._wake)

    def run(self) -> None:
        """Returns when every slice has its result or error, or after ``stop``. Raises JobError, ZygoteError."""
        try:
            self._selector.register(self._wake, selectors.EVENT_READ, lambda mask: None)
            self._selector.register(self._factory.zygote, selectors.EVENT_READ, self._on_zygote)
            while not self._stopped:
                try:
                    if not self._step():
                        break
                except ZygoteError as error:
                    self._replace_zygote(error)
                self._sink.flush(self._distributed)
            self._sink.flush(self._distributed)
        finally:
            for sandbox in list(self._sandboxes.values()):
                self._drop(sandbox)
            self._selector.close()

    def _step(self) -> bool:
        """Hands out, waits for something to happen and handles it; False when all is done."""
        self._fill_sandboxes()
        if self._exhausted and not self._open:
            return False
        for key, mask in self._selector.select(self._time_left()):
            key.data(mask)
        self._check_deadlines()
        return True

    # --- Handing out ---

    def _take(self, sandbox: Sandbox) -> Slice | None:
        if self._starved and sandbox.is_new:
            return self._starved.popleft()
        return self._again.popleft() if self._again else self._take_new()

    def _take_new(self) -> Slice | None:
        if self._exhausted:
            return None
        work = self._source.take()
        if work is None:
            self._exhausted = True
        else:
            self._open += 1
            self._distributed += 1
        return work

    def _fill_sandboxes(self) -> None:
        now = time.monotonic()
        for sandbox in self._sandboxes.values():
            if sandbox.wants_slices and not self._stopped:
                self._feed(sandbox, now)
        self._start_sandboxes(now)

    def _feed(self, sandbox: Sandbox, now: float) -> None:
        while sandbox.has_room() and not self._stopped:
            work = self._take(sandbox)
            if work is None:
                break
            try:
                sandbox.run(work, now)
            except (TypeError, ValueError) as error:
                message = f"the input cannot be sent to a sandbox: {error}"
                self._fail(SliceError(work.index, type(error).__name__, message, code="EINPUT"))
        self._flush(sandbox)

    def _start_sandboxes(self, now: float) -> None:
        """Starts as many as are wanted and can be of use."""
        idle = sum(1 for sandbox in self._sandboxes.values() if not sandbox.queue)
        new = sum(1 for sandbox in self._sandboxes.values() if sandbox.is_new)
        while len(self._sandboxes) < self._options.sandboxes and not self._stopped:
            if len(self._starved) <= new and len(self._again) + len(self._starved) <= idle:
                work = self._take_new()
                if work is None:
                    return
                self._again.append(work)
            self._start_sandbox(now)
            idle += 1
            new += 1

    def _start_sandbox(self, now: float) -> None:
        try:
            sandbox = self._factory.create(self._decoder)
        except OSError as error:
            remedy = "; use fewer sandboxes, or raise the limit with ulimit -n" if error.errno == errno.EMFILE else ""
            raise JobError(f"a sandbox cannot be made: {error.strerror}{remedy}") from None
        self._sandboxes[sandbox.number] = sandbox
        sandbox.quiet_since = now
        sandbox.use = SliceUse(self._options.limits)
        self._selector.register(sandbox.channel, selectors.EVENT_READ, lambda mask: self._on_channel(sandbox, mask))
        self._selector.register(sandbox.service_socket, selectors.EVENT_READ, lambda mask: self._on_service(sandbox))
        sandbox.channel.send(*self._assignment)
        self._flush(sandbox)

    def _flush(self, sandbox: Sandbox) -> None:
        if sandbox.ended:
            return
        try:
            done = sandbox.channel.flush()
        except OSError:
            done = True  # it has ended: reading will say so
        wanted = selectors.EVENT_READ if done else selectors.EVENT_READ | selectors.EVENT_WRITE
        key = self._selector.get_key(sandbox.channel)
        if key.events != wanted:
            self._selector.modify(sandbox.channel, wanted, key.data)

    # --- What sandboxes say ---

    def _on_channel(self, sandbox: Sandbox, mask: int) -> None:
        if sandbox.ended:
            return
        if mask & selectors.EVENT_WRITE:
            self._flush(sandbox)
        if mask & selectors.EVENT_READ:
            self._read(sandbox)

    def _read(self, sandbox: Sandbox) -> bool:
        """Handles one batch of frames; False when there was none."""
        try:
            received = sandbox.receive()
        except (EOFError, ConnectionError):
            self._hung_up(sandbox)
            return False
        except _native.FrameError as error:
            self._misbehaved(sandbox, str(error))
            return False
        now = time.monotonic()
        before = len(sandbox.queue)
        try:
            for frame, size in received:
                self._handle(sandbox, frame, size, now)
                if sandbox.ended or self._stopped:
                    return False
        except _native.FrameError as error:
            self._misbehaved(sandbox, str(error))
            return False
        finished = before - len(sandbox.queue)
        if finished > 0:
            sandbox.measure(finished, now)
            self._barren_deaths = 0
        return bool(received)

    def _handle(self, sandbox: Sandbox, frame: SandboxFrame, size: int, now: float) -> None:
        match frame:
            case Result() | UnusableResult() | Failed() | OutOfMemory() | Rejected():
                self._answered(sandbox, frame, now)
            case Progress() | Console() | Emit() | UnusableEmit():
                if exceeded := sandbox.use.add_output(size):
                    return (
                        self._end_slice(sandbox, exceeded) if sandbox.queue else self._died(sandbox, exceeded.message)
                    )
                self._report(sandbox, frame, now)
            case Ready():
                sandbox.quiet_since = now
            case Assigned():
                sandbox.assigned = True
                sandbox.quiet_since = now
                self._sink.assigned()
            case AssignmentFailed(error):
                if sandbox.assigned:
                    raise _native.FrameError("a refusal of what was agreed to")
                raise JobError(error.message, name=error.name, stack=error.stack)
        return None

    def _report(self, sandbox: Sandbox, output: Output, now: float) -> None:
        match output:
            case Progress(index, value):
                if sandbox.queue and sandbox.queue[0].index == index:
                    sandbox.quiet_since = now
                    self._sink.progress(index, value)
            case Console(index, level, text):
                self._sink.console(index, level, text)
            case Emit(index, name, value):
                self._sink.emit(index, name, value)

    def _answered(self, sandbox: Sandbox, answer: Answer, now: float) -> None:
        if not sandbox.queue or sandbox.queue[0].index != answer.index:
            raise _native.FrameError("an answer to a slice that does not run")
        work = sandbox.finish(now)
        match answer:
            case Result(index, value, metrics):
                self._open -= 1
                self._sink.result(index, value, metrics)
            case Failed(index, error, metrics):
                self._fail(SliceError(index, *error), metrics)
            case OutOfMemory(index, error, metrics):
                self._starve(sandbox, SliceError(index, *error), work, metrics)
            case UnusableResult(index, reason):
                self._fail(SliceError(index, "ResultError", f"the result cannot be taken: {reason}", code="ERESULT"))
            case Rejected(index, reason, retries):
                work.rejections += 1
                if work.rejections <= retries:
                    self._again.append(work)
                else:
                    message = f"the work function rejected its slice: {reason}"
                    self._fail(SliceError(index, "WorkReject", message, code="EWORKREJECT"))

    def _fail(self, error: SliceError, metrics: SliceMetrics = NO_METRICS) -> None:
        self._open -= 1
        if self._options.stop_on_error:
            self._stopped = True
        self._sink.error(error, metrics)

    def _on_service(self, sandbox: Sandbox) -> None:
        if not sandbox.ended and not self._factory.services.answer(sandbox.service_socket, sandbox.number):
            self._unregister(sandbox.service_socket)

    # --- How sandboxes end ---

    def _on_zygote(self, mask: int) -> None:
        for message in self._factory.zygote.receive():
            sandbox = self._sandboxes.get(message.sandbox)
            if sandbox is None:
                continue
            match message:
                case Spawned(_, pid):
                    sandbox.use.process = pid
                case Refused(_, reason):
                    self._count_barren_death(JobError(f"a sandbox cannot be made: {reason}"))
                    self._lose(sandbox, reason)
                case Exited(_, status):
                    self._on_exited(sandbox, status)

    def _on_exited(self, sandbox: Sandbox, status: ExitStatus) -> None:
        while not sandbox.ended and self._read(sandbox):
            pass  # what it said before it ended counts
        if sandbox.number not in self._sandboxes or self._stopped:
            return
        if sandbox.queue and status.is_out_of_memory:
            work = sandbox.finish(time.monotonic())
            self._starve(sandbox, SliceError(work.index, "InternalError", _OUT_OF_MEMORY), work)
        else:
            self._died(sandbox, str(status))

    def _replace_zygote(self, error: ZygoteError) -> None:
        """All sandboxes have ended with it. Raises ``error`` where zygotes end again and again, and no slice does."""
        self._count_barren_death(error)
        for sandbox in list(self._sandboxes.values()):
            while not sandbox.ended and self._read(sandbox):
                pass
            if sandbox.number in self._sandboxes:
                self._lose(sandbox, str(error))
        self._selector.unregister(self._factory.zygote)
        self._factory.replace_zygote()
        self._selector.register(self._factory.zygote, selectors.EVENT_READ, self._on_zygote)

    def _hung_up(self, sandbox: Sandbox) -> None:
        """Its channel is closed: the zygote will say how it ended."""
        self._unregister(sandbox.channel)
        sandbox.ended = True
        sandbox.quiet_since = time.monotonic()

    def _misbehaved(self, sandbox: Sandbox, what: str) -> None:
        self._died(sandbox, f"it broke the frame protocol: {what}")

    def _check_deadlines(self) -> None:
        now = time.monotonic()
        for sandbox in list(self._sandboxes.values()):
            if now < self._deadline(sandbox):
                continue
            if sandbox.ended:
                self._died(sandbox, "it closed its channel")
            elif sandbox.queue and now < self._progress_deadline(sandbox):
                if exceeded := sandbox.use.exceeded(now):
                    self._end_slice(sandbox, exceeded)
            elif sandbox.queue:
                self._no_progress(sandbox)
            else:
                self._died(sandbox, f"no sign of life for {self._options.progress_timeout:g} s")

    def _deadline(self, sandbox: Sandbox) -> float:
        if sandbox.ended:
            return sandbox.quiet_since + _EXIT_GRACE
        return min(self._progress_deadline(sandbox), sandbox.use.deadline if sandbox.queue else math.inf)

    def _progress_deadline(self, sandbox: Sandbox) -> float:
        if self._options.progress_timeout is None or (sandbox.assigned and not sandbox.queue):
            return math.inf
        return sandbox.quiet_since + self._options.progress_timeout

    def _time_left(self) -> float | None:
        deadline = min(map(self._deadline, self._sandboxes.values()), default=math.inf)
        return None if deadline == math.inf else max(0.0, deadline - time.monotonic())

    def _no_progress(self, sandbox: Sandbox) -> None:
        message = (
            f"no progress for {self._options.progress_timeout:g} s, its sandbox was ended; "
            f"call progress() more often or raise progress_timeout"
        )
        self._end_slice(sandbox, LimitExceeded("NoProgressError", message, "ENOPROGRESS"))

    def _end_slice(self, sandbox: Sandbox, exceeded: LimitExceeded) -> None:
        """Ends the sandbox, and its slice with an error."""
        work = sandbox.pop()
        self._requeue(sandbox)
        self._drop(sandbox)
        self._fail(SliceError(work.index, exceeded.name, exceeded.message, code=exceeded.code))

    def _starve(self, sandbox: Sandbox, error: SliceError, work: Slice, metrics: SliceMetrics = NO_METRICS) -> None:
        """Its sandbox takes no more slices.

        One that was not the first there runs again, in a new sandbox: what others have left is not its fault.
        """
        self._barren_deaths = 0
        self._requeue(sandbox)
        self._drop(sandbox)
        if work.starved or sandbox.answered == 1:
            self._fail(error, metrics)
        else:
            work.starved = True
            self._starved.append(work)

    def _died(self, sandbox: Sandbox, reason: str) -> None:
        if not sandbox.queue:
            self._count_barren_death(JobError(f"sandboxes die before they begin a slice; the last: {reason}"))
        self._lose(sandbox, reason)

    def _count_barren_death(self, error: DcpError) -> None:
        """Raises ``error`` where nothing but deaths has happened for long."""
        self._barren_deaths += 1
        if self._barren_deaths > _MOST_BARREN_DEATHS:
            raise error

    def _lose(self, sandbox: Sandbox, reason: str) -> None:
        """Its slices run again elsewhere, the one that ran only as often as ``retries`` allow."""
        running = sandbox.pop() if sandbox.queue else None
        self._requeue(sandbox)
        self._drop(sandbox)
        self._sink.sandbox_died(reason)
        if running is None:
            return
        running.deaths += 1
        if running.deaths <= self._options.retries:
            self._again.append(running)
            return
        message = f"its sandbox died, {running.deaths} of {running.deaths} times; the last: {reason}"
        self._fail(SliceError(running.index, "SandboxError", message, code="ESANDBOX"))

    def _requeue(self, sandbox: Sandbox) -> None:
        """Slices that have not begun lose nothing."""
        self._again.extendleft(reversed(sandbox.queue))
        sandbox.queue.clear()

    def _drop(self, sandbox: Sandbox) -> None:
        self._unregister(sandbox.channel)
        self._unregister(sandbox.service_socket)
        sandbox.close()
        del self._sandboxes[sandbox.number]
        self._factory.services.release(sandbox.number)
        with contextlib.suppress(ZygoteError):
            self._factory.zygote.kill(sandbox.number)

    def _unregister(self, stream: _native.FrameChannel | socket.socket) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(stream)
