"""Failures that say something of a job, by who says so: rows of ``blames``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from ..scheduling.failures import Failed, Needed, Witness
from ..store.schema import blames
from ..store.transaction import Transaction
from .holdings import numbered
from .records import Job


@dataclass(frozen=True, slots=True)
class Blame:
    """``by``: how many have to say so before the job ends."""

    reason: str
    witness: Witness
    by: Needed


def add(transaction: Transaction, job: Job, numbers: Sequence[int], witness: Witness) -> None:
    """These slices have failed once more there."""
    connection, known = transaction.connection, numbered(blames, job.number, numbers)
    mine = (*known, blames.c.owner == witness.owner, blames.c.place == witness.place)
    again = update(blames).where(*mine).values(count=blames.c.count + 1).returning(blames.c.number)
    more = set(numbers) - set(connection.execute(again).scalars())
    row = {
        "job": job.number, "owner": witness.owner, "place": witness.place, "count": 1, "since": transaction.now,
    }  # fmt: skip
    if more:
        connection.execute(insert(blames), [{**row, "number": number} for number in more])


def of_slices(connection: Connection, job: Job, numbers: Sequence[int]) -> dict[int, list[Failed]]:
    found: dict[int, list[Failed]] = {}
    query = select(blames.c.number, blames.c.owner, blames.c.place, blames.c.count)
    for number, *failed in connection.execute(query.where(*numbered(blames, job.number, numbers))):
        found.setdefault(number, []).append(Failed(*failed))
    return found


def of_job(connection: Connection, job: Job) -> list[Failed]:
    query = select(blames.c.owner, blames.c.place, func.sum(blames.c.count)).where(blames.c.job == job.number)
    return [Failed(*row) for row in connection.execute(query.group_by(blames.c.owner, blames.c.place))]


def since(connection: Connection, job: Job) -> float | None:
    """When the job was blamed first."""
    first: float | None = connection.execute(
        select(func.min(blames.c.since)).where(blames.c.job == job.number)
    ).scalar()
    return first
