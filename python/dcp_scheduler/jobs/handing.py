"""Slices on their way to workers and back."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from ..ledger import ledger
from ..model.work_request import WorkRequest
from ..store.schema import hand_outs, jobs, slices
from ..store.transaction import Transaction
from .endings import cancel
from .records import Job, by_number
from .status import ACTIVE, JobStatus, SliceStatus

MOST_FAILURES = 5
"""Of a slice, until its job is cancelled."""
_MOST_NUMBERS = 10_000
"""In one statement: databases take some ten thousand values."""
# Reasons of returns that say something of the work function; all others may be the worker's own.
_BLAMED = frozenset(("ENOPROGRESS", "EUNCAUGHT", "ESLICETOOSLOW"))


def hand_out(transaction: Transaction, job: Job, count: int, request: WorkRequest) -> list[int]:
    """Numbers of that many slices, which are this worker's from now on; fewer where the job cannot pay for them."""
    count = _affordable(transaction, job, count)
    again = _waiting(transaction.connection, job, count)
    fresh = range(job.next, job.next + min(count - len(again), job.total - job.next + 1))
    numbers = [*again, *fresh]
    if not numbers:
        return []
    connection, here = transaction.connection, slices.c.job == job.number
    if again:
        connection.execute(update(slices).where(here, slices.c.number.in_(again)).values(status=SliceStatus.OUT.value))
    if fresh:
        rows = [{"job": job.number, "number": n, "status": SliceStatus.OUT.value, "failures": 0} for n in fresh]
        connection.execute(insert(slices), rows)
    owned = {"job": job.number, "worker": request.worker, "owner": request.owner, "reserved": job.price}
    connection.execute(insert(hand_outs), [{**owned, "number": n, "seen": transaction.now} for n in numbers])
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


def _affordable(transaction: Transaction, job: Job, count: int) -> int:
    if not job.price:
        return count
    affordable = min(count, ledger.balance(transaction.connection, job.payer) // job.price)
    if not affordable and not job.out:
        cancel(transaction, job, "ENOFUNDS", "the payment account has not enough for another slice")
    return int(affordable)


def _waiting(connection: Connection, job: Job, count: int) -> list[int]:
    if not job.waiting:
        return []
    query = select(slices.c.number).where(slices.c.job == job.number, slices.c.status == SliceStatus.WAITING.value)
    return list(connection.execute(query.order_by(slices.c.number).limit(count)).scalars())


def holds(connection: Connection, job: Job, numbers: Sequence[int], worker: str, owner: str) -> list[int]:
    """Those of ``numbers`` that this worker has."""
    query = select(hand_outs.c.number).where(*_held(job, numbers, worker, owner))
    return list(connection.execute(query).scalars())


def _held(job: Job, numbers: Sequence[int], worker: str, owner: str) -> tuple[ColumnElement[bool], ...]:
    return (
        hand_outs.c.job == job.number, hand_outs.c.number.in_(numbers), hand_outs.c.worker == worker,
        hand_outs.c.owner == owner,
    )  # fmt: skip


def take_back(transaction: Transaction, number: int, numbers: Sequence[int], worker: str, reason: str = "") -> None:
    """Slices of job ``number`` that this worker has will not be done by it: others get them.

    Where the reason is the work function's fault, and a slice failed so too often, its job is cancelled.
    """
    if not numbers:
        return
    connection, job = transaction.connection, by_number(transaction.connection, number)
    theirs = (hand_outs.c.job == number, hand_outs.c.number.in_(numbers))
    connection.execute(delete(hand_outs).where(*theirs, hand_outs.c.worker == worker))
    elsewhere = set(connection.execute(select(hand_outs.c.number).where(*theirs)).scalars())
    blame = 1 if reason in _BLAMED else 0
    mine = (slices.c.job == number, slices.c.number.in_([n for n in numbers if n not in elsewhere]))
    returned = connection.execute(
        update(slices)
        .where(*mine, slices.c.status == SliceStatus.OUT.value)
        .values(status=SliceStatus.WAITING.value, failures=slices.c.failures + blame)
    ).rowcount
    connection.execute(
        update(jobs)
        .where(jobs.c.number == number)
        .values(waiting=jobs.c.waiting + returned, out=jobs.c.out - returned, failures=jobs.c.failures + blame)
    )
    if not JobStatus(job.status).is_over:
        ledger.transfer(transaction, job.address, job.payer, job.price * len(numbers), "refund", job=number)
    if not blame:
        return
    worst = connection.execute(select(func.max(slices.c.failures)).where(*mine)).scalar() or 0
    if worst >= MOST_FAILURES:
        cancel(transaction, job, reason, f"a slice has failed {worst} times: {reason}")


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
    query = update(hand_outs).where(*_held(job, numbers, worker, owner))
    transaction.connection.execute(query.values(seen=transaction.now))


def take_back_silent(transaction: Transaction, seconds: float) -> int:
    """What no worker has spoken of for so long. How much that was."""
    query = select(hand_outs.c.worker).where(hand_outs.c.seen < transaction.now - seconds).distinct()
    taken = 0
    for worker in list(transaction.connection.execute(query).scalars()):
        late = select(hand_outs.c.job, hand_outs.c.number).where(
            hand_outs.c.worker == worker, hand_outs.c.seen < transaction.now - seconds
        )
        taken += _take_back(transaction, late, worker)
    return taken


def active(connection: Connection) -> list[Job]:
    """Jobs that have slices to hand out; those that were served longest ago come first."""
    query = select(jobs).where(
        jobs.c.status.in_(ACTIVE), (jobs.c.waiting > 0) | (jobs.c.next <= jobs.c.total)
    )  # fmt: skip
    return list(connection.execute(query.order_by(jobs.c.served, jobs.c.number).limit(1000)))
