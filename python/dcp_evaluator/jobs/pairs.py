"""Ways through the results of a job, for ``for`` and ``async for``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

from ..errors import SliceErrorGroup
from .outcomes import Outcomes

Errors = Literal["raise", "skip", "yield"]

_ERRORS = ("raise", "skip", "yield")


def check_errors(errors: str) -> None:
    """Raises ValueError for another word."""
    if errors not in _ERRORS:
        raise ValueError(f"errors is one of {', '.join(map(repr, _ERRORS))}, not {errors!r}")


class Pairs(Iterator[tuple[int, Any]]):
    """(index, value) of each slice: ``find`` says which comes at a position, None where that is not there yet.

    ``errors``: what becomes of failed slices: ``"raise"``, ``"skip"``, or ``"yield"`` as (index, SliceError).
    ``at_the_end``: raises them together, after the last value.
    """

    def __init__(
        self, outcomes: Outcomes, find: Callable[[int], int | None], errors: Errors, *, at_the_end: bool
    ) -> None:
        check_errors(errors)
        self._outcomes = outcomes
        self._find = find
        self._errors = errors
        self._at_the_end = at_the_end
        self._position = 0
        self._ended = False

    def __next__(self) -> tuple[int, Any]:
        while not self._ended:
            self._outcomes.wait(self._is_ready)
            if (pair := self._take()) is not None:
                return pair
        raise StopIteration

    def __aiter__(self) -> Pairs:
        return self

    async def __anext__(self) -> tuple[int, Any]:
        while not self._ended:
            await self._outcomes.waiters.wait_async(self._is_ready)
            if (pair := self._take()) is not None:
                return pair
        raise StopAsyncIteration

    def _is_ready(self) -> bool:
        return self._find(self._position) is not None or self._outcomes.is_done

    def _take(self) -> tuple[int, Any] | None:
        """None for a failed slice that is left out, and at the end. Raises SliceError, SliceErrorGroup, JobError."""
        index = self._find(self._position)
        if index is None:
            self._end()
            return None
        self._position += 1
        if index not in self._outcomes.errors or self._errors == "yield":
            return index, self._outcomes.values[index]
        if self._errors == "skip" or self._at_the_end:
            return None
        self._ended = True
        return index, self._outcomes.take(index)

    def _end(self) -> None:
        self._ended = True
        self._outcomes.raise_failure()
        if self._errors == "raise" and self._outcomes.errors:
            raise SliceErrorGroup.of(self._outcomes.errors.values(), slices=len(self._outcomes.values))
