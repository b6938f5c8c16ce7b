"""Which jobs have clients that are connected to which process. What nobody listens to is written nowhere."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete, insert, select, update

from ..store.schema import listeners
from ..store.transaction import Transaction

_SILENT_SECONDS = 60.0
"""A process that says nothing for so long has ended."""


def note(transaction: Transaction, process: str, job: int) -> None:
    """A client of this process listens to the job."""
    mine = (listeners.c.process == process, listeners.c.job == job)
    if transaction.connection.execute(select(listeners.c.job).where(*mine)).first() is None:
        _add(transaction, process, [job])


def renew(transaction: Transaction, process: str, jobs: Collection[int]) -> None:
    """This process lives, and its clients listen to these. Now and then, for all that may have been missed."""
    connection, mine = transaction.connection, listeners.c.process == process
    known = connection.execute(update(listeners).where(mine).values(seen=transaction.now)).rowcount
    if known != len(jobs):
        connection.execute(delete(listeners).where(mine))
        _add(transaction, process, jobs)
    connection.execute(delete(listeners).where(listeners.c.seen < transaction.now - _SILENT_SECONDS))


def listens(connection: Connection, process: str, job: int) -> bool:
    """Whether clients of other processes listen to the job."""
    others = (listeners.c.job == job, listeners.c.process != process)
    return connection.execute(select(listeners.c.job).where(*others).limit(1)).first() is not None


def _add(transaction: Transaction, process: str, jobs: Collection[int]) -> None:
    if jobs:
        rows = [{"process": process, "job": job, "seen": transaction.now} for job in jobs]
        transaction.connection.execute(insert(listeners), rows)
