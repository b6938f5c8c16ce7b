"""What has come of a job's slices, all of it: it may be read again and at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import SliceError
from ..frames.fields import SliceMetrics
from .outcomes import Cursor, Outcomes
from .waiters import Waiters


class KeptOutcomes(Outcomes):
    """``values``: by index, a SliceError where the slice has failed; ``metrics``: of each."""

    def __init__(self, total: Callable[[], int | None], waiters: Waiters) -> None:
        super().__init__(total, waiters)
        self.values: dict[int, Any] = {}
        self.metrics: dict[int, SliceMetrics] = {}
        self._indices: list[int] = []  # in the order of arrival

    @property
    def arrived(self) -> int:
        return len(self._indices)

    @property
    def failed(self) -> int:
        return len(self.errors)

    def sums(self) -> tuple[float, float]:
        metrics = list(self.metrics.values())
        return sum(each.cpu for each in metrics), sum(each.gpu for each in metrics)

    def in_order(self) -> Cursor:
        return _Cursor(self, lambda position: position if position in self.values else None)

    def by_arrival(self) -> Cursor:
        indices = self._indices
        return _Cursor(self, lambda position: indices[position] if position < len(indices) else None)

    def value(self, index: int) -> Any:
        """That of a slice. Raises its SliceError, IndexError, and what ended the job before the slice did."""
        self.wait(lambda: index in self.values or self.is_done)
        if index in self.errors:
            raise self.errors[index].with_traceback(None)
        if index not in self.values:
            self.raise_failure()
            raise IndexError(f"there is no slice {index}")
        return self.values[index]

    def put(self, index: int, outcome: Any, metrics: SliceMetrics, raw: Any) -> None:
        if isinstance(outcome, SliceError):
            self.errors[index] = outcome
        self.metrics[index] = metrics
        self.values[index] = outcome
        self._indices.append(index)


class _Cursor:
    """``find`` says which slice comes at a position, None where that is not there yet."""

    def __init__(self, outcomes: KeptOutcomes, find: Callable[[int], int | None]) -> None:
        self._outcomes = outcomes
        self._find = find
        self._position = 0

    def is_ready(self) -> bool:
        return self._find(self._position) is not None or self._outcomes.is_done

    def take(self) -> tuple[int, Any] | None:
        index = self._find(self._position)
        if index is None:
            return None
        self._position += 1
        return index, self._outcomes.values[index]
