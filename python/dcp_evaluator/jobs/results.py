"""The results of a running job."""

from __future__ import annotations

import operator
from collections.abc import AsyncIterator, Generator, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TextIO, overload

from ..errors import InstallationError, NotKeptError, SliceError
from ..frames.fields import SliceMetrics
from .html import page_of
from .kept import KeptOutcomes
from .outcomes import Outcomes
from .pairs import Errors, Pairs, Values, check_errors
from .progress_bar import ProgressBar

_NONE_GIVEN: Any = object()

_TAKE = "take each value as it comes, by as_completed(), items() or a loop"
_LISTEN = 'job.metrics has the sums, and job.on("result", callback) gets those of each slice'


class Results(Sequence[Any]):
    """Results in the order of the inputs; reading one waits until it is there.

    ``for value in results``, ``results[i]`` and ``items()`` follow the inputs' order, ``as_completed()`` the order of
    arrival; ``async for`` reads without blocking; ``values()`` and ``await results`` give the list of all values.
    Where a slice failed, reading it raises its SliceError, unless the way to read says otherwise; ``errors`` has all of
    them. A failure of the whole job (JobError, an exception from the inputs or from an event callback) is raised by
    whatever waits. Ctrl-C ends the wait, not the job.

    Those of a job that was started with ``keep=False`` are each taken once, by one loop (``for`` or ``async for``, also
    over ``items()`` or ``as_completed()``), and are gone then. All that asks for others raises NotKeptError.
    """

    def __init__(self, job: Any, outcomes: Outcomes) -> None:
        self.job = job
        self._outcomes = outcomes

    def __repr__(self) -> str:
        return f"<dcp_evaluator.Results {self._state}, {self._arrived}, {self._outcomes.failed} failed>"

    def _repr_html_(self) -> str:
        """A notebook's view of how the job goes; it does not wait."""
        return page_of(self._outcomes, self._state)

    @property
    def _state(self) -> str:
        return "done" if self._outcomes.is_complete else "running"

    @property
    def _arrived(self) -> str:
        total = self._outcomes.total
        return f"{self._outcomes.arrived}{'' if total is None else f' of {total}'} arrived"

    # --- How the job goes ---

    @property
    def done(self) -> bool:
        """Whether the job has ended."""
        return self._outcomes.is_complete

    @property
    def errors(self) -> Mapping[int, SliceError]:
        """The slices that have failed so far, by index.

        Raises NotKeptError where these are more than are kept with ``keep=False``: of the first 1,000, with 16 MiB.
        """
        outcomes = self._outcomes
        if outcomes.failed > len(outcomes.errors):
            counts = f"only {len(outcomes.errors)} errors of {outcomes.failed} failed slices are kept"
            raise NotKeptError.of(f'{counts}; job.on("error", callback) and errors="yield" give each')
        return MappingProxyType(outcomes.errors)

    @property
    def metrics(self) -> dict[int, SliceMetrics]:
        """What each slice that is done took, by index; times in milliseconds. Raises NotKeptError."""
        return self._kept("metrics", _LISTEN).metrics

    def wait(self, timeout: float | None = None) -> Results:
        """Waits for the end of the job. Raises TimeoutError, and what made the whole job fail.

        With ``keep=False`` it lets go of all results where no loop has begun to take them. Raises NotKeptError where
        the loop is the caller's own, and the job cannot go on without it.
        """
        if not self._outcomes.wait_for_end(timeout):
            raise TimeoutError(f"the job is not done after {timeout:g} s")
        self._outcomes.raise_failure()
        return self

    def progress(self, file: TextIO | None = None) -> Results:
        """``wait()`` with a bar on stderr, or ``file``. Raises what made the whole job fail, and NotKeptError."""
        bar, outcomes = ProgressBar(file), self._outcomes

        def show(*, is_last: bool) -> None:
            bar.show(outcomes.arrived, outcomes.failed, outcomes.total, is_last=is_last)

        try:
            while not outcomes.wait_for_end(bar.interval):
                show(is_last=False)
        finally:
            show(is_last=True)
        return self.wait()

    def cancel(self) -> None:
        """Ends the job; waiting for what has not arrived raises JobCancelledError."""
        self._outcomes.waiters.cancel()

    def to_dataframe(self) -> Any:
        """What each slice took, as a pandas.DataFrame; waits for the end of the job.

        A row per slice, its index the slice's; the columns are those of SliceMetrics, with times in milliseconds, and
        ``error``, the code of the SliceError where there is one. Raises InstallationError where pandas is missing, and
        NotKeptError.
        """
        kept = self._kept("to_dataframe()", _LISTEN)
        try:
            import pandas
        except ImportError:
            raise InstallationError("to_dataframe() needs pandas; run: pip install pandas") from None
        metrics, errors = self.wait().metrics, kept.errors
        indices = sorted(metrics)
        frame = pandas.DataFrame([metrics[index] for index in indices], index=indices, columns=SliceMetrics._fields)
        return frame.assign(error=[errors[index].code if index in errors else None for index in indices])

    # --- Reading ---

    def as_completed(self, *, errors: Errors = "raise") -> Pairs:
        """(index, value) in the order of arrival, for ``for`` and ``async for``.

        ``errors``: what becomes of slices that fail. ``"raise"``: after the last value, raises SliceErrorGroup with all
        of them. ``"yield"``: they come among the others, as (index, SliceError). ``"skip"``: they are left to
        ``Results.errors``. With ``keep=False`` the group has the first 1,000. Raises ValueError for another word,
        NotKeptError where others take the results.
        """
        check_errors(errors)
        return Pairs(self._outcomes, self._outcomes.by_arrival(), errors, at_the_end=True)

    def items(self, *, errors: Errors = "raise") -> Pairs:
        """(index, value) in the order of the inputs, for ``for`` and ``async for``.

        ``errors`` as in ``as_completed``, but ``"raise"`` raises the SliceError of each failed slice when it comes.
        """
        check_errors(errors)
        return Pairs(self._outcomes, self._outcomes.in_order(), errors, at_the_end=False)

    def values(self, *, default: Any = _NONE_GIVEN, errors: Errors = "raise") -> list[Any]:
        """All values, in the order of the inputs; waits for the end of the job.

        ``default`` stands for what a failed slice would have given. Without it ``errors`` says what becomes of failed
        slices: ``"raise"`` raises the first one's SliceError, ``"skip"`` leaves them out, ``"yield"`` gives their
        SliceErrors in their place. Raises NotKeptError.
        """
        check_errors(errors)
        self._kept("values()", _TAKE)
        if default is not _NONE_GIVEN:
            if errors != "raise":
                raise ValueError("values() takes default or errors, not both")
            failed = self.wait().errors
            return [default if index in failed else value for index, value in self.items(errors="yield")]
        self.wait()
        return [value for _, value in self.items(errors=errors)]

    def __len__(self) -> int:
        """How many slices there are; waits for the end of the job where the inputs have no length.

        Raises NotKeptError where it would have to wait.
        """
        if self._outcomes.total is None:
            self._kept("len()", "its inputs have no length; count the values as they come")
            self.wait()
        return self._outcomes.total or 0

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        kept = self._kept("results[i]", _TAKE)
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = operator.index(index)
        if index < 0:
            index += len(self)
        return kept.value(index)

    def __iter__(self) -> Iterator[Any]:
        return Values(self.items())

    def __aiter__(self) -> AsyncIterator[Any]:
        return Values(self.items())

    def __await__(self) -> Generator[Any, None, list[Any]]:
        self._kept("await", _TAKE)
        yield from self._outcomes.waiters.wait_async(self._is_done).__await__()
        self._outcomes.raise_failure()
        return list(self)

    def _is_done(self) -> bool:
        return self._outcomes.is_done

    def _kept(self, what: str, instead: str) -> KeptOutcomes:
        """Raises NotKeptError."""
        if isinstance(self._outcomes, KeptOutcomes):
            return self._outcomes
        raise NotKeptError.of(f"{what} would need what is gone; {instead}")
