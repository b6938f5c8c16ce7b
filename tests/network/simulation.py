"""A network as discrete events: simulated workers and time, and the scheduler's own decisions.

What the tables hold for a scheduler is held by plain objects here; what it decides, it decides with
``dcp_scheduler.scheduling``.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dcp_scheduler.jobs.deployment import ESTIMATION
from dcp_scheduler.model.measured import Measured
from dcp_scheduler.model.requirements import Requirements
from dcp_scheduler.model.work_request import FetchState, WorkRequest
from dcp_scheduler.scheduling import copies, estimation
from dcp_scheduler.scheduling.allotment import allot
from dcp_scheduler.scheduling.candidate import Candidate
from dcp_scheduler.scheduling.copies import Holding
from dcp_scheduler.scheduling.fairness import Fairness
from dcp_scheduler.scheduling.trust import Trust

_GROUPS = frozenset((1,))
_POLL = 20.0  # s until a worker with nothing to do asks again
_GONE = 70.0  # s until the slices of a worker that is gone go to others
_MOST_LATE = 3000


@dataclass(slots=True)
class Worker:
    """``speed``: of one of its cores, 1 is the mean. ``fails``: share of its slices. ``dies``: seconds after which it
    is gone for good, with all that it has.
    """

    name: str
    cores: int = 1
    speed: float = 1.0
    fails: float = 0.0
    dies: float = float("inf")
    queue: deque[tuple[int, int]] = field(default_factory=deque)
    running: set[tuple[int, int]] = field(default_factory=set)
    asks: bool = False


@dataclass(slots=True)
class Job:
    """``work``: seconds of each slice on a core of speed 1."""

    number: int
    owner: str
    work: Sequence[float]
    weight: float = 1.0
    next: int = 0
    served: float = 0.0
    waiting: list[int] = field(default_factory=list)
    done: set[int] = field(default_factory=set)
    measured: float = 0.0
    out: int = 0
    failures: int = 0
    ended: float | None = None

    def quota(self, now: float) -> int:
        fresh = len(self.work) - self.next
        if len(self.done) < ESTIMATION:
            fresh = min(fresh, estimation.quota(ESTIMATION, self.next, now - self.served))
        return len(self.waiting) + fresh

    def candidate(self, quota: int) -> Candidate:
        mean = self.measured / len(self.done) if self.done else None
        return Candidate(
            job=self.number, names=frozenset((str(self.number),)), owner=self.owner, groups=_GROUPS,
            needs=Requirements.NONE, worktime="map-basic", versions="^1.0.0", weight=self.weight, quota=quota,
            mean=None if mean is None else Measured(cpu=1000 * mean, cpu_density=1.0),
        )  # fmt: skip


class Simulation:
    """``run`` it to its end. ``busy``: changes of the number of cores that work, by time; ``useful``: core seconds of
    results that were taken; ``spent``: of all work.
    """

    def __init__(self, workers: Sequence[Worker], jobs: Sequence[Job], seed: int, *, copy_late: bool = True) -> None:
        self.workers = workers
        self.jobs = {job.number: job for job in jobs}
        self.fairness, self.trust = Fairness(), Trust()
        self.now = self.useful = self.spent = 0.0
        self.busy: list[tuple[float, int]] = []
        self.spans: list[tuple[str, float, float, float]] = []
        """Of all that workers did: for whom, from when to when, how fast."""
        self.results = 0
        self._copy_late = copy_late
        self._random = random.Random(seed)
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = itertools.count()
        self._holders: dict[tuple[int, int], dict[str, float]] = {}
        self._late: list[tuple[float, tuple[int, int]]] = []
        self._unfinished = len(jobs)

    def run(self, until: float = float("inf")) -> None:
        for worker in self.workers:
            self._at(self._random.uniform(0, _POLL), self._ask, worker)
            if worker.dies < float("inf"):
                self._at(worker.dies + _GONE, self._gone, worker)
        while self._events and self._unfinished and self.now < until:
            self.now, _, act, arguments = heapq.heappop(self._events)
            act(*arguments)

    def _at(self, when: float, act: Callable[..., None], *arguments: Any) -> None:
        heapq.heappush(self._events, (when, next(self._order), act, arguments))

    # Workers

    def _ask(self, worker: Worker) -> None:
        worker.asks = False
        if self.now >= worker.dies or worker.queue or len(worker.running) >= worker.cores:
            return
        worker.queue.extend(self._assign(worker, worker.cores - len(worker.running)))
        self._work(worker)
        if not worker.queue and len(worker.running) < worker.cores:
            self._ask_at(worker, _POLL * self._random.uniform(0.5, 1.5))

    def _ask_at(self, worker: Worker, after: float) -> None:
        if not worker.asks:
            worker.asks = True
            self._at(self.now + after, self._ask, worker)

    def _work(self, worker: Worker) -> None:
        while worker.queue and len(worker.running) < worker.cores:
            job, number = worker.queue.popleft()
            worker.running.add((job, number))
            seconds = self.jobs[job].work[number] / worker.speed
            fails = self._random.random() < worker.fails
            self._change(1)
            self._at(self.now + seconds * (0.5 if fails else 1.0), self._end, worker, job, number, self.now, fails)

    def _end(self, worker: Worker, job: int, number: int, begun: float, fails: bool) -> None:
        self._change(-1)
        ended = min(self.now, worker.dies)
        self.spent += ended - begun
        self.spans.append((self.jobs[job].owner, begun, ended, worker.speed))
        if self.now >= worker.dies:
            return
        worker.running.discard((job, number))
        if fails:
            self._failed(worker, job, number)
        else:
            self._result(worker, job, number, self.now - begun)
        self._work(worker)
        if not worker.queue:
            self._ask_at(worker, 0.0)

    def _change(self, by: int) -> None:
        self.busy.append((self.now, by))

    # What the scheduler does: with tables in dcp_scheduler.services.dispatcher and dcp_scheduler.jobs

    def _assign(self, worker: Worker, room: int) -> list[tuple[int, int]]:
        most = self.trust.asked(worker.name, self.now)
        request = WorkRequest(
            dialect=5, worker=worker.name, owner=worker.name, session="", state=FetchState.NORMAL, room=float(room),
            long_slices=room, quanta=min(8.0, max(0.125, 1 / worker.speed)), worktimes={"map-basic": ["1.0.0"]},
        )  # fmt: skip
        return (most and (self._fresh(request, most) or (self._copy_late and self._copies(request, most)))) or []

    def _fresh(self, request: WorkRequest, most: int) -> list[tuple[int, int]]:
        avoided, given = self.trust.avoided(request.worker, self.now), []
        quotas = {job.number: job.quota(self.now) - len(avoided.get(job.number, ())) for job in self.jobs.values()}
        candidates = [self.jobs[number].candidate(quota) for number, quota in quotas.items() if quota > 0]
        for share in allot(request, _GROUPS, candidates, self.fairness, self.now, most):
            job, late_at = self.jobs[share.job], self.now + copies.late_after(share.seconds)
            for number in self._take(job, share.slices, avoided.get(share.job, set())):
                self._hold(job.number, number, request.worker, late_at)
                given.append((job.number, number))
        return given

    def _take(self, job: Job, count: int, avoided: set[int]) -> list[int]:
        again = [number for number in job.waiting if number not in avoided][:count]
        job.waiting = [number for number in job.waiting if number not in again]
        fresh = range(job.next, min(len(job.work), job.next + count - len(again)))
        job.next, job.out = job.next + len(fresh), job.out + len(again) + len(fresh)
        job.served = self.now
        return [*again, *fresh]

    def _copies(self, request: WorkRequest, most: int) -> list[tuple[int, int]]:
        late = copies.to_copy(self._late_holdings(), request.worker)
        candidates, given = [self.jobs[number].candidate(len(slices)) for number, slices in late.items()], []
        for share in allot(request, _GROUPS, candidates, self.fairness, self.now, most):
            for number in late[share.job][: share.slices]:
                late_at = self.now + copies.late_after(share.seconds)
                for holder in self._holders[share.job, number]:
                    self._holders[share.job, number][holder] = late_at
                self._hold(share.job, number, request.worker, late_at)
                given.append((share.job, number))
        return given

    def _late_holdings(self) -> list[Holding]:
        kept: list[tuple[float, tuple[int, int]]] = []
        found: list[Holding] = []
        while self._late and self._late[0][0] < self.now and len(found) < _MOST_LATE:
            entry = heapq.heappop(self._late)
            holders = self._holders.get(entry[1], {})
            if entry[0] in holders.values():
                kept.append(entry)
                found += [Holding(*entry[1], worker) for worker in holders]
        for entry in kept:
            heapq.heappush(self._late, entry)
        return found

    def _hold(self, job: int, number: int, worker: str, late_at: float) -> None:
        self._holders.setdefault((job, number), {})[worker] = late_at
        heapq.heappush(self._late, (late_at, (job, number)))

    def _result(self, worker: Worker, of: int, number: int, seconds: float) -> None:
        self.trust.finished(worker.name)
        job = self.jobs[of]
        if worker.name not in self._holders.get((of, number), {}):
            return
        del self._holders[of, number]
        assert number not in job.done
        job.done.add(number)
        job.measured += job.work[number]
        job.out -= 1
        self.useful += seconds
        self.results += 1
        if len(job.done) == len(job.work):
            job.ended = self.now
            self._unfinished -= 1

    def _failed(self, worker: Worker, job: int, number: int) -> None:
        if self.trust.failed(worker.name, job, [number], self.now):
            self.jobs[job].failures += 1
        self._take_back(worker, job, number)

    def _gone(self, worker: Worker) -> None:
        for job, number in [*worker.running, *worker.queue]:
            self._take_back(worker, job, number)

    def _take_back(self, worker: Worker, job: int, number: int) -> None:
        holders = self._holders.get((job, number), {})
        if holders.pop(worker.name, None) is not None and not holders:
            del self._holders[job, number]
            self.jobs[job].waiting.append(number)
            self.jobs[job].out -= 1
