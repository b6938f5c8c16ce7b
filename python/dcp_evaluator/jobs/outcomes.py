"""What has come of a job's slices, and threads and tasks that wait for it."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from ..errors import SliceError
from ..frames.fields import SliceMetrics
from .waiters import Waiters


class Outcomes:
    """Filled by the thread of the job, read by all others.

    ``total`` gives how many slices there are, None while nobody knows. ``arrived``: indices in the order of arrival.
    ``is_complete``: nothing more will arrive; ``is_done``: and the callbacks have been told.
    """

    def __init__(self, total: Callable[[], int | None], waiters: Waiters) -> None:
        self.waiters = waiters
        self.values: dict[int, Any] = {}  # a SliceError where the slice has failed
        self.errors: dict[int, SliceError] = {}
        self.metrics: dict[int, SliceMetrics] = {}
        self.arrived: list[int] = []
        self.is_complete = False
        self.is_done = False
        self._total = total
        self._failure: BaseException | None = None

    # --- Reading ---

    @property
    def total(self) -> int | None:
        """How many slices there are; None while nobody knows."""
        return self._total()

    def wait(self, ready: Callable[[], bool], timeout: float | None = None) -> bool:
        """Whether it is ready, after ``timeout`` seconds at most."""
        return (self.is_complete and self.waiters.is_bringer()) or self.waiters.wait(ready, timeout)

    def take(self, index: int) -> Any:
        """The value of a slice. Raises its SliceError, IndexError, and what ended the job before the slice did."""
        if index in self.errors:
            raise self.errors[index].with_traceback(None)
        if index not in self.values:
            self.raise_failure()
            raise IndexError(f"there is no slice {index}")
        return self.values[index]

    def raise_failure(self) -> None:
        """Raises what made the whole job fail, with the lines of the user's callback or inputs alone."""
        if self._failure is not None:
            raise self._failure.with_traceback(_outside(self._failure.__traceback__))

    # --- What arrives ---

    def put(self, index: int, outcome: Any, metrics: SliceMetrics) -> None:
        """A value, or the SliceError of a slice that has failed; ``waiters.notify`` follows."""
        if isinstance(outcome, SliceError):
            self.errors[index] = outcome
        self.metrics[index] = metrics
        self.values[index] = outcome
        self.arrived.append(index)

    def complete(self, failure: BaseException | None) -> None:
        """Nothing more arrives, but the job's listeners have not been told yet. ``failure``: of the whole job."""
        self._failure = failure
        self.is_complete = True

    def finish(self, failure: BaseException | None) -> None:
        """The last call; ``failure`` may have come from a listener."""
        self._failure = failure
        self.is_done = True
        self.waiters.cancel = lambda: None  # it has ended, and the run may go
        self.waiters.notify()


def _outside(traceback: TracebackType | None) -> TracebackType | None:
    """The part below this package's own frames."""
    package = f"{__name__.partition('.')[0]}."
    while traceback is not None and str(traceback.tb_frame.f_globals.get("__name__")).startswith(package):
        traceback = traceback.tb_next
    return traceback
