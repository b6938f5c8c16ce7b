"""Compute groups as their operator sees them. A secret does not come here: the command hashes it before."""

from __future__ import annotations

import json
import re
from typing import Any

from sqlalchemy import Connection, func, select, update

from ..dialects.fields import Fields
from ..errors import RefusedError
from ..groups import groups
from ..store.schema import groups as table
from ..store.schema import job_groups
from ..store.transaction import Transaction
from .office import Office, Operation

_HASH = re.compile(r"eh1-[0-9a-f]{64}", re.ASCII)


async def list_groups(office: Office, _fields: Fields) -> Any:
    def read(connection: Connection) -> list[dict[str, Any]]:
        counted = select(job_groups.c.group, func.count()).group_by(job_groups.c.group)
        jobs: dict[int, int] = {row[0]: row[1] for row in connection.execute(counted)}
        found = connection.execute(select(table).order_by(table.c.number)).all()
        return [_about(group, jobs.get(group.number, 0)) for group in found]

    return await office.database.read(read)


async def create(office: Office, fields: Fields) -> Any:
    descriptor = {"joinKey": fields.text("joinKey"), "joinHash": _hash(fields)}
    about = {"name": fields.text("name", ""), "description": fields.text("description", "", most=10_000)}
    owner = fields.address("owner") if "owner" in fields else ""

    def write(transaction: Transaction) -> dict[str, Any]:
        groups.create(transaction, owner, descriptor, about)
        return _about(_find(transaction.connection, descriptor["joinKey"]), 0)

    return await office.database.write(write)


async def show(office: Office, fields: Fields) -> Any:
    name = fields.text("group")

    def read(connection: Connection) -> dict[str, Any]:
        group = _find(connection, name)
        found = groups.jobs_in(connection, group.number)
        jobs = [{"job": job.address, "id": job.id, "name": job.name, "status": job.status} for job in found]
        return {**_about(group, len(jobs)), "properties": json.loads(group.properties), "jobList": jobs}

    return await office.database.read(read)


async def set_secret(office: Office, fields: Fields) -> Any:
    """From now on, members are those who know another secret."""
    name, joined = fields.text("group"), _hash(fields)

    def write(transaction: Transaction) -> dict[str, Any]:
        group = _changeable(transaction.connection, name)
        transaction.connection.execute(update(table).where(table.c.number == group.number).values(join_hash=joined))
        return {"id": group.id, "joinKey": group.join_key}

    return await office.database.write(write)


async def delete(office: Office, fields: Fields) -> Any:
    name = fields.text("group")

    def write(transaction: Transaction) -> dict[str, Any]:
        group = _changeable(transaction.connection, name)
        groups.remove(transaction, group)
        return {"id": group.id, "joinKey": group.join_key}

    return await office.database.write(write)


def _hash(fields: Fields) -> str:
    joined = fields.text("joinHash")
    if not _HASH.fullmatch(joined):
        raise fields.wrong("joinHash", "a hash of key and secret")
    return joined


def _find(connection: Connection, name: str) -> groups.Group:
    group = groups.find(connection, {"id": name})
    if group is None:
        raise RefusedError("ENOENT", f"there is no group {name!r:.80}: see dcp-scheduler group list")
    return group


def _changeable(connection: Connection, name: str) -> groups.Group:
    group = _find(connection, name)
    if group.id == groups.PUBLIC_ID:
        raise RefusedError("EPERM", "the public group stays as it is: everybody belongs to it")
    return group


def _about(group: groups.Group, jobs: int) -> dict[str, Any]:
    return {
        "id": group.id, "joinKey": group.join_key, "name": group.name, "owner": group.owner or None,
        "description": group.description, "jobs": jobs,
    }  # fmt: skip


OPERATIONS: dict[str, Operation] = {
    "group.list": list_groups,
    "group.create": create,
    "group.show": show,
    "group.secret": set_secret,
    "group.delete": delete,
}
