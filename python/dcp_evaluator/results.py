"""The results of a running job."""

from __future__ import annotations

import asyncio
import contextlib
import operator
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

from .errors import JobCancelledError, SliceError
from .events import ConsoleEvent, ProgressEvent, ResultEvent, StatusEvent, WorkEvent
from .frame_fields import SliceMetrics
from .supervisor import Options, Supervisor

if TYPE_CHECKING:
    from .evaluator import Evaluator
    from .job import Job
    from .sources import IterableSource
    from .values import SharedArrays


class Results(Sequence[Any]):
    """Results in the order of the inputs; reading one waits until it is there.

    ``for value in results`` and ``results[i]`` follow the inputs' order; ``async for`` does so without blocking;
    ``as_completed()`` yields in the order of arrival; ``await results`` gives the list of all values. Where a slice
    failed, reading it raises its SliceError; ``errors`` has all of them. A failure of the whole job (JobError, an
    exception from the inputs or from an event callback) is raised by whatever waits. Ctrl-C while waiting cancels.
    """

    def __init__(self, job: Job, evaluator: Evaluator, memory_limit: int | None) -> None:
        self.job = job
        self.metrics: dict[int, SliceMetrics] = {}
        self._evaluator = evaluator
        self._memory_limit = memory_limit
        self._outcomes: dict[int, Any] = {}
        self._errors: dict[int, SliceError] = {}
        self._arrived: list[int] = []
        self._failure: BaseException | None = None
        self._cancelled = False
        self._complete = False  # nothing more will arrive
        self._done = False  # and the callbacks have been told
        self._condition = threading.Condition()
        self._wakers: list[Callable[[], object]] = []
        self._supervisor: Supervisor | None = None
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        state = "done" if self._complete else "running"
        return f"<dcp_evaluator.Results {state}, {len(self._arrived)} arrived, {len(self._errors)} failed>"

    # --- Reading ---

    @property
    def done(self) -> bool:
        """Whether the job has ended."""
        return self._complete

    @property
    def errors(self) -> Mapping[int, SliceError]:
        """The slices that have failed so far, by index."""
        return MappingProxyType(self._errors)

    def wait(self, timeout: float | None = None) -> Results:
        """Waits for the end of the job. Raises TimeoutError, and what made the whole job fail."""
        if not self._wait(lambda: self._done, timeout):
            raise TimeoutError(f"the job is not done after {timeout:g} s")
        self._raise_failure()
        return self

    def cancel(self) -> None:
        """Ends the job; waiting for what has not arrived raises JobCancelledError."""
        with self._condition:
            if self._done:
                return
            self._cancelled = True
            if self._supervisor is not None:
                self._supervisor.stop()

    def as_completed(self) -> Iterator[tuple[int, Any]]:
        """(index, value) in the order of arrival. Failed slices are left to ``errors``."""
        for position in count():
            self._wait(self._arrival(position))
            if position == len(self._arrived):
                break
            index = self._arrived[position]
            if index not in self._errors:
                yield index, self._outcomes[index]
        self._raise_failure()

    def __len__(self) -> int:
        """How many slices there are; waits for the end of the job."""
        self.wait()
        return len(self._outcomes)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = operator.index(index)
        if index < 0:
            index += len(self)
        self._wait(self._ready(index))
        return self._outcome(index)

    def __iter__(self) -> Iterator[Any]:
        for index in count():
            self._wait(self._ready(index))
            if index not in self._outcomes:
                self._raise_failure()
                return
            yield self._outcome(index)

    async def __aiter__(self) -> AsyncIterator[Any]:
        for index in count():
            await self._wait_async(self._ready(index))
            if index not in self._outcomes:
                self._raise_failure()
                return
            yield self._outcome(index)

    def __await__(self) -> Generator[Any, None, list[Any]]:
        yield from self._wait_async(lambda: self._done).__await__()
        self._raise_failure()
        return list(self)

    def _ready(self, index: int) -> Callable[[], bool]:
        return lambda: index in self._outcomes or self._done

    def _arrival(self, position: int) -> Callable[[], bool]:
        return lambda: len(self._arrived) > position or self._done

    def _outcome(self, index: int) -> Any:
        if index in self._errors:
            raise self._errors[index]
        if index not in self._outcomes:
            self._raise_failure()
            raise IndexError(f"there is no slice {index}")
        return self._outcomes[index]

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _wait(self, ready: Callable[[], bool], timeout: float | None = None) -> bool:
        if ready():
            return True
        if threading.current_thread() is self._thread:
            if self._complete:
                return True
            raise RuntimeError("an event callback cannot wait for results: it runs on the thread that brings them")
        try:
            with self._condition:
                return self._condition.wait_for(ready, timeout)
        except KeyboardInterrupt:
            self.cancel()
            raise

    async def _wait_async(self, ready: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        while not ready():
            event = asyncio.Event()

            def wake(event: asyncio.Event = event) -> None:
                loop.call_soon_threadsafe(event.set)

            with self._condition:
                if ready():
                    return
                self._wakers.append(wake)
            try:
                await event.wait()
            except asyncio.CancelledError:
                self.cancel()
                raise

    def _notify(self) -> None:
        with self._condition:
            wakers, self._wakers = self._wakers, []
            self._condition.notify_all()
        for wake in wakers:
            with contextlib.suppress(RuntimeError):  # that event loop is closed
                wake()

    # --- Running ---

    def _start(self, assignment: tuple[bytes, SharedArrays], source: IterableSource, options: Options) -> None:
        self._evaluator.track(self)
        self._thread = threading.Thread(
            target=self._run, args=(assignment, source, options), name="dcp-supervisor", daemon=True
        )
        self._thread.start()

    def _join(self) -> None:
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self, assignment: tuple[bytes, SharedArrays], source: IterableSource, options: Options) -> None:
        started = time.monotonic()
        payload, shared = assignment
        factory = supervisor = None
        try:
            self.job._set_ready_state("exec")
            factory = self._evaluator.acquire(self._memory_limit)
            if "gpu" in self.job.work_function:
                factory.services.gpu_pool.prewarm(options.sandboxes)
            sink = _Sink(self, source)
            supervisor = Supervisor(factory, (payload, shared.fds), source, sink, options)
            with self._condition:
                self._supervisor = supervisor
            if not self._cancelled:
                self.job._set_ready_state("deploying")
                supervisor.run()
        except BaseException as error:
            self._failure = error
        finally:
            with self._condition:
                self._supervisor = None
            if supervisor is not None:
                supervisor.close()
            shared.close()
            if factory is not None:
                self._evaluator.release(factory, self._memory_limit)
            self.job.metrics.elapsed = time.monotonic() - started
            self._end(options)

    def _end(self, options: Options) -> None:
        if self._failure is None and self._cancelled:
            self._failure = JobCancelledError("the job was cancelled")
        if self._failure is None and options.stop_on_error and self._errors:
            self._failure = next(iter(self._errors.values()))
        self._complete = True
        try:
            self.job._set_ready_state("done")
            if self._failure is None:
                self.job.emit("complete", self)
        except BaseException as error:
            self._failure = self._failure or error
        self._done = True
        self._notify()


class _Sink:
    """Stores what the supervisor brings, and tells the job's listeners."""

    def __init__(self, results: Results, source: IterableSource) -> None:
        self._results = results
        self._job = results.job
        self._source = source
        self._accepted = False
        self._told = (-1, -1)
        self._seen = 0

    def assigned(self) -> None:
        if not self._accepted:
            self._accepted = True
            self._job._set_ready_state("deployed")
            self._job.emit("accepted", self._job)

    def result(self, index: int, value: Any, metrics: SliceMetrics) -> None:
        self._job.metrics.slices += 1
        self._store(index, value, metrics)
        if self._job.has("result"):
            self._job.emit("result", ResultEvent(index, value, metrics))

    def error(self, error: SliceError, metrics: SliceMetrics) -> None:
        self._job.metrics.errors += 1
        self._results._errors[error.index] = error
        self._store(error.index, error, metrics)
        self._job.emit("error", error)

    def progress(self, index: int, value: Any) -> None:
        if self._job.has("progress"):
            self._job.emit("progress", ProgressEvent(index, value))

    def console(self, index: int, level: str, text: str) -> None:
        self._job.emit("console", ConsoleEvent(index, level, text))

    def emit(self, index: int, name: str, value: Any) -> None:
        self._job.work.emit(name, WorkEvent(index, name, value))

    def sandbox_died(self, reason: str) -> None:
        self._job.metrics.sandbox_deaths += 1

    def flush(self, distributed: int) -> None:
        computed = len(self._results._arrived)
        if computed != self._seen:
            self._seen = computed
            self._results._notify()
        if (distributed, computed) != self._told and self._job.has("status"):
            self._told = (distributed, computed)
            self._job.emit("status", StatusEvent(self._source.total, distributed, computed))

    def _store(self, index: int, outcome: Any, metrics: SliceMetrics) -> None:
        self._job.metrics.add(metrics)
        self._results.metrics[index] = metrics
        self._results._outcomes[index] = outcome
        self._results._arrived.append(index)
