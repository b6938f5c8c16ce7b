"""What has come of a job's slices and nobody has taken yet: nothing else is kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ..errors import NotKeptError, SliceError
from ..frames.fields import SliceMetrics
from .outcomes import Cursor, Outcomes
from .sizes import size_of
from .waiters import Waiters

MOST_WAITING = 10_000
"""Slices that are done and have not been taken, and with how many the run takes no more."""
MOST_BYTES = 256 << 20
"""The same of their bytes."""
MOST_ERRORS = 1000
"""Errors that are kept to the end, for whoever asks for them together."""
_MOST_ERROR_BYTES = 16 << 20

_IS_TAKEN = "each of its results has been taken; start it with keep=True to read them again"
_IS_READ = "a loop takes its results already; keep one iterator, as results.items(), and go on with that"
_WAS_LEFT = "the loop that took its results was left, and what came then is gone; to read on, keep its iterator"
_WAITED = "wait() or progress() without a loop lets go of its results; read them by a loop, which waits too"
_STUCK = "too many results wait to be taken, by the thread that waits here for the end; read on instead, or cancel()"


class PassingOutcomes(Outcomes):
    """Each outcome is there until it is taken, once, by the one cursor that there is.

    ``has_room`` says whether the run may take a slice from its source. Where too much waits it may not, until half of
    that has been taken: then ``wake`` is called. Slices that run meanwhile still come. So whoever reads in order gets
    on: the slice that comes next runs, or else all before it have been taken, and there is room.
    """

    def __init__(
        self,
        total: Callable[[], int | None],
        waiters: Waiters,
        wake: Callable[[], None],
        *,
        most: int = MOST_WAITING,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        super().__init__(total, waiters)
        self._wake = wake
        self._most = most
        self._most_bytes = most_bytes
        self._lock = threading.RLock()  # a finalizer may come to `let_go` anywhere
        self._waiting: OrderedDict[int, tuple[Any, int]] = OrderedDict()  # outcomes and their bytes
        self._bytes = 0
        self._rests = False
        self._is_let_go = False
        self._is_taken: str | None = None  # by whom, for whoever comes later
        self._reader: int | None = None  # the thread that reads
        self._arrived = self._failed = self._error_bytes = 0
        self._cpu = self._gpu = 0.0

    @property
    def arrived(self) -> int:
        return self._arrived

    @property
    def failed(self) -> int:
        return self._failed

    def sums(self) -> tuple[float, float]:
        return self._cpu, self._gpu

    # --- Who takes them ---

    def in_order(self) -> Cursor:
        self._claim()
        return _InOrder(self)

    def by_arrival(self) -> Cursor:
        self._claim()
        return _ByArrival(self)

    def let_go(self, reason: str) -> None:
        """Nobody takes what comes from now on, for that reason. A finalizer may call it."""
        with self._lock:
            self._is_taken = reason
            self._is_let_go = True
            self._waiting.clear()
            self._bytes = 0
        if not self.is_complete:
            self._wake()

    def leave(self) -> None:
        """The cursor has gone."""
        self.let_go(_WAS_LEFT if self._waiting or not self.is_complete else _IS_TAKEN)

    def wait_for_end(self, timeout: float | None = None) -> bool:
        """Lets go of what comes, where nobody takes it."""
        with self._lock:
            is_unread = self._is_taken is None
            self._is_taken = self._is_taken or _WAITED
        if is_unread:
            self.let_go(_WAITED)
        ended = self.wait(lambda: self.is_done or self._is_stuck(), timeout)
        if ended and self._is_stuck():
            raise NotKeptError.of(_STUCK)
        return ended

    def _claim(self) -> None:
        """Raises NotKeptError."""
        with self._lock:
            if self._is_taken is not None:
                raise NotKeptError.of(self._is_taken)
            self._is_taken = _IS_READ
            self._reader = threading.get_ident()

    def _is_stuck(self) -> bool:
        """Whether the run rests until the calling thread, which waits, takes something."""
        return self._rests and self._reader == threading.get_ident()

    # --- Taking ---

    def has(self, index: int | None) -> bool:
        """Whether that one waits, or any."""
        return bool(self._waiting) if index is None else index in self._waiting

    def take(self, index: int | None) -> tuple[int, Any] | None:
        """That one, or the one that came first; None where it is not there."""
        with self._lock:
            self._reader = threading.get_ident()
            if not self.has(index):
                return None
            if index is None:
                index, (outcome, size) = self._waiting.popitem(last=False)
            else:
                outcome, size = self._waiting.pop(index)
            self._bytes -= size
            is_woken = self._rests and not self._is_above(self._most // 2, self._most_bytes // 2)
            self._rests &= not is_woken
        if is_woken:
            self._wake()
        return index, outcome

    # --- What arrives ---

    def has_room(self) -> bool:
        """Whether the run may take a slice. For the thread of the job; ``wake`` follows where it may not."""
        if self._is_let_go:
            return True
        with self._lock:
            comes_to_rest = not self._rests and self._is_above(self._most - 1, self._most_bytes - 1)
            self._rests |= comes_to_rest
        if comes_to_rest:
            self.waiters.notify()
        return not self._rests

    def put(self, index: int, outcome: Any, metrics: SliceMetrics, raw: Any) -> None:
        self._arrived += 1
        self._cpu += metrics.cpu
        self._gpu += metrics.gpu
        size = size_of(raw) if raw is outcome else max(size_of(raw), size_of(outcome))
        if isinstance(outcome, SliceError):
            self._failed += 1
            self._keep(outcome, size)
        with self._lock:
            if not self._is_let_go:
                self._waiting[index] = outcome, size
                self._bytes += size

    def finish(self, failure: BaseException | None) -> None:
        super().finish(failure)
        self._wake = lambda: None  # as with `cancel`

    def _is_above(self, slices: int, size: int) -> bool:
        return len(self._waiting) > slices or self._bytes > size

    def _keep(self, error: SliceError, size: int) -> None:
        """The first ones; of these one always."""
        has_all = len(self.errors) == self._failed - 1
        has_room = self._failed <= MOST_ERRORS and self._error_bytes + size <= _MOST_ERROR_BYTES
        if not self.errors or (has_all and has_room):
            self.errors[error.index] = error
            self._error_bytes += size


class _ByArrival:
    """What comes is let go of when this one is gone."""

    def __init__(self, outcomes: PassingOutcomes) -> None:
        self._outcomes = outcomes
        self._next: int | None = None

    def is_ready(self) -> bool:
        return self._outcomes.has(self._next) or self._outcomes.is_done

    def take(self) -> tuple[int, Any] | None:
        return self._outcomes.take(self._next)

    def __del__(self) -> None:
        self._outcomes.leave()


class _InOrder(_ByArrival):
    def __init__(self, outcomes: PassingOutcomes) -> None:
        super().__init__(outcomes)
        self._next = 0

    def take(self) -> tuple[int, Any] | None:
        pair = super().take()
        if pair is not None:
            self._next = pair[0] + 1
        return pair
