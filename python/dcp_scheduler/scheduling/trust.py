"""Which workers finish what they get. A broken worker must neither spoil jobs nor eat slices; a broken job must not
spoil workers: whoever fails, failed of several jobs and finished nothing in between is suspected, and as long as there
are others, its failures say nothing of jobs.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from .allotment import MOST_SLICES

ALIVE = 600.0  # s since it asked last
_PAUSE = 60.0  # s after a failure: of a suspect until it gets a slice again, of any worker until it gets that one again
_WINDOW = 100.0
"""Outcomes after which one has lost two thirds of its weight."""
_SUSPECT_JOBS = 2
_MOST_JOBS = 100
_MOST_WORKERS = 100_000
_MOST_AVOIDED = 1000
_ENOUGH = 4.0  # failures that may be chance


@dataclass(slots=True)
class _Record:
    seen: float = 0.0
    done: float = 0.0
    failed: float = 0.0
    last_failure: float = float("-inf")
    spoiled: dict[int, int] = field(default_factory=dict)
    """How many slices it has failed since it finished something, by job."""
    avoided: dict[tuple[int, int], float] = field(default_factory=dict)
    """Slices that it has failed, and when."""
    results: int = 0
    """That were taken since it asked last."""

    @property
    def is_suspect(self) -> bool:
        return len(self.spoiled) >= _SUSPECT_JOBS

    def add(self, done: float, failed: float) -> None:
        fade = (1 - 1 / _WINDOW) ** (done + failed)
        self.done, self.failed = self.done * fade + done, self.failed * fade + failed

    def fail(self, job: int, numbers: Sequence[int], now: float) -> None:
        self.add(0.0, float(len(numbers)))
        self.last_failure = now
        if len(self.spoiled) < _MOST_JOBS:
            self.spoiled[job] = self.spoiled.get(job, 0) + len(numbers)
        self.avoided |= {(job, number): now for number in numbers[-_MOST_AVOIDED:]}
        while len(self.avoided) > _MOST_AVOIDED:
            del self.avoided[next(iter(self.avoided))]

    def most_slices(self) -> int:
        if self.failed <= _ENOUGH:
            return MOST_SLICES
        share = (self.done + 1) / (self.done + self.failed + 1)
        return max(1, int(MOST_SLICES * share * share))


class Trust:
    """Of workers by id. Times are seconds of one clock. Usable from any thread."""

    def __init__(self) -> None:
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self._lock = Lock()

    def asked(self, worker: str, now: float) -> int:
        """The worker is here. How many slices it may get at most."""
        with self._lock:
            record = self._of(worker)
            record.seen = now
            self._records.move_to_end(worker)
            if record.is_suspect and self._has_others(worker, now):
                return 1 if now - record.last_failure >= _PAUSE else 0
            return record.most_slices()

    def finished(self, worker: str) -> None:
        with self._lock:
            record = self._of(worker)
            record.spoiled.clear()
            record.results += 1
            record.add(1.0, 0.0)

    def new_results(self, worker: str) -> int:
        """How many it has had since this was asked last."""
        with self._lock:
            record = self._of(worker)
            count, record.results = record.results, 0
            return count

    def failed(self, worker: str, job: int, numbers: Sequence[int], now: float) -> bool:
        """Whether that is the job's fault as far as one can tell."""
        with self._lock:
            record = self._of(worker)
            record.fail(job, numbers, now)
            return not (record.is_suspect and self._has_others(worker, now))

    def avoided(self, worker: str, now: float) -> dict[int, set[int]]:
        """By job the slices that others shall try first, if there are others."""
        found: dict[int, set[int]] = {}
        with self._lock:
            record = self._records.get(worker)
            if record is None or not record.avoided or not self._has_others(worker, now):
                return found
            record.avoided = {each: at for each, at in record.avoided.items() if now - at < _PAUSE}
            for job, number in record.avoided:
                found.setdefault(job, set()).add(number)
        return found

    def _of(self, worker: str) -> _Record:
        record = self._records.get(worker)
        if record is None:
            record = self._records[worker] = _Record()
            if len(self._records) > _MOST_WORKERS:
                self._records.popitem(last=False)
        return record

    def _has_others(self, worker: str, now: float) -> bool:
        """Whether somebody else is here that is not suspected. Those that asked last are looked at first."""
        for other, record in reversed(self._records.items()):
            if now - record.seen > ALIVE:
                return False
            if other != worker and not record.is_suspect:
                return True
        return False
