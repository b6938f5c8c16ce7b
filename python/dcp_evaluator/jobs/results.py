"""The results of a running job."""

from __future__ import annotations

import operator
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from itertools import count
from types import MappingProxyType
from typing import Any, Literal, overload

from ..errors import SliceError, SliceErrorGroup
from ..frames.fields import SliceMetrics
from .waiters import Waiters

_ERRORS = ("raise", "skip", "yield")


class Results(Sequence[Any]):
    """Results in the order of the inputs; reading one waits until it is there.

    ``for value in results`` and ``results[i]`` follow the inputs' order; ``async for`` does so without blocking;
    ``as_completed()`` yields in the order of arrival; ``await results`` gives the list of all values. Where a slice
    failed, reading it raises its SliceError, and ``as_completed()`` raises a SliceErrorGroup at its end; ``errors`` has
    all of them. A failure of the whole job (JobError, an exception from the inputs or from an event callback) is raised
    by whatever waits. Ctrl-C while waiting cancels.
    """

    def __init__(self, job: Any, cancel: Callable[[], None], thread: threading.Thread) -> None:
        """``cancel`` ends the job; ``thread`` brings the results."""
        self.job = job
        self.metrics: dict[int, SliceMetrics] = {}
        self._waiters = Waiters(cancel, thread)
        self._outcomes: dict[int, Any] = {}
        self._errors: dict[int, SliceError] = {}
        self._arrived: list[int] = []
        self._failure: BaseException | None = None
        self._complete = False  # nothing more will arrive
        self._done = False  # and the callbacks have been told

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
        self._waiters.cancel()

    @overload
    def as_completed(self, *, errors: Literal["raise", "skip"] = "raise") -> Iterator[tuple[int, Any]]: ...
    @overload
    def as_completed(self, *, errors: Literal["yield"]) -> Iterator[tuple[int, Any | SliceError]]: ...
    def as_completed(self, *, errors: Literal["raise", "skip", "yield"] = "raise") -> Iterator[tuple[int, Any]]:
        """(index, value) in the order of arrival.

        ``errors``: what becomes of slices that fail. ``"raise"``: after the last value, raises SliceErrorGroup with all
        of them. ``"yield"``: they come among the others, as (index, SliceError). ``"skip"``: they are left to
        ``Results.errors``. Raises ValueError for another word.
        """
        if errors not in _ERRORS:
            raise ValueError(f"errors is one of {', '.join(map(repr, _ERRORS))}, not {errors!r}")
        return self._as_completed(errors)

    def _as_completed(self, errors: str) -> Iterator[tuple[int, Any]]:
        position = 0

        def arrived() -> bool:
            return len(self._arrived) > position or self._done

        while self._wait(arrived) and position < len(self._arrived):
            index = self._arrived[position]
            position += 1
            if errors == "yield" or index not in self._errors:
                yield index, self._outcomes[index]
        self._raise_failure()
        if errors == "raise" and self._errors:
            raise SliceErrorGroup.of(self._errors.values(), slices=len(self._outcomes))

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
            await self._waiters.wait_async(self._ready(index))
            if index not in self._outcomes:
                self._raise_failure()
                return
            yield self._outcome(index)

    def __await__(self) -> Generator[Any, None, list[Any]]:
        yield from self._waiters.wait_async(lambda: self._done).__await__()
        self._raise_failure()
        return list(self)

    def _ready(self, index: int) -> Callable[[], bool]:
        return lambda: index in self._outcomes or self._done

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
        return (self._complete and self._waiters.is_bringer()) or self._waiters.wait(ready, timeout)

    # --- What arrives ---

    def put(self, index: int, outcome: Any, metrics: SliceMetrics) -> None:
        """A value, or the SliceError of a slice that has failed; ``notify`` follows."""
        if isinstance(outcome, SliceError):
            self._errors[index] = outcome
        self.metrics[index] = metrics
        self._outcomes[index] = outcome
        self._arrived.append(index)

    def notify(self) -> None:
        """Wakes the waiting threads and tasks."""
        self._waiters.notify()

    def complete(self, failure: BaseException | None) -> None:
        """Nothing more arrives, but the job's listeners have not been told yet. ``failure``: of the whole job."""
        self._failure = failure
        self._complete = True

    def finish(self, failure: BaseException | None) -> None:
        """The last call; ``failure`` may have come from a listener."""
        self._failure = failure
        self._done = True
        self._waiters.cancel = lambda: None  # it has ended, and the run may go
        self._waiters.notify()
