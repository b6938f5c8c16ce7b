"""One run of a job: its thread, and the sink that feeds its Results and tells its listeners."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from .. import _native
from ..clusters.dispatcher import SizedSource
from ..clusters.sink import ClusterSink
from ..errors import JobCancelledError, JobError, SliceError
from ..frames.fields import SliceMetrics
from ..processes.notices import notice
from .console_printer import ConsolePrinter
from .events import ConsoleEvent, JobMetrics, NodeEvent, ProgressEvent, ResultEvent, StatusEvent, WorkEvent
from .kept import KeptOutcomes
from .outcomes import Outcomes
from .passing import PassingOutcomes
from .results import Results
from .sources import IterableSource, RationedSource
from .waiters import Waiters


class Owner(Protocol):
    """The job: who is told what happens.

    ``received``: what becomes of a slice's result; ``told``: of a value of progress and events. Both raise ValueError
    where it is not what the job takes. ``failed``: that slice has none. ``message_of``: with a remedy where there is
    one. ``lacks_return``: whether the work function has no such statement, and could need one.
    """

    lacks_return: bool
    ready_state: str
    metrics: JobMetrics

    def has(self, event: str) -> bool: ...
    def emit(self, event: str, payload: Any) -> None: ...
    def message_of(self, error: JobError | SliceError) -> str: ...
    def received(self, index: int, value: Any) -> Any: ...
    def failed(self, index: int) -> None: ...
    def told(self, value: Any) -> Any: ...


class Backend(Protocol):
    """Where slices run. ``run`` raises what makes the whole job fail; ``stop``, from any thread, makes it return.

    ``wake``: the source, which had none, has slices again; from any thread and in finalizers, also before ``run``.
    """

    def run(self, source: SizedSource, sink: ClusterSink) -> None: ...
    def stop(self) -> None: ...
    def wake(self) -> None: ...


class JobRun:
    """``emit_work`` gets the events that the work function emits. ``results`` fill once ``start`` has been called.

    ``keep``: all results, or each until it is taken. ``ended``: called when nothing runs any more, before the listeners
    are told.
    """

    def __init__(
        self,
        job: Owner,
        emit_work: Callable[[str, WorkEvent], None],
        backend: Backend,
        source: IterableSource,
        *,
        stop_on_error: bool,
        keep: bool,
        ended: Callable[[], object],
    ) -> None:
        self._job = job
        self._emit_work = emit_work
        self._backend = backend
        self._source = source
        self._stop_on_error = stop_on_error
        self._ended = ended
        self._thread = threading.Thread(target=self._run, name="dcp-supervisor", daemon=True)
        self._cancelled = False
        self._printer = ConsolePrinter()
        waiters = Waiters(self.cancel, self._thread)
        self._slices, self._outcomes = self._keeping(waiters) if keep else self._passing(waiters)
        self.results = Results(job, self._outcomes)

    def start(self) -> None:
        """Returns at once."""
        self._thread.start()

    def cancel(self) -> None:
        """Ends the job; may be called from any thread."""
        self._cancelled = True
        self._backend.stop()

    def join(self) -> None:
        """Waits for the end, unless a callback of the job calls it."""
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _keeping(self, waiters: Waiters) -> tuple[SizedSource, Outcomes]:
        return self._source, KeptOutcomes(lambda: self._source.total, waiters)

    def _passing(self, waiters: Waiters) -> tuple[SizedSource, Outcomes]:
        outcomes = PassingOutcomes(lambda: self._source.total, waiters, self._backend.wake)
        if self._job.has("result"):
            outcomes.let_go('callbacks of the event "result" get its results')
        return RationedSource(self._source, outcomes.has_room), outcomes

    def _run(self) -> None:
        started = time.monotonic()
        failure: BaseException | None = None
        try:
            self._set_ready_state("exec")
            self._supervise()
        except JobError as error:
            failure = error.with_message(self._job.message_of(error))
        except BaseException as error:
            failure = error
        finally:
            self._printer.finish()
            self._job.metrics.elapsed = 1000 * (time.monotonic() - started)
            self._ended()
            self._end(failure)

    def _supervise(self) -> None:
        """Raises what makes the whole job fail."""
        sink = _Sink(self._outcomes, self._job, self._emit_work, self._source, self._printer)
        if self._cancelled:
            return
        self._set_ready_state("deploying")
        self._backend.run(self._slices, sink)
        if sink.brought_nothing and self._job.lacks_return:
            notice("every result is None: the work function has no `return`")

    def _end(self, failure: BaseException | None) -> None:
        if failure is None and self._cancelled:
            failure = JobCancelledError("the job was cancelled")
        if failure is None and self._stop_on_error and self._outcomes.errors:
            failure = next(iter(self._outcomes.errors.values()))
        self._outcomes.complete(failure)
        try:
            self._set_ready_state("done")
            if failure is None:
                self._job.emit("complete", self.results)
        except BaseException as error:
            failure = failure or error
        self._outcomes.finish(failure)

    def _set_ready_state(self, state: str) -> None:
        self._job.ready_state = state
        self._job.emit("readystatechange", state)


class _Sink:
    """Stores what the supervisor brings, and tells the job's listeners."""

    def __init__(
        self,
        outcomes: Outcomes,
        job: Owner,
        emit_work: Callable[[str, WorkEvent], None],
        source: IterableSource,
        printer: ConsolePrinter,
    ) -> None:
        self._outcomes = outcomes
        self._job = job
        self._emit_work = emit_work
        self._source = source
        self._printer = printer
        self._accepted = False
        self._computed = 0
        self._notified = 0
        self._reported = (-1, -1)
        self._has_brought = False

    @property
    def brought_nothing(self) -> bool:
        """Whether there were results, and neither a value nor anything else came of them."""
        return self._computed > 0 and not self._has_brought

    def assigned(self, engine: str) -> None:
        self._job.metrics.engines |= {engine} if engine else set()
        if not self._accepted:
            self._accepted = True
            self._job.ready_state = "deployed"
            self._job.emit("readystatechange", "deployed")
            self._job.emit("accepted", self._job)

    def result(self, index: int, raw: Any, metrics: SliceMetrics) -> None:
        try:
            value = self._job.received(index, self._source.answered(index, raw))
        except ValueError as error:
            reason = f"the result cannot be taken: {error}"
            return self.error(SliceError(index, "ResultError", reason, code="ERESULT"), metrics)
        self._job.metrics.slices += 1
        self._has_brought |= value is not None
        self._store(index, value, metrics, raw)
        if self._job.has("result"):
            self._job.emit("result", ResultEvent(index, value, metrics))
        return None

    def error(self, error: SliceError, metrics: SliceMetrics) -> None:
        self._job.metrics.errors += 1
        self._has_brought = True
        self._source.answered(error.index, None)
        self._job.failed(error.index)
        error = error.with_message(self._job.message_of(error))
        self._store(error.index, error, metrics, (error.message, error.stack))
        self._job.emit("error", error)

    def progress(self, index: int, value: Any) -> None:
        self._has_brought |= value is not None
        if self._job.has("progress"):
            self._job.emit("progress", ProgressEvent(index, self._told(value)))

    def console(self, index: int, level: str, text: str) -> None:
        self._has_brought = True
        if self._job.has("console"):
            self._job.emit("console", ConsoleEvent(index, level, text))
        else:
            self._printer.show(index, level, text)

    def emit(self, index: int, name: str, value: Any) -> None:
        self._has_brought = True
        self._emit_work(name, WorkEvent(index, name, self._told(value)))

    def _told(self, value: Any) -> Any:
        """Raises FrameError: its sandbox does not follow the protocol."""
        try:
            return self._job.told(value)
        except ValueError as error:
            raise _native.FrameError(f"an event cannot be read: {error}") from None

    def node(self, state: str, name: str, reason: str) -> None:
        if self._job.has("node"):
            self._job.emit("node", NodeEvent(name, state, reason))
        elif reason:
            notice(f"the node {name} is {state}: {reason}")

    def sandbox_died(self, reason: str) -> None:
        self._job.metrics.sandbox_deaths += 1

    def flush(self, distributed: int) -> None:
        if self._computed != self._notified:
            self._notified = self._computed
            self._outcomes.waiters.notify()
        if (distributed, self._computed) != self._reported and self._job.has("status"):
            self._reported = (distributed, self._computed)
            self._job.emit("status", StatusEvent(self._source.total, distributed, self._computed))

    def _store(self, index: int, outcome: Any, metrics: SliceMetrics, raw: Any) -> None:
        self._job.metrics.add(metrics)
        self._outcomes.put(index, outcome, metrics, raw)
        self._computed += 1
