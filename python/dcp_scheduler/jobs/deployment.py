"""How a job comes, and how its data do."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, insert, select, update

from ..errors import RefusedError
from ..model.submission import Submission
from ..store.schema import jobs, piles
from ..store.transaction import Transaction
from .endings import finish_if_done
from .records import Job, owned
from .status import JobStatus

MOST_SLICES = 1_000_000_000
ESTIMATION = 3
"""Slices that are handed out before a job's cost is known, where the client does not say."""
_NOTHING = 0.0


def submit(transaction: Transaction, submission: Submission) -> Job:
    """The job of this submission, again where it was submitted before. Raises RefusedError."""
    connection = transaction.connection
    known = connection.execute(select(jobs).where(jobs.c.id == submission.id)).first()
    if known is not None:
        if known.owner != submission.owner:
            raise RefusedError("EEXIST", "there is a job with this id")
        return known
    if submission.slices is not None and submission.slices > MOST_SLICES:
        raise RefusedError("E2BIG", f"a job has {MOST_SLICES} slices at most")
    content = transaction.contents.put(msgspec.json.encode(submission))
    estimation = ESTIMATION if submission.estimation is None else submission.estimation
    inserted = connection.execute(
        insert(jobs).values(
            id=submission.id, address=_new_address(), owner=submission.owner, payer=submission.payer,
            dialect=submission.dialect, name=submission.name, submission=content,
            status=(JobStatus.ESTIMATION if estimation else JobStatus.RUNNING).value,
            is_open=submission.is_open or submission.by_value, local=submission.local, needs=int(submission.needs),
            priority=submission.wishes.priority, copies=submission.wishes.copies,
            worktime=submission.worktime.name, worktime_range=submission.worktime.versions,
            discrete=submission.discrete, price=submission.offer.absolute, factor=submission.offer.factor,
            total=submission.slices or 0, next=1, waiting=0, out=0, done=0, estimation=estimation,
            cpu=_NOTHING, gpu=_NOTHING, cpu_density=_NOTHING, gpu_density=_NOTHING, size_in=_NOTHING,
            size_out=_NOTHING, failures=0, created=transaction.now, served=_NOTHING,
        )
    )  # fmt: skip
    (number,) = inserted.inserted_primary_key or (0,)
    finish_if_done(transaction, number)
    return connection.execute(select(jobs).where(jobs.c.number == number)).one()


def added(connection: Connection, job: Job, message: str) -> int | None:
    """The number of the last slice whose datum has come with this message; None where it is new."""
    query = select(piles.c.first + piles.c.count - 1).where(piles.c.job == job.number, piles.c.message == message)
    last: int | None = connection.execute(query).scalar()
    return last


def add_data(
    transaction: Transaction, name: object, owner: str, uris: Sequence[str], message: str | None = None
) -> int:
    """The number of the job's last slice then. ``message``: what brings them, which is not there yet. Raises
    RefusedError.
    """
    connection, job = transaction.connection, owned(transaction.connection, name, owner)
    if not job.is_open or JobStatus(job.status).is_over:
        raise RefusedError("ECLOSED", "the job takes no more data")
    if job.total + len(uris) > MOST_SLICES:
        raise RefusedError("E2BIG", f"a job has {MOST_SLICES} slices at most")
    if uris:
        content = transaction.contents.put(msgspec.json.encode(list(uris)))
        pile = {"job": job.number, "first": job.total + 1, "count": len(uris), "content": content, "message": message}
        connection.execute(insert(piles).values(pile))
        connection.execute(update(jobs).where(jobs.c.number == job.number).values(total=job.total + len(uris)))
        transaction.changed.add(job.number)
    return int(job.total) + len(uris)


def close(transaction: Transaction, name: object, owner: str) -> None:
    """No more data will come. Raises RefusedError."""
    job = owned(transaction.connection, name, owner)
    transaction.connection.execute(update(jobs).where(jobs.c.number == job.number).values(is_open=False))
    transaction.changed.add(job.number)
    transaction.deploying.add(job.number)
    finish_if_done(transaction, job.number)


def _new_address() -> str:
    return f"0x{secrets.token_hex(20)}"
