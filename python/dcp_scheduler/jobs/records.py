"""Rows of jobs, and how they are found."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, bindparam, or_, select

from ..errors import RefusedError
from ..store.schema import jobs

Job = Row[Any]
"""Of the table ``jobs``."""
_LONGEST_NAME = 64
# Statements that each slice needs are built once: building one costs as much as running it.
_BY_NAME = select(jobs).where(or_(jobs.c.address == bindparam("name"), jobs.c.id == bindparam("name")))
_NAMES: BindParameter[Any] = bindparam("names", expanding=True)
_LOCKED = (
    select(jobs).where(or_(jobs.c.address.in_(_NAMES), jobs.c.id.in_(_NAMES))).order_by(jobs.c.number).with_for_update()
)
_BY_NUMBER = select(jobs).where(jobs.c.number == bindparam("number"))


def find(connection: Connection, name: object) -> Job:
    """By its address or its id. Raises RefusedError, ``ENOENT``."""
    if isinstance(name, str) and len(name) <= _LONGEST_NAME:
        found = connection.execute(_BY_NAME, {"name": name}).first()
        if found is not None:
            return found
    raise RefusedError("ENOENT", "there is no such job")


def locked(connection: Connection, names: Collection[str]) -> dict[str, Job]:
    """By addresses and ids, without those that there are not. Nobody else changes them before the transaction ends."""
    found: dict[str, Job] = {}
    for job in connection.execute(_LOCKED, {"names": list(names)}):
        found[job.address] = found[job.id] = job
    return found


def owned(connection: Connection, name: object, peer: str) -> Job:
    """The same, of this owner alone: whether others' jobs exist is not told. Raises RefusedError, ``ENOENT``."""
    job = find(connection, name)
    if job.owner != peer:
        raise RefusedError("ENOENT", "there is no such job of yours")
    return job


def by_number(connection: Connection, number: int) -> Job:
    return connection.execute(_BY_NUMBER, {"number": number}).one()
