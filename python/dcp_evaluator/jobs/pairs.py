"""Ways through the results of a job, for ``for`` and ``async for``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from ..errors import SliceError, SliceErrorGroup
from .outcomes import Cursor, Outcomes

Errors = Literal["raise", "skip", "yield"]

_ERRORS = ("raise", "skip", "yield")


def check_errors(errors: str) -> None:
    """Raises ValueError for another word."""
    if errors not in _ERRORS:
        raise ValueError(f"errors is one of {', '.join(map(repr, _ERRORS))}, not {errors!r}")


class Pairs(Iterator[tuple[int, Any]]):
    """(index, value) of each slice, as they come from ``cursor``.

    ``errors``: what becomes of failed slices: ``"raise"``, after which it goes on with the next one, ``"skip"``, or
    ``"yield"`` as (index, SliceError). ``at_the_end``: raises them together, after the last value.
    """

    def __init__(self, outcomes: Outcomes, cursor: Cursor, errors: Errors, *, at_the_end: bool) -> None:
        self._outcomes = outcomes
        self._cursor = cursor
        self._errors = errors
        self._at_the_end = at_the_end
        self._ended = False

    def __next__(self) -> tuple[int, Any]:
        while not self._ended:
            pair = self._cursor.take()
            if pair is None:
                self._outcomes.wait(self._cursor.is_ready)
                pair = self._take()
            if pair is not None and self._is_wanted(pair[1]):
                return pair
        raise StopIteration

    def __aiter__(self) -> Pairs:
        return self

    async def __anext__(self) -> tuple[int, Any]:
        while not self._ended:
            await self._outcomes.waiters.wait_async(self._cursor.is_ready)
            pair = self._take()
            if pair is not None and self._is_wanted(pair[1]):
                return pair
        raise StopAsyncIteration

    def _take(self) -> tuple[int, Any] | None:
        """None at the end, and where another thread has taken what was there. Raises SliceErrorGroup, JobError."""
        is_over = self._outcomes.is_over
        pair = self._cursor.take()
        if pair is None and is_over:
            self._end()
        return pair

    def _is_wanted(self, outcome: Any) -> bool:
        """Raises SliceError."""
        if not isinstance(outcome, SliceError) or self._errors == "yield":
            return True
        if self._errors == "skip" or self._at_the_end:
            return False
        raise outcome.with_traceback(None)

    def _end(self) -> None:
        self._ended = True
        outcomes = self._outcomes
        outcomes.raise_failure()
        if self._errors == "raise" and self._at_the_end and outcomes.errors:
            raise SliceErrorGroup.of(outcomes.errors.values(), failed=outcomes.failed, slices=outcomes.arrived)


class Values(Iterator[Any]):
    """The values of pairs."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs

    def __next__(self) -> Any:
        return next(self._pairs)[1]

    def __aiter__(self) -> Values:
        return self

    async def __anext__(self) -> Any:
        return (await anext(self._pairs))[1]
