"""How a job ends."""

from __future__ import annotations

from sqlalchemy import delete, update

from ..ledger import ledger
from ..store.schema import blames, hand_outs, jobs
from ..store.transaction import Transaction
from .records import Job, by_number
from .status import JobStatus

_LONGEST_REASON = 2000


def finish_if_done(transaction: Transaction, number: int) -> None:
    """Where each slice has its result and no more come."""
    finish(transaction, by_number(transaction.connection, number))


def finish(transaction: Transaction, job: Job) -> None:
    """The same of a row that is as it is now."""
    if not (JobStatus(job.status).is_over or job.is_open) and job.done == job.total:
        _end(transaction, job, JobStatus.FINISHED)


def cancel(transaction: Transaction, job: Job, code: str, reason: str, error: str = "") -> None:
    """Slices that are out may still be answered; nobody hears of it."""
    if JobStatus(job.status).is_over:
        return
    transaction.connection.execute(
        update(jobs)
        .where(jobs.c.number == job.number)
        .values(code=code[:64], reason=reason[:_LONGEST_REASON], error=error[:_LONGEST_REASON] or job.error)
    )
    _end(transaction, job, JobStatus.CANCELLED)


def _end(transaction: Transaction, job: Job, status: JobStatus) -> None:
    connection = transaction.connection
    for table in (hand_outs, blames):
        connection.execute(delete(table).where(table.c.job == job.number))
    connection.execute(
        update(jobs)
        .where(jobs.c.number == job.number)
        .values(status=status.value, ended=transaction.now, is_open=False, out=0)
    )
    ledger.transfer(transaction, job.address, job.payer, ledger.balance(connection, job.address), "refund")
    transaction.changed.add(job.number)
