"""Compute groups: a job is in some, and workers prove that they belong to them without telling a secret.

A secret never comes here. What is stored is ``joinHash``, a hash of key and secret; a proof is the hash of the session
and that (``dcp-client/compute-groups``).
"""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update

from dcp_protocol.keys.hashes import eh1

from ..errors import RefusedError
from ..model.work_request import GroupProof
from ..store.schema import groups, job_groups, jobs
from ..store.transaction import Transaction

PUBLIC_ID = "WHhetL7mj1w1mw1XV6dxyC"
PUBLIC_KEY = "public"
_PUBLIC_HASH = eh1("public undefined")
"""What npm's workers prove of the public group."""
_PROPERTIES = (
    "commissionRate", "deployFee", "deployAccess", "addJobFee", "maxTotalPayment", "maxConcurrentJobs",
    "maxConcurrentWorkers", "maxConcurrentSandboxes", "maxConcurrentCPUs", "maxConcurrentGPUs", "maxConcurrentEscrow",
)  # fmt: skip
_LONGEST, _LONGEST_TEXT, _LONGEST_HASH = 255, 10_000, 80
_LETTERS = string.ascii_letters + string.digits

Group = Row[Any]


def ensure_public(transaction: Transaction) -> None:
    """The group that everybody is in; made with the network."""
    if transaction.connection.execute(select(groups.c.number).where(groups.c.id == PUBLIC_ID)).first() is None:
        transaction.connection.execute(
            insert(groups).values(
                id=PUBLIC_ID, join_key=PUBLIC_KEY, join_hash=_PUBLIC_HASH, owner="", properties="{}",
                name="Public Compute Group (open access)", description="",
            )
        )  # fmt: skip


def create(
    transaction: Transaction, owner: str, descriptor: Mapping[str, Any], about: Mapping[str, Any],
    most: int | None = None,
) -> str:  # fmt: skip
    """The id of a new group. ``most``: that its owner may have. Raises RefusedError."""
    own = select(func.count()).select_from(groups).where(groups.c.owner == owner)
    if most is not None and transaction.connection.execute(own).scalar_one() >= most:
        raise RefusedError("EDQUOT", f"this identity has {most} groups, as many as it may; delete one first")
    key, joined = _text(descriptor, "joinKey"), _text(descriptor, "joinHash", _LONGEST_HASH)
    if not key or not joined:
        raise RefusedError("EINVAL", "a group has a joinKey and a joinHash")
    known = transaction.connection.execute(select(groups.c.number).where(groups.c.join_key == key)).first()
    if key == PUBLIC_KEY or known is not None:
        raise RefusedError("EEXIST", "there is a group with this joinKey")
    identity = "".join(secrets.choice(_LETTERS) for _ in range(22))
    others = about.get("otherProperties")
    transaction.connection.execute(
        insert(groups).values(
            id=identity, join_key=key, join_hash=joined, owner=owner, name=_text(about, "name") or key,
            description=_text(about, "description", _LONGEST_TEXT), properties=_properties(others),
        )
    )  # fmt: skip
    return identity


def change(transaction: Transaction, owner: str, descriptor: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raises RefusedError."""
    group = owned(transaction.connection, owner, descriptor)
    values = {
        column: _text(new, member, most)
        for column, member, most in (
            ("name", "name", _LONGEST), ("description", "description", _LONGEST_TEXT),
            ("join_hash", "joinHash", _LONGEST_HASH),
        )
        if isinstance(new.get(member), str)
    }  # fmt: skip
    kept = json.loads(group.properties) | json.loads(_properties(new))
    transaction.connection.execute(
        update(groups).where(groups.c.number == group.number).values(**values, properties=json.dumps(kept))
    )


def delete_group(transaction: Transaction, owner: str, descriptor: Mapping[str, Any]) -> None:
    """Its jobs stay, in their other groups. Raises RefusedError."""
    remove(transaction, owned(transaction.connection, owner, descriptor))


def remove(transaction: Transaction, group: Group) -> None:
    """The same, whoever owns it."""
    transaction.connection.execute(delete(job_groups).where(job_groups.c.group == group.number))
    transaction.connection.execute(delete(groups).where(groups.c.number == group.number))


def find(connection: Connection, descriptor: Mapping[str, Any]) -> Group | None:
    """By ``id``, ``opaqueId`` or ``joinKey``."""
    if descriptor.get("id") == 1:
        descriptor = {"id": PUBLIC_ID}
    names = [name for member in ("opaqueId", "id", "joinKey") if (name := _text(descriptor, member))]
    if not names:
        return None
    return connection.execute(select(groups).where(or_(groups.c.id == names[0], groups.c.join_key == names[0]))).first()


def owned(connection: Connection, owner: str, descriptor: Mapping[str, Any]) -> Group:
    """Raises RefusedError, ``ENOENT``."""
    group = find(connection, descriptor)
    if group is None or not owner or group.owner != owner:
        raise RefusedError("ENOENT", "there is no such group of yours")
    return group


def add_job(transaction: Transaction, job: int, descriptors: Sequence[Mapping[str, Any]], session: str) -> int:
    """How many of these groups took the job: those whose secret the client knows, and the public one."""
    connection, taken = transaction.connection, 0
    for descriptor in descriptors:
        group = find(connection, descriptor)
        if group is None or not _proves(group, _text(descriptor, "joinHashHash", _LONGEST_HASH), session):
            continue
        taken += 1
        here = (job_groups.c.job == job, job_groups.c.group == group.number)
        if connection.execute(select(job_groups.c.job).where(*here)).first() is None:
            connection.execute(insert(job_groups).values(job=job, group=group.number))
    return taken


def remove_jobs(transaction: Transaction, group: int, job: int | None = None) -> int:
    """One, or all; how many there were."""
    query = delete(job_groups).where(job_groups.c.group == group)
    return transaction.connection.execute(query if job is None else query.where(job_groups.c.job == job)).rowcount


def proven(connection: Connection, proofs: Iterable[GroupProof], session: str) -> dict[int, Group]:
    """The groups to which a worker belongs, by number."""
    found = {}
    for proof in proofs:
        group = find(connection, {"id": proof.name})
        if group is not None and _is_proof(group, proof.join_hash_hash, session):
            found[group.number] = group
    return found


def of_jobs(connection: Connection, numbers: Sequence[int]) -> dict[int, list[int]]:
    """Of each job the numbers of its groups."""
    found: dict[int, list[int]] = {number: [] for number in numbers}
    for job, group in connection.execute(select(job_groups).where(job_groups.c.job.in_(numbers))):
        found[job].append(group)
    return found


def jobs_in(connection: Connection, group: int) -> list[Row[Any]]:
    query = select(jobs).join(job_groups, job_groups.c.job == jobs.c.number).where(job_groups.c.group == group)
    return list(connection.execute(query.limit(10_000)))


def _proves(group: Group, proof: str, session: str) -> bool:
    return group.id == PUBLIC_ID or _is_proof(group, proof, session)


def _is_proof(group: Group, proof: str, session: str) -> bool:
    return secrets.compare_digest(eh1(session + (group.join_hash or "")).encode(), proof.encode())


def _properties(described: object) -> str:
    if not isinstance(described, Mapping):
        return "{}"
    known = {name: described[name] for name in _PROPERTIES if isinstance(described.get(name), str | int | float)}
    return json.dumps({name: value for name, value in known.items() if len(str(value)) <= _LONGEST})


def _text(members: Mapping[str, Any], name: str, most: int = _LONGEST) -> str:
    value = members.get(name, "")
    if not isinstance(value, str):
        return ""
    if len(value) > most:
        raise RefusedError("E2BIG", f"{name} has more than {most} characters")
    return value
