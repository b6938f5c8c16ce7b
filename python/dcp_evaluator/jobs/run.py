"""One run of a job: its thread, and the sink that feeds its Results and tells its listeners."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from .. import _native
from ..errors import JobCancelledError, JobError, SliceError, ZygoteError
from ..frames.fields import SliceMetrics
from ..frames.values import SharedArrays
from ..processes.notices import notice
from ..worktimes.python import PythonWorktime
from .console_printer import ConsolePrinter
from .engine_advice import advise_engine
from .evaluator import Evaluator
from .events import ConsoleEvent, JobMetrics, ProgressEvent, ResultEvent, StatusEvent, WorkEvent
from .outcomes import Outcomes
from .results import Results
from .sources import IterableSource
from .supervisor import Options, Supervisor
from .waiters import Waiters
from .warm import Kind

_SLOW = 1.0  # seconds


class Owner(Protocol):
    """The job: who is told what happens. ``wants_gpu``: whether its sandboxes will ask for a GPU.

    ``is_plain_javascript``: whether its work is done by the JavaScript engine alone. ``received``: what becomes of a
    slice's result; ``told``: of a value of progress and events. Both raise ValueError where it is not what the job
    takes. ``message_of``: with a remedy where there is one. ``lacks_return``: whether the work function has no
    such statement, and could need one. ``python``: what its sandboxes share, where they run Python.
    """

    is_plain_javascript: bool
    lacks_return: bool
    ready_state: str
    metrics: JobMetrics
    wants_gpu: bool
    python: PythonWorktime | None

    def has(self, event: str) -> bool: ...
    def emit(self, event: str, payload: Any) -> None: ...
    def message_of(self, error: JobError | SliceError) -> str: ...
    def received(self, index: int, value: Any) -> Any: ...
    def told(self, value: Any) -> Any: ...


class JobRun:
    """``emit_work`` gets the events that the work function emits. ``results`` fill once ``start`` has been called."""

    def __init__(
        self,
        job: Owner,
        emit_work: Callable[[str, WorkEvent], None],
        evaluator: Evaluator,
        memory_limit: int | None,
        assignment: tuple[bytes, SharedArrays],
        source: IterableSource,
        options: Options,
    ) -> None:
        self._job = job
        self._emit_work = emit_work
        self._evaluator = evaluator
        self._memory_limit = memory_limit
        self._assignment = assignment
        self._source = source
        self._options = options
        self._thread = threading.Thread(target=self._run, name="dcp-supervisor", daemon=True)
        self._lock = threading.Lock()
        self._cancelled = False
        self._supervisor: Supervisor | None = None
        self._printer = ConsolePrinter()
        self._outcomes = Outcomes(lambda: source.total, Waiters(self.cancel, self._thread))
        self.results = Results(job, self._outcomes)

    def start(self) -> None:
        """Returns at once."""
        self._evaluator.track(self)
        self._thread.start()

    def cancel(self) -> None:
        """Ends the job; may be called from any thread."""
        with self._lock:
            self._cancelled = True
            if self._supervisor is not None:
                self._supervisor.stop()

    def join(self) -> None:
        """Waits for the end, unless a callback of the job calls it."""
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        started = time.monotonic()
        failure: BaseException | None = None
        _, shared = self._assignment
        try:
            self._set_ready_state("exec")
            self._supervise()
        except JobError as error:
            failure = error.with_message(self._job.message_of(error))
        except ZygoteError as error:
            failure = self._of_zygote(error)
        except BaseException as error:
            failure = error
        finally:
            shared.close()
            self._printer.finish()
            if self._job.is_plain_javascript:
                advise_engine(self._evaluator.settings, self._job.metrics)
            self._job.metrics.elapsed = 1000 * (time.monotonic() - started)
            self._end(failure)

    def _of_zygote(self, error: ZygoteError) -> ZygoteError:
        """Each engine has its own words where Python finds no room."""
        if self._job.python is None:
            return error
        limit = self._memory_limit
        remedy = "" if limit is None else f"\nIts modules may need more than the memory_limit of {limit >> 20} MiB"
        return type(error)(f"{self._job.python.title} cannot be loaded, or has ended: {error}{remedy}")

    def _supervise(self) -> None:
        """Raises what makes the whole job fail."""
        wanted = self._options.sandboxes
        limit, each = self._evaluator.limits(self._memory_limit, wanted)
        given = self._evaluator.memory.reserve(wanted, each)
        try:
            self._supervise_in(given, limit)
        finally:
            self._evaluator.memory.release(given, each)

    def _supervise_in(self, sandboxes: int, memory_limit: int | None) -> None:
        if sandboxes < self._options.sandboxes:
            notice(
                f"a job has {sandboxes} of {self._options.sandboxes} sandboxes at a time: with their memory limit, "
                "more would pass the memory for all together; lower memory_limit, or raise max_memory"
            )
            self._options = self._options._replace(sandboxes=sandboxes)
        kind, factory = self._evaluator.acquire(Kind(memory_limit, self._job.python))
        factory.services.gpu_pool.expect(sandboxes)
        payload, shared = self._assignment
        supervisor = None
        slow = threading.Timer(_SLOW, self._tell_of_template)
        slow.daemon = True
        try:
            if self._job.python is not None and not factory.zygote.is_ready:
                slow.start()
            if self._job.wants_gpu:
                factory.services.gpu_pool.prewarm(sandboxes)
            sink = _Sink(self._outcomes, self._job, self._emit_work, self._source, self._printer, slow.cancel)
            supervisor = Supervisor(factory, (payload, shared.fds), self._source, sink, self._options)
            with self._lock:
                self._supervisor = supervisor
            if not self._cancelled:
                self._set_ready_state("deploying")
                supervisor.run()
                if sink.brought_nothing and self._job.lacks_return:
                    notice("every result is None: the work function has no `return`")
        finally:
            slow.cancel()
            with self._lock:
                self._supervisor = None
            if supervisor is not None:
                supervisor.close()
            self._evaluator.release(factory, kind)

    def _tell_of_template(self) -> None:
        if self._job.python is not None:
            notice(f"loading {self._job.python.title} (the first time its modules are compiled, and kept)")

    def _end(self, failure: BaseException | None) -> None:
        if failure is None and self._cancelled:
            failure = JobCancelledError("the job was cancelled")
        if failure is None and self._options.stop_on_error and self._outcomes.errors:
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
        on_assigned: Callable[[], None],
    ) -> None:
        self._outcomes = outcomes
        self._job = job
        self._emit_work = emit_work
        self._source = source
        self._printer = printer
        self._on_assigned = on_assigned
        self._accepted = False
        self._computed = 0
        self._notified = 0
        self._reported = (-1, -1)
        self._has_brought = False

    @property
    def brought_nothing(self) -> bool:
        """Whether there were results, and neither a value nor anything else came of them."""
        return self._computed > 0 and not self._has_brought

    def assigned(self) -> None:
        if not self._accepted:
            self._accepted = True
            self._on_assigned()
            self._job.ready_state = "deployed"
            self._job.emit("readystatechange", "deployed")
            self._job.emit("accepted", self._job)

    def result(self, index: int, value: Any, metrics: SliceMetrics) -> None:
        try:
            value = self._job.received(index, self._source.answered(index, value))
        except ValueError as error:
            reason = f"the result cannot be taken: {error}"
            return self.error(SliceError(index, "ResultError", reason, code="ERESULT"), metrics)
        self._job.metrics.slices += 1
        self._has_brought |= value is not None
        self._store(index, value, metrics)
        if self._job.has("result"):
            self._job.emit("result", ResultEvent(index, value, metrics))
        return None

    def error(self, error: SliceError, metrics: SliceMetrics) -> None:
        self._job.metrics.errors += 1
        self._has_brought = True
        self._source.answered(error.index, None)
        error = error.with_message(self._job.message_of(error))
        self._store(error.index, error, metrics)
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

    def sandbox_died(self, reason: str) -> None:
        self._job.metrics.sandbox_deaths += 1

    def flush(self, distributed: int) -> None:
        if self._computed != self._notified:
            self._notified = self._computed
            self._outcomes.waiters.notify()
        if (distributed, self._computed) != self._reported and self._job.has("status"):
            self._reported = (distributed, self._computed)
            self._job.emit("status", StatusEvent(self._source.total, distributed, self._computed))

    def _store(self, index: int, outcome: Any, metrics: SliceMetrics) -> None:
        self._job.metrics.add(metrics)
        self._outcomes.put(index, outcome, metrics)
        self._computed += 1
