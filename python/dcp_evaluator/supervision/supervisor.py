"""Takes slices from a source, runs them in sandboxes on this machine, and hands what comes of them to a sink.

What becomes of slices is the ledger's; here are frames, clocks and the zygote's messages. Other ranges (a cluster, DCP
itself) can supply another source and sink; the supervisor knows nothing of jobs' owners.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from .. import _native
from ..errors import JobError, SliceError, WorkFunctionError, ZygoteEndedError, ZygoteError
from ..frames.fields import (
    NO_METRICS,
    Assigned,
    AssignmentFailed,
    Console,
    Emit,
    Failed,
    Failure,
    Output,
    Progress,
    Ready,
    Rejected,
    Result,
    SandboxFrame,
    SliceMetrics,
    Spent,
    UnusableEmit,
    UnusableResult,
)
from ..frames.values import FrameDecoder
from ..processes.exit_status import ExitStatus
from ..processes.passing import shortage
from ..processes.zygote_messages import Exited, Refused, Spawned
from ..sandboxes.pool import SandboxPool
from ..sandboxes.sandbox import Sandbox, SandboxFactory
from ..sandboxes.slice_ledger import LaneEvent, LaneState, LedgerError, SliceLedger, SliceSource
from ..sandboxes.slice_limits import LimitExceeded, SliceLimits

_OUT_OF_MEMORY = "out of memory; use less of it in a slice, or raise memory_limit"


class Sink(Protocol):
    """Where everything that happens goes; called on the supervisor's thread, ``flush`` after each batch.

    ``assigned``: sandboxes have the work function, on that engine; an empty text where nobody knows which.
    """

    def assigned(self, engine: str) -> None: ...
    def result(self, index: int, value: Any, metrics: SliceMetrics) -> None: ...
    def error(self, error: SliceError, metrics: SliceMetrics) -> None: ...
    def progress(self, index: int, value: Any) -> None: ...
    def console(self, index: int, level: str, text: str) -> None: ...
    def emit(self, index: int, name: str, value: Any) -> None: ...
    def sandbox_died(self, reason: str) -> None: ...
    def flush(self, distributed: int) -> None: ...


class Options(NamedTuple):
    """``retries``: how often a slice runs again when its sandbox dies."""

    sandboxes: int
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
        self._sink = sink
        self._options = options
        self._engine = factory.engine
        self._stopped = False
        self._ledger = SliceLedger(source, options.retries)
        decoder = FrameDecoder(options.result_limit)
        self._pool = SandboxPool(factory, assignment, decoder, options.limits)

    def stop(self) -> None:
        """Makes ``run`` return soon; may be called from any thread, before ``close``."""
        self._stopped = True
        self._pool.wake()

    def wake(self) -> None:
        """The source has slices again; may be called from any thread, before ``close``."""
        self._pool.wake()

    def close(self) -> None:
        """The last call, after ``run`` has returned and when nobody calls ``stop`` any more."""
        self._pool.close()

    def run(self) -> None:
        """Returns when every slice has its result or error and no more will come, or after ``stop``.

        Raises JobError, ZygoteError.
        """
        try:
            self._pool.watch_zygote(self._on_zygote)
            while not self._stopped:
                try:
                    if not self._step():
                        break
                except ZygoteError as error:
                    self._replace_zygote(error)
                self._sink.flush(self._ledger.distributed)
            self._sink.flush(self._ledger.distributed)
        finally:
            self._ledger.cancel()
            self._pool.end()

    def _step(self) -> bool:
        """Hands out, waits for something to happen and handles it; False when all is done."""
        now = time.monotonic()
        for sandbox in self._pool:
            if sandbox.wants_slices and not self._stopped:
                self._feed(sandbox, now)
        while len(self._pool) < self._options.sandboxes and not self._stopped and self._ledger.wants_sandbox():
            started = self._pool.start(now, self._read)
            if started is None:
                break
            self._ledger.add(started.lane)
        if self._ledger.done:
            return False
        self._pool.wait()
        self._check_deadlines()
        return True

    def _feed(self, sandbox: Sandbox, now: float) -> None:
        lane = sandbox.lane
        while sandbox.has_room and not self._stopped:
            work = self._ledger.next(lane)
            if work is None:
                break
            try:
                sandbox.send(work)
            except OSError as error:
                self._ledger.put_back(work)
                self._pool.is_short(error, now)
                break
            except (TypeError, ValueError) as error:
                self._ledger.cannot_be_sent(work)
                message = f"the input cannot be sent to a sandbox: {error}"
                self._report_error(SliceError(work.index, type(error).__name__, message, code="EINPUT"))
                continue
            if not lane.queue:
                sandbox.begin(now)
            self._ledger.sent(lane, work)
        self._pool.flush(sandbox)

    # --- What sandboxes say ---

    def _read(self, sandbox: Sandbox) -> bool:
        """Handles one batch of frames; False when there was none."""
        now = time.monotonic()
        lane = sandbox.lane
        before = lane.answered
        try:
            received = self._receive(sandbox, now)
            for frame, size in received:
                self._handle(sandbox, frame, size, now)
                if not lane.is_open or self._stopped:
                    return False
        except (_native.FrameError, LedgerError) as error:
            self._died(sandbox, f"it broke the frame protocol: {error}")
            return False
        except OSError as error:
            self._cannot_take(sandbox, error)
            return False
        if lane.is_open and sandbox.give_credit():
            self._pool.flush(sandbox)
        finished = lane.answered - before
        if finished > 0:
            sandbox.measure(finished, now)
        return bool(received)

    def _receive(self, sandbox: Sandbox, now: float) -> list[tuple[SandboxFrame, int]]:
        """Raises FrameError."""
        try:
            return sandbox.receive()
        except (EOFError, ConnectionError):
            self._pool.stop_reading(sandbox)  # the zygote will say how it ended
            sandbox.lane.move(LaneEvent.HANG_UP)
            sandbox.use.quiet_since = now
            return []

    def _handle(self, sandbox: Sandbox, frame: SandboxFrame, size: int, now: float) -> None:
        match frame:
            case Result():
                sandbox.finish(frame.index, now)
                self._ledger.answered(sandbox.lane)
                self._sink.result(frame.index, frame.value, frame.metrics)
            case UnusableResult() | Failed() | Spent() | Rejected():
                sandbox.finish(frame.index, now)
                self._failed(sandbox, frame)
            case Progress() | Console() | Emit() | UnusableEmit():
                if frame.index >= 0 and not sandbox.lane.runs(frame.index):
                    raise _native.FrameError("output of a slice that does not run")
                if (exceeded := sandbox.use.add_output(size)) is None:
                    self._report_output(sandbox, frame, now)
                elif sandbox.lane.queue:
                    self._stop_slice(sandbox, exceeded)
                else:
                    self._died(sandbox, exceeded.message)
            case Ready() if not sandbox.is_ready:
                sandbox.is_ready = True
                sandbox.use.quiet_since = now
            case Assigned() if sandbox.is_ready and sandbox.lane.state is LaneState.STARTING:
                sandbox.lane.move(LaneEvent.ASSIGN)
                sandbox.use.quiet_since = now
                self._sink.assigned(self._engine)
            case AssignmentFailed(error) if sandbox.is_ready and sandbox.lane.state is LaneState.STARTING:
                raise WorkFunctionError(error.message, name=error.name, stack=error.stack)
            case _:
                raise _native.FrameError("it is ready, or answers the assignment, out of turn")

    def _failed(self, sandbox: Sandbox, failure: Failure) -> None:
        lane = sandbox.lane
        match failure:
            case Failed(index, error, metrics):
                self._ledger.failed(lane)
                self._report_error(SliceError(index, *error), metrics)
            case UnusableResult(index, reason):
                self._ledger.failed(lane)
                message = f"the result cannot be taken: {reason}"
                self._report_error(SliceError(index, "ResultError", message, code="ERESULT"))
            case Spent(index, error, metrics):
                self._is_spent(sandbox, SliceError(index, *error), metrics)
            case Rejected(index, reason, retries):
                if self._ledger.rejected(lane, retries):
                    message = f"the work function rejected its slice: {reason}"
                    self._report_error(SliceError(index, "WorkReject", message, code="EWORKREJECT"))

    def _is_spent(self, sandbox: Sandbox, error: SliceError, metrics: SliceMetrics = NO_METRICS) -> None:
        """Its sandbox takes no more slices."""
        failed = self._ledger.out_of_memory(sandbox.lane)
        self._pool.remove(sandbox)
        if failed:
            self._report_error(error, metrics)

    def _report_output(self, sandbox: Sandbox, output: Output, now: float) -> None:
        match output:
            case Progress(index, value):
                if index >= 0:
                    sandbox.use.quiet_since = now
                    self._sink.progress(index, value)
            case Console(index, level, text):
                self._sink.console(index, level, text)
            case Emit(index, name, value):
                self._sink.emit(index, name, value)

    def _report_error(self, error: SliceError, metrics: SliceMetrics = NO_METRICS) -> None:
        if self._options.stop_on_error:
            self._stopped = True
        self._sink.error(error, metrics)

    # --- How sandboxes end ---

    def _on_zygote(self) -> None:
        for sandbox, message in self._pool.zygote_messages():
            match message:
                case Spawned(_, pid):
                    sandbox.use.process = pid
                case Refused(_, reason):
                    self._ledger.count_death(JobError(f"a sandbox cannot be made: {reason}"))
                    self._lose(sandbox, reason)
                case Exited(_, status):
                    self._on_exited(sandbox, status)

    def _on_exited(self, sandbox: Sandbox, status: ExitStatus) -> None:
        self._read_rest(sandbox)
        if sandbox not in self._pool or self._stopped:
            return
        if sandbox.lane.queue and status.is_out_of_memory:
            index = sandbox.lane.queue[0].index
            self._is_spent(sandbox, SliceError(index, "InternalError", _OUT_OF_MEMORY))
        elif sandbox.lane.answered and status.is_out_of_memory:
            self._ledger.lost(sandbox.lane)  # between two slices, filled by what they left behind
            self._pool.remove(sandbox)
        else:
            self._died(sandbox, str(status))

    def _read_rest(self, sandbox: Sandbox) -> None:
        """What it said before it ended counts; not what others say, to whom it may have given its channel."""
        if sandbox.lane.is_open:
            sandbox.channel.end_input()
        while sandbox.lane.is_open and self._read(sandbox):
            pass

    def _replace_zygote(self, error: ZygoteError) -> None:
        """All sandboxes have ended with it.

        Raises ``error`` where zygotes end again and again, and no slice does, or where it says why it cannot load.
        """
        if not self._pool.is_ready and not isinstance(error, ZygoteEndedError):
            raise error
        self._ledger.count_death(error)
        for sandbox in self._pool:
            self._read_rest(sandbox)
            if sandbox in self._pool:
                self._lose(sandbox, str(error))
        self._pool.replace_zygote()

    def _check_deadlines(self) -> None:
        now = time.monotonic()
        for sandbox in self._pool:
            if now < sandbox.deadline:
                continue
            if sandbox.lane.state is LaneState.CLOSING:
                self._died(sandbox, "it closed its channel")
            elif not sandbox.lane.queue:
                self._died(sandbox, f"no sign of life for {self._options.limits.progress:g} s")
            elif exceeded := sandbox.use.exceeded(now):
                self._stop_slice(sandbox, exceeded)

    def _stop_slice(self, sandbox: Sandbox, exceeded: LimitExceeded) -> None:
        """Ends the sandbox, and its slice with an error."""
        work = self._ledger.stopped(sandbox.lane)
        self._pool.remove(sandbox)
        self._report_error(SliceError(work.index, exceeded.name, exceeded.message, code=exceeded.code))

    def _died(self, sandbox: Sandbox, reason: str) -> None:
        if not sandbox.lane.queue:
            self._ledger.count_death(JobError(f"sandboxes die before they begin a slice; the last: {reason}"))
        self._lose(sandbox, reason)

    def _cannot_take(self, sandbox: Sandbox, error: OSError) -> None:
        """Of what has come, descriptors are lost: there was no room for them here. Raises other errors."""
        reason = shortage(error)
        if reason is None:
            raise error
        self._ledger.count_death(JobError(f"what a sandbox has sent cannot be taken: {reason}"))
        self._lose(sandbox, reason, blameless=True)

    def _lose(self, sandbox: Sandbox, reason: str, *, blameless: bool = False) -> None:
        """Its slices run again elsewhere, the one that ran only as often as ``retries`` allow, unless ``blameless``."""
        failed = self._ledger.lost(sandbox.lane, blameless=blameless)
        self._pool.remove(sandbox)
        self._sink.sandbox_died(reason)
        if failed is not None:
            message = f"its sandbox died, {failed.deaths} of {failed.deaths} times; the last: {reason}"
            self._report_error(SliceError(failed.index, "SandboxError", message, code="ESANDBOX"))
