"""What a worker gets that asks for work: slices that nobody has, else copies of those that others are late with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..dialects.tasks import TaskJob, TaskSlice
from ..errors import RefusedError
from ..groups import groups
from ..groups.groups import Group
from ..jobs import bans, blames, handing, holdings, workers
from ..jobs.blames import Blame
from ..jobs.data import JobData
from ..jobs.records import Job, find
from ..jobs.status import JobStatus
from ..model.measured import Measured, Rates
from ..model.requirements import Requirements
from ..model.work_request import FetchState, SliceStatus, WorkRequest
from ..scheduling import copies, failures
from ..scheduling.able import AbleWorkers
from ..scheduling.allotment import Share, allot
from ..scheduling.candidate import Candidate
from ..scheduling.failures import Needed, Witness
from ..scheduling.fairness import Fairness
from ..scheduling.suitability import suits, version_of
from ..scheduling.trust import ALIVE, Trust
from ..scheduling.windows import Windows
from ..store.amount import ATTO
from ..store.transaction import Transaction

_MOST_LATE = 3000


class Dispatcher:
    """For the thread that writes, but for ``finished``. What it remembers of turns and of workers is its own: it begins
    anew with each process. ``silence``: seconds after which a slice that its worker does not speak of goes to others.
    ``windows``: how many slices may be out.
    """

    def __init__(
        self, data: JobData, rates: Rates, silence: float, fairness: Fairness | None = None, *, windows: Windows
    ) -> None:
        self._data = data
        self._rates = rates
        self._silence = silence
        self._fairness = fairness or Fairness()
        self._trust = Trust()
        self.windows = windows
        self._able = AbleWorkers()
        self._begun: float | None = None

    def assign(self, transaction: Transaction, request: WorkRequest) -> list[TaskJob]:
        """In the one transaction in which the worker is heard of, too. Raises RefusedError, ``EPERM``."""
        bans.check(transaction.connection, request.owner)
        has_results = self._hear(transaction, request)
        most = min(
            self._trust.asked(_trusted(request.worker, request.owner), transaction.now),
            self.windows.room(request.owner, request.place, transaction.now),
        )
        if FetchState.NORMAL not in request.state or request.room <= 0 or not most:
            return []
        tasks = self._fresh(transaction, request, most, has_results) or self._copies(transaction, request, most)
        self.windows.given(request.owner, sum(len(task.slices) for task in tasks))
        return tasks

    def finished(self, worker: str, owner: str, now: float) -> None:
        """The worker has sent a result. ``now``: as of transactions."""
        self._trust.finished(_trusted(worker, owner))
        self.windows.delivered(owner, now)

    def returned(self, transaction: Transaction, status: SliceStatus, owner: str, place: str = "") -> None:
        """The worker gives slices back: those that it has go to others. Raises RefusedError."""
        job = find(transaction.connection, status.job)
        numbers = holdings.holds(transaction.connection, job, status.numbers, status.worker, owner)
        blame = None
        if numbers and status.reason in failures.OF_WORK:
            trusted = _trusted(status.worker, owner)
            if self._trust.failed(trusted, job.number, numbers, transaction.now):
                results = workers.results_of(transaction.connection, status.worker, owner)
                blame = self._blame(transaction, job, status.reason, Witness(owner, place, results > 0))
        handing.take_back(transaction, job.number, numbers, status.worker, blame)
        self.windows.returned(owner, len(numbers))

    def _blame(self, transaction: Transaction, job: Job, reason: str, witness: Witness) -> Blame | None:
        """None where the worker says nothing of the job. Where others have had the time to try it, those count that
        could: all others may be in groups of their own.
        """
        if job.local:
            return Blame(reason, witness, Needed())
        tried = transaction.now - ALIVE
        since = blames.since(transaction.connection, job)
        if since is not None and self._begun is not None and max(since, self._begun) < tried:
            there = self._able.of(job.number, transaction.now)
        else:
            there = workers.present(transaction.connection, tried)
        needed = failures.needed(*there, witness)
        return None if needed is None else Blame(reason, witness, needed)

    def _hear(self, transaction: Transaction, request: WorkRequest) -> bool:
        """Whether the worker has had results."""
        self._begun = self._begun or transaction.now
        more = self._trust.new_results(_trusted(request.worker, request.owner))
        results = workers.note(transaction, request, more)
        if request.returns_all:
            self.windows.returned(request.owner, handing.take_back_all(transaction, request.worker, request.owner))
        if request.alive is None:
            return results > 0
        for name, numbers in request.alive.items():
            try:
                job = find(transaction.connection, name)
            except RefusedError:
                continue  # a job that is gone
            handing.keep_alive(transaction, job, numbers, request.worker, request.owner)
        handing.take_back_silent(transaction, self._silence, request.worker, request.owner)
        return results > 0

    def _fresh(self, transaction: Transaction, request: WorkRequest, most: int, has_results: bool) -> list[TaskJob]:
        offer = _Offer.of(transaction, request, handing.active(transaction.connection))
        self._note_able(offer, Witness(request.owner, request.place, has_results), transaction.now)
        avoided = self._trust.avoided(_trusted(request.worker, request.owner), transaction.now)
        quotas = {
            number: handing.quota(transaction, job, request.owner, avoided.get(number, frozenset()))
            for number, job in offer.jobs.items()
        }
        tasks = []
        for share in self._allot(offer, quotas, most, transaction.now):
            job, late_at = offer.jobs[share.job], transaction.now + copies.late_after(share.seconds)
            numbers = handing.hand_out(
                transaction, job, share.slices, request, late_at, avoided.get(job.number, frozenset())
            )
            tasks += self._task(transaction, offer, share, numbers)
        return tasks

    def _note_able(self, offer: _Offer, witness: Witness, now: float) -> None:
        """Of jobs that have failed somewhere."""
        for job in offer.jobs.values():
            if job.failures and suits(
                offer.request, frozenset(offer.proven), _candidate(job, offer.groups[job.number], 1, self._rates)
            ):
                self._able.note(job.number, witness, now)

    def _copies(self, transaction: Transaction, request: WorkRequest, most: int) -> list[TaskJob]:
        late: dict[int, Sequence[int]] = dict(copies.to_copy(holdings.late(transaction, _MOST_LATE), request.worker))
        offer = _Offer.of(transaction, request, handing.still_active(transaction.connection, late))
        for number, job in offer.jobs.items():
            late[number] = handing.may_copy(transaction.connection, job, late[number], request.owner)
        tasks = []
        for share in self._allot(offer, {number: len(late[number]) for number in offer.jobs}, most, transaction.now):
            job, late_at = offer.jobs[share.job], transaction.now + copies.late_after(share.seconds)
            numbers = handing.hand_out_copies(transaction, job, late[job.number][: share.slices], request, late_at)
            tasks += self._task(transaction, offer, share, numbers, are_copies=True)
        return tasks

    def _allot(self, offer: _Offer, quotas: Mapping[int, int], most: int, now: float) -> list[Share]:
        candidates = [
            _candidate(job, offer.groups[job.number], quotas[job.number], self._rates) for job in offer.jobs.values()
        ]
        return allot(offer.request, frozenset(offer.proven), candidates, self._fairness, now, most)

    def _task(
        self, transaction: Transaction, offer: _Offer, share: Share, numbers: Sequence[int], are_copies: bool = False
    ) -> list[TaskJob]:
        """What the worker is told of a job; nothing where it got no slices."""
        if not numbers:
            return []
        job, connection = offer.jobs[share.job], transaction.connection
        estimates = job.status == JobStatus.ESTIMATION
        slices = [
            TaskSlice(number, datum, estimates, share.is_long, are_copies)
            for number, datum in zip(numbers, self._data.data(connection, job, numbers), strict=True)
        ]
        mine = [offer.proven[each] for each in offer.groups[job.number] if each in offer.proven]
        version = version_of(offer.request.worktimes.get(job.worktime, ()), job.worktime_range)
        return [TaskJob(job, self._data.of(job), slices, [(each.id, each.join_key) for each in mine], version)]


@dataclass(frozen=True, slots=True)
class _Offer:
    """Jobs that a worker may get slices of. ``proven``: its groups by number; ``groups``: those of each job."""

    request: WorkRequest
    jobs: Mapping[int, Job]
    groups: Mapping[int, Sequence[int]]
    proven: Mapping[int, Group]

    @classmethod
    def of(cls, transaction: Transaction, request: WorkRequest, found: Iterable[Job]) -> _Offer:
        connection, jobs = transaction.connection, {job.number: job for job in found}
        proven = groups.proven(connection, request.groups, request.session) if jobs else {}
        return cls(request, jobs, groups.of_jobs(connection, list(jobs)), proven)


def _trusted(worker: str, owner: str) -> str:
    """Under which a worker is remembered: ids are whatever workers say, owners have signed."""
    return f"{owner} {worker}"


def _candidate(job: Job, group_numbers: Sequence[int], quota: int, rates: Rates) -> Candidate:
    mean = _mean(job)
    return Candidate(
        job=job.number,
        names=frozenset((job.address, job.id)),
        owner=job.owner,
        groups=frozenset(group_numbers),
        needs=Requirements(job.needs),
        worktime=job.worktime,
        versions=job.worktime_range,
        quota=quota,
        discrete=job.discrete,
        local=job.local,
        mean=mean,
        offer=_offer(job, mean, rates),
        weight=2.0**job.priority,
    )


def _mean(job: Job) -> Measured | None:
    sums = (job.cpu, job.gpu, job.cpu_density, job.gpu_density, job.size_in, job.size_out)
    return Measured(*(each / job.done for each in sums)) if job.done else None


def _offer(job: Job, mean: Measured | None, rates: Rates) -> float | None:
    """DCC for a slice; None where it depends on what was not measured yet."""
    if job.price or not job.factor:
        return float(job.price / ATTO)
    return None if mean is None else job.factor * rates.worth(mean)
