"""What jobs, slices and money have to do, in plain Python: a model that the tables are held against."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

MOST_FAILURES = 5
OVER = ("finished", "cancelled")


@dataclass
class ModelJob:
    """``out``: who has which slice. ``next``: the first slice that nobody has had."""

    payer: str
    price: int
    total: int
    is_open: bool
    estimation: int
    status: str = "estimation"
    next: int = 1
    waiting: set[int] = field(default_factory=set)
    out: dict[int, str] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    failures: Counter[int] = field(default_factory=Counter)
    code: str | None = None

    @property
    def is_over(self) -> bool:
        return self.status in OVER

    @property
    def has_work(self) -> bool:
        return not self.is_over and bool(self.waiting or self.next <= self.total)


@dataclass
class Model:
    """``balances``: of payers and workers; what is out is set aside, in no balance. ``paid``: slices, by job."""

    jobs: dict[str, ModelJob] = field(default_factory=dict)
    balances: Counter[str] = field(default_factory=Counter)
    paid: dict[str, list[int]] = field(default_factory=dict)

    def submit(self, name: str, job: ModelJob) -> None:
        self.jobs[name], self.paid[name] = job, []
        if not job.estimation:
            job.status = "running"
        self._finish(job)

    def add(self, name: str, count: int) -> bool:
        job = self.jobs[name]
        if not job.is_open or job.is_over:
            return False
        job.total += count
        return True

    def close(self, name: str) -> None:
        job = self.jobs[name]
        job.is_open = False
        self._finish(job)

    def hand_out(self, name: str, worker: str, count: int) -> list[int]:
        job = self.jobs[name]
        if job.price:
            affordable = min(count, self.balances[job.payer] // job.price)
            if not affordable and not job.out:
                self.cancel(name, "ENOFUNDS")
            count = affordable
        again = sorted(job.waiting)[:count]
        fresh = list(range(job.next, min(job.total, job.next + count - len(again) - 1) + 1))
        job.waiting -= set(again)
        job.next += len(fresh)
        job.out |= dict.fromkeys([*again, *fresh], worker)
        self.balances[job.payer] -= job.price * len([*again, *fresh])
        return [*again, *fresh]

    def result(self, name: str, worker: str, number: int) -> int | None:
        """What is paid; None where the worker is refused."""
        job = self.jobs[name]
        if job.is_over or number in job.done:
            return 0
        if job.out.get(number) != worker:
            return None
        del job.out[number]
        job.done.add(number)
        self.balances[worker] += job.price
        if job.price:
            self.paid[name].append(number)
        if job.status == "estimation" and 0 <= job.estimation <= len(job.done):
            job.status = "running"
        self._finish(job)
        return job.price

    def take_back(self, name: str, worker: str, numbers: list[int], *, code: str = "") -> None:
        """``code``: of a failure that is the work function's."""
        job = self.jobs[name]
        mine = [number for number in numbers if job.out.get(number) == worker]
        for number in mine:
            del job.out[number]
            job.waiting.add(number)
            self.balances[job.payer] += job.price
            job.failures[number] += 1 if code else 0
        if code and mine and max(job.failures[number] for number in mine) >= MOST_FAILURES:
            self.cancel(name, code)

    def lose(self, worker: str) -> None:
        for name, job in self.jobs.items():
            self.take_back(name, worker, list(job.out))

    def cancel(self, name: str, code: str) -> None:
        job = self.jobs[name]
        if not job.is_over:
            job.code = code
            self._end(job, "cancelled")

    def _finish(self, job: ModelJob) -> None:
        if not (job.is_over or job.is_open) and len(job.done) == job.total:
            self._end(job, "finished")

    def _end(self, job: ModelJob, status: str) -> None:
        self.balances[job.payer] += job.price * len(job.out)
        job.status, job.is_open = status, False
        job.out.clear()
