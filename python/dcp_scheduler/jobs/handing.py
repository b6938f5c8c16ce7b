"""Slices on their way to workers and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from math import inf

from sqlalchemy import Connection, delete, func, insert, select, update

from ..ledger import ledger
from ..model.work_request import WorkRequest
from ..scheduling import estimation, failures
from ..store.schema import hand_outs, jobs, slices
from ..store.transaction import Transaction
from . import blames, redundancy
from .blames import Blame
from .endings import cancel
from .holdings import affordable, give, held, numbered
from .records import Job, by_number
from .status import ACTIVE, JobStatus, SliceStatus

_MOST_NUMBERS = 10_000
"""In one statement: databases take some ten thousand values."""
_MOST_JOBS = 1000
_MOST_SLICES = 500  # that are looked for at a time
_OUT = (SliceStatus.OUT.value, SliceStatus.COPIED.value)


def hand_out(
    transaction: Transaction,
    job: Job,
    count: int,
    request: WorkRequest,
    late_at: float = inf,
    avoided: Set[int] = frozenset(),
) -> list[int]:
    """Numbers of that many slices, which are this worker's from now on; fewer where the job cannot pay for them.

    ``late_at``: when others may get them too; ``avoided``: slices that it shall not get.
    """
    if job.copies > 1:
        again = redundancy.open_to(transaction.connection, job, request.owner, count, avoided)
        return redundancy.hand_out(transaction, job, count, again, request, late_at)
    count = affordable(transaction, job, count)
    again = _waiting(transaction.connection, job, count, avoided)
    fresh = range(job.next, job.next + min(count - len(again), job.total - job.next + 1))
    numbers = [*again, *fresh]
    if not numbers:
        return []
    connection = transaction.connection
    if again:
        connection.execute(
            update(slices).where(*numbered(slices, job.number, again)).values(status=SliceStatus.OUT.value)
        )
    if fresh:
        rows = [{"job": job.number, "number": n, "status": SliceStatus.OUT.value} for n in fresh]
        connection.execute(insert(slices), rows)
    give(transaction, job, numbers, request, late_at)
    ledger.transfer(transaction, job.payer, job.address, job.price * len(numbers), "reserve", job=job.number)
    connection.execute(
        update(jobs)
        .where(jobs.c.number == job.number)
        .values(
            next=job.next + len(fresh), waiting=job.waiting - len(again), out=job.out + len(numbers),
            served=transaction.now,
        )
    )  # fmt: skip
    return numbers


def quota(transaction: Transaction, job: Job, owner: str, avoided: Set[int] = frozenset()) -> int:
    """How many slices a worker of this owner may get now: of a job that is being estimated, only few have been out."""
    if job.copies > 1:
        again = len(redundancy.open_to(transaction.connection, job, owner, _MOST_SLICES, avoided))
    else:
        again = max(0, job.waiting - len(avoided))
    fresh = job.total - job.next + 1
    if job.status == JobStatus.ESTIMATION and job.estimation >= 0:
        fresh = min(fresh, estimation.quota(job.estimation, job.next - 1, transaction.now - job.served))
    return int(again + max(0, fresh))


def may_copy(connection: Connection, job: Job, numbers: Sequence[int], owner: str) -> Sequence[int]:
    """Those of these slices of which a worker of this owner may have a copy."""
    return redundancy.strange_to(connection, job, owner, numbers) if job.copies > 1 else numbers


def hand_out_copies(
    transaction: Transaction, job: Job, numbers: Sequence[int], request: WorkRequest, late_at: float
) -> Sequence[int]:
    """Slices that others have, and this worker has not, go to it as well; they are reserved for already."""
    if job.copies > 1:
        return redundancy.hand_out(transaction, job, len(numbers), numbers, request, late_at)
    connection, still_out = transaction.connection, slices.c.status.in_(_OUT)
    copied = update(slices).where(*numbered(slices, job.number, numbers), still_out).returning(slices.c.number)
    numbers = list(connection.execute(copied.values(status=SliceStatus.COPIED.value)).scalars())
    if numbers:
        connection.execute(update(hand_outs).where(*numbered(hand_outs, job.number, numbers)).values(late_at=late_at))
        give(transaction, job, numbers, request, late_at)
    return numbers


def _waiting(connection: Connection, job: Job, count: int, avoided: Set[int]) -> list[int]:
    if not job.waiting:
        return []
    query = select(slices.c.number).where(slices.c.job == job.number, slices.c.status == SliceStatus.WAITING.value)
    if avoided:
        query = query.where(slices.c.number.not_in(avoided))
    return list(connection.execute(query.order_by(slices.c.number).limit(count)).scalars())


def take_back(
    transaction: Transaction, number: int, numbers: Sequence[int], worker: str, blame: Blame | None = None
) -> None:
    """Slices of job ``number`` that this worker has will not be done by it: others get them.

    ``blame``: where that is the job's fault; when there is too much of it, the job is cancelled.
    """
    if not numbers:
        return
    connection, job = transaction.connection, by_number(transaction.connection, number)
    connection.execute(delete(hand_outs).where(*numbered(hand_outs, number, numbers), hand_outs.c.worker == worker))
    if job.copies > 1:
        redundancy.taken_back(transaction, job, numbers)
    else:
        _wait_again(transaction, job, numbers)
    if blame:
        _blame(transaction, job, numbers, blame)


def _wait_again(transaction: Transaction, job: Job, numbers: Sequence[int]) -> None:
    """Those that nobody else has, either."""
    connection = transaction.connection
    held_by_others = select(hand_outs.c.number).where(*numbered(hand_outs, job.number, numbers))
    elsewhere = set(connection.execute(held_by_others).scalars())
    mine = numbered(slices, job.number, [number for number in numbers if number not in elsewhere])
    returned = connection.execute(
        update(slices).where(*mine, slices.c.status.in_(_OUT)).values(status=SliceStatus.WAITING.value)
    ).rowcount
    query = update(jobs).where(jobs.c.number == job.number)
    connection.execute(query.values(waiting=jobs.c.waiting + returned, out=jobs.c.out - returned))
    if not JobStatus(job.status).is_over:
        ledger.transfer(transaction, job.address, job.payer, job.price * returned, "refund", job=job.number)


def _blame(transaction: Transaction, job: Job, numbers: Sequence[int], blame: Blame) -> None:
    """Those that wait now have failed."""
    connection, mine = transaction.connection, numbered(slices, job.number, numbers)
    waiting = select(slices.c.number).where(*mine, slices.c.status == SliceStatus.WAITING.value)
    failed = list(connection.execute(waiting).scalars())
    if not failed:
        return
    blames.add(transaction, job, failed, blame.witness)
    query = update(jobs).where(jobs.c.number == job.number)
    connection.execute(query.values(failures=jobs.c.failures + len(failed)))
    of_slices = blames.of_slices(connection, job, failed).values()
    worst = max(failures.counted(each, blame.by, failures.MOST_OF_SLICE) for each in of_slices)
    of_job = job.failures + len(failed)
    if of_job >= failures.MOST_OF_JOB and of_job > job.done:
        of_job = failures.counted(blames.of_job(connection, job), blame.by, max(failures.MOST_OF_JOB, job.done + 1))
    if (verdict := failures.verdict(worst, of_job, job.done, blame.reason)) is not None:
        cancel(transaction, by_number(connection, job.number), *verdict)


def take_back_all(transaction: Transaction, worker: str, owner: str | None = None) -> int:
    """Everything that a worker has. How much that was."""
    query = select(hand_outs.c.job, hand_outs.c.number).where(hand_outs.c.worker == worker)
    return _take_back(transaction, query if owner is None else query.where(hand_outs.c.owner == owner), worker)


def _take_back(transaction: Transaction, query: object, worker: str) -> int:
    by_job: dict[int, list[int]] = {}
    for job, number in transaction.connection.execute(query):  # type: ignore[call-overload]
        by_job.setdefault(job, []).append(number)
    for job, numbers in by_job.items():
        for start in range(0, len(numbers), _MOST_NUMBERS):
            take_back(transaction, job, numbers[start : start + _MOST_NUMBERS], worker)
    return sum(map(len, by_job.values()))


def keep_alive(transaction: Transaction, job: Job, numbers: Sequence[int], worker: str, owner: str) -> None:
    """The worker says that these are not finished."""
    query = update(hand_outs).where(*held(job, numbers, worker, owner))
    transaction.connection.execute(query.values(seen=transaction.now))


def take_back_silent(transaction: Transaction, seconds: float, worker: str = "", owner: str = "") -> int:
    """What no worker has spoken of for so long, or not this one. How much that was."""
    silent = hand_outs.c.seen < transaction.now - seconds
    if worker:
        silent &= (hand_outs.c.worker == worker) & (hand_outs.c.owner == owner)
    taken = 0
    for each in list(transaction.connection.execute(select(hand_outs.c.worker).where(silent).distinct()).scalars()):
        query = select(hand_outs.c.job, hand_outs.c.number).where(silent, hand_outs.c.worker == each)
        taken += _take_back(transaction, query, each)
    return taken


def active(connection: Connection) -> list[Job]:
    """Jobs that have slices to hand out: of each owner as many as of any other, those first that were served longest
    ago.
    """
    turn = func.row_number().over(partition_by=jobs.c.owner, order_by=(jobs.c.served, jobs.c.number))
    has_work = jobs.c.status.in_(ACTIVE) & ((jobs.c.waiting > 0) | (jobs.c.next <= jobs.c.total))
    ranked = select(jobs.c.number, turn.label("turn")).where(has_work).subquery()
    query = select(jobs).join(ranked, ranked.c.number == jobs.c.number)
    return list(connection.execute(query.order_by(ranked.c.turn, jobs.c.served, jobs.c.number).limit(_MOST_JOBS)))


def still_active(connection: Connection, numbers: Iterable[int]) -> list[Job]:
    """Those of these jobs that are not over."""
    query = select(jobs).where(jobs.c.number.in_(list(numbers)), jobs.c.status.in_(ACTIVE))
    return list(connection.execute(query))
