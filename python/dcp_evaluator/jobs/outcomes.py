"""What has come of a job's slices, and threads and tasks that wait for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol

from ..errors import SliceError
from ..frames.fields import SliceMetrics
from .waiters import Waiters


class Cursor(Protocol):
    """A way through the outcomes. ``is_ready``: whether the next one is there, or none will come.

    ``take``: the next one's index, and its value or SliceError; None where it is not there.
    """

    def is_ready(self) -> bool: ...
    def take(self) -> tuple[int, Any] | None: ...


class Outcomes(ABC):
    """Filled by the thread of the job, read by all others.

    ``total`` gives how many slices there are, None while nobody knows. ``errors``: of the slices that have failed, or
    of the first ones of these. ``is_complete``: nothing more will arrive; ``is_done``: and the callbacks have been
    told.
    """

    def __init__(self, total: Callable[[], int | None], waiters: Waiters) -> None:
        self.waiters = waiters
        self.errors: dict[int, SliceError] = {}
        self.is_complete = False
        self.is_done = False
        self._total = total
        self._failure: BaseException | None = None

    # --- Reading ---

    @property
    def total(self) -> int | None:
        """How many slices there are; None while nobody knows."""
        return self._total()

    @property
    @abstractmethod
    def arrived(self) -> int:
        """How many slices are done."""

    @property
    @abstractmethod
    def failed(self) -> int:
        """How many of those have failed."""

    @abstractmethod
    def sums(self) -> tuple[float, float]:
        """Their CPU and GPU time, in milliseconds."""

    @abstractmethod
    def in_order(self) -> Cursor:
        """In the order of the inputs. Raises NotKeptError."""

    @abstractmethod
    def by_arrival(self) -> Cursor:
        """In the order of arrival. Raises NotKeptError."""

    @property
    def is_over(self) -> bool:
        """Whether the caller need not wait for anything more."""
        return self.is_done or (self.is_complete and self.waiters.is_bringer())

    def wait(self, ready: Callable[[], bool], timeout: float | None = None) -> bool:
        """Whether it is ready, after ``timeout`` seconds at most."""
        return (self.is_complete and self.waiters.is_bringer()) or self.waiters.wait(ready, timeout)

    def wait_for_end(self, timeout: float | None = None) -> bool:
        """Whether the job has ended, after ``timeout`` seconds at most. Raises NotKeptError where it never would."""
        return self.wait(lambda: self.is_done, timeout)

    def raise_failure(self) -> None:
        """Raises what made the whole job fail, with the lines of the user's callback or inputs alone."""
        if self._failure is not None:
            raise self._failure.with_traceback(_outside(self._failure.__traceback__))

    # --- What arrives ---

    @abstractmethod
    def put(self, index: int, outcome: Any, metrics: SliceMetrics, raw: Any) -> None:
        """A value, or the SliceError of a slice that has failed; ``waiters.notify`` follows. ``raw``: how it came."""

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
