"""How many jobs, and how much of data, an identity, an account or an address may have deployed at a time."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from ..errors import RefusedError
from ..model.limits import Limits
from ..model.submission import Submission
from ..store.schema import deployments, jobs
from ..store.transaction import Transaction
from .records import Job
from .status import ACTIVE


def admit(transaction: Transaction, submission: Submission, address: str, size: int, limits: Limits) -> None:
    """Before the job is there. ``size``: bytes of the submission. Raises RefusedError, ``EDQUOT``."""
    if transaction.connection.execute(select(jobs.c.number).where(jobs.c.id == submission.id)).first() is not None:
        return  # it is submitted again
    offers = bool(submission.offer.absolute or submission.offer.factor)
    mine, place = jobs.c.owner == submission.owner, limits.place(address)
    count, held, _ = _deployed(transaction.connection, mine)
    _keep("jobs that are not over", count, 1, limits.open_jobs_per_identity, "identity")
    _keep("bytes that are deployed", held, size, limits.deployed_bytes_per_identity, "identity")
    if offers:
        count, _, _ = _deployed(transaction.connection, jobs.c.payer == submission.payer, deployments.c.pays)
        _keep("jobs that are not over", count, 1, limits.open_jobs_per_account, "account")
    if place:
        count, held, _ = _deployed(transaction.connection, deployments.c.place == place)
        _keep("jobs that are not over", count, 1, limits.open_jobs_per_address, "address")
        _keep("bytes that are deployed", held, size, limits.deployed_bytes_per_address, "address")


def note(transaction: Transaction, job: Job, address: str, size: int, limits: Limits) -> None:
    """A new job is there; of one that is known nothing changes."""
    known = select(deployments.c.job).where(deployments.c.job == job.number)
    if transaction.connection.execute(known).first() is None:
        transaction.connection.execute(
            insert(deployments).values(
                job=job.number, place=limits.place(address) or "", bytes=size, amount=0,
                pays=bool(job.price or job.factor),
            )
        )  # fmt: skip


def admit_data(transaction: Transaction, job: Job, count: int, size: int, limits: Limits) -> None:
    """Data of ``size`` bytes for ``count`` slices more. Raises RefusedError, ``EDQUOT``."""
    _, held, values = _deployed(transaction.connection, jobs.c.owner == job.owner)
    _keep("slices of deployed data", values, count, limits.values_per_identity, "identity")
    _keep("bytes that are deployed", held, size, limits.deployed_bytes_per_identity, "identity")
    own = deployments.c.job == job.number
    place = transaction.connection.execute(select(deployments.c.place).where(own)).scalar()
    if place:
        _, held, _ = _deployed(transaction.connection, deployments.c.place == place)
        _keep("bytes that are deployed", held, size, limits.deployed_bytes_per_address, "address")
    grown = {"bytes": deployments.c.bytes + size, "amount": deployments.c.amount + count}
    transaction.connection.execute(update(deployments).where(own).values(**grown))


def _deployed(connection: Connection, *of: ColumnElement[bool]) -> tuple[int, int, int]:
    """Jobs that are not over, their bytes and their slices by value."""
    sums = (func.coalesce(func.sum(column), 0) for column in (deployments.c.bytes, deployments.c.amount))
    query: Any = select(func.count(), *sums).select_from(jobs).join(deployments, deployments.c.job == jobs.c.number)
    count, held, values = connection.execute(query.where(jobs.c.status.in_(ACTIVE), *of)).one()
    return int(count), int(held), int(values)


def _keep(what: str, has: int, more: int, most: int, whose: str) -> None:
    if has + more > most:
        raise RefusedError("EDQUOT", f"this {whose} would have more than {most} {what}; wait until some jobs are over")
