"""Which workers have which slices: rows of ``hand_outs``."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Table, func, insert, select

from ..ledger import ledger
from ..model.work_request import WorkRequest
from ..scheduling.copies import Holding
from ..store.schema import hand_outs
from ..store.transaction import Transaction
from .endings import cancel
from .records import Job


def give(transaction: Transaction, job: Job, numbers: Sequence[int], request: WorkRequest, late_at: float) -> None:
    row = {
        "job": job.number, "worker": request.worker, "owner": request.owner, "seen": transaction.now,
        "late_at": late_at,
    }  # fmt: skip
    transaction.connection.execute(insert(hand_outs), [{**row, "number": number} for number in numbers])


def late(transaction: Transaction, most: int) -> list[Holding]:
    """Slices that are out for longer than they should be, with all who have them; the latest first."""
    query = select(hand_outs.c.job, hand_outs.c.number, hand_outs.c.worker).where(
        hand_outs.c.late_at < transaction.now
    )  # fmt: skip
    rows = transaction.connection.execute(query.order_by(hand_outs.c.late_at).limit(most))
    return [Holding(*row) for row in rows]


def affordable(transaction: Transaction, job: Job, count: int) -> int:
    """How many of so many slices the job can pay for; where that is none, and none is out, it is cancelled."""
    if not job.price:
        return count
    found = min(count, ledger.balance(transaction.connection, job.payer) // job.price)
    if not found and not job.out:
        cancel(transaction, job, "ENOFUNDS", "the payment account has not enough for another slice")
    return int(found)


def holds(connection: Connection, job: Job, numbers: Sequence[int], worker: str, owner: str) -> list[int]:
    """Those of ``numbers`` that this worker has."""
    query = select(hand_outs.c.number).where(*held(job, numbers, worker, owner))
    return list(connection.execute(query).scalars())


def by_owner(connection: Connection) -> dict[str, int]:
    """How many slices are out with the workers of each owner."""
    query = select(hand_outs.c.owner, func.count()).group_by(hand_outs.c.owner)
    return {row[0]: row[1] for row in connection.execute(query)}


def by_worker(connection: Connection, names: Sequence[str] | None = None) -> dict[tuple[str, str], tuple[int, float]]:
    """How many slices a worker of an owner has, and when it last spoke of one. ``names``: only of these workers."""
    query = select(hand_outs.c.worker, hand_outs.c.owner, func.count(), func.max(hand_outs.c.seen))
    if names is not None:
        query = query.where(hand_outs.c.worker.in_(names))
    found = connection.execute(query.group_by(hand_outs.c.worker, hand_outs.c.owner))
    return {(worker, owner): (count, seen) for worker, owner, count, seen in found}


def held(job: Job, numbers: Sequence[int], worker: str, owner: str) -> tuple[ColumnElement[bool], ...]:
    return (
        hand_outs.c.job == job.number, hand_outs.c.number.in_(numbers), hand_outs.c.worker == worker,
        hand_outs.c.owner == owner,
    )  # fmt: skip


def numbered(table: Table, job: int, numbers: Sequence[int]) -> tuple[ColumnElement[bool], ...]:
    return table.c.job == job, table.c.number.in_(numbers)
