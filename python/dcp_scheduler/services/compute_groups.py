"""``computeGroups``. All answers are wrapped once more: ``{success, payload}`` (``dcp-client/compute-groups``)."""

from __future__ import annotations

from typing import Any

from ..dialects.fields import Fields
from ..groups import groups
from ..jobs.records import find, owned
from ..store.transaction import Transaction
from .network import Ask, Handler


async def add_job_to_groups(ask: Ask) -> Any:
    fields, peer, session = Fields(ask.data, "the job"), ask.peer, ask.session
    name, described = fields.text("job"), [each for each in fields.elements("cgArray", 1000) if isinstance(each, dict)]

    def add(transaction: Transaction) -> int:
        job = owned(transaction.connection, name, peer)
        transaction.deploying.add(job.number)
        return groups.add_job(transaction, job.number, described, session)

    if not await ask.network.database.write(add):
        return _refused("ENOGROUP", "no compute group has taken the job: is the join key right, and its secret?")
    return _done(True)


async def create_group(ask: Ask) -> Any:
    fields, peer = Fields(ask.data, "the group"), ask.peer
    descriptor, about = fields.mapping("joinDescriptor"), dict(ask.data)
    most = ask.network.limits.groups_per_identity
    return _done(await ask.network.database.write(lambda each: groups.create(each, peer, descriptor, about, most)))


async def change_group(ask: Ask) -> Any:
    fields, peer = Fields(ask.data, "the group"), ask.peer
    descriptor, new = fields.mapping("descriptor"), fields.mapping("newDescriptor")
    await ask.network.database.write(lambda transaction: groups.change(transaction, peer, descriptor, new))
    return _done(True)


async def delete_group(ask: Ask) -> Any:
    descriptor, peer = Fields(ask.data, "the group").mapping("descriptor"), ask.peer
    await ask.network.database.write(lambda transaction: groups.delete_group(transaction, peer, descriptor))
    return _done(True)


async def list_jobs(ask: Ask) -> Any:
    descriptor, peer = Fields(ask.data, "the group").mapping("descriptor"), ask.peer

    def read(connection: Any) -> list[dict[str, Any]]:
        group = groups.owned(connection, peer, descriptor)
        return [
            {"job": job.address, "id": job.id, "status": job.status} for job in groups.jobs_in(connection, group.number)
        ]

    return _done(await ask.network.database.read(read))


async def remove_job(ask: Ask) -> Any:
    fields, peer = Fields(ask.data, "the group"), ask.peer
    name, descriptor = fields.text("job"), fields.mapping("descriptor")

    def remove(transaction: Transaction) -> int:
        group = groups.owned(transaction.connection, peer, descriptor)
        return groups.remove_jobs(transaction, group.number, find(transaction.connection, name).number)

    return _done(await ask.network.database.write(remove))


async def remove_all_jobs(ask: Ask) -> Any:
    descriptor, peer = Fields(ask.data, "the group").mapping("descriptor"), ask.peer

    def remove(transaction: Transaction) -> int:
        return groups.remove_jobs(transaction, groups.owned(transaction.connection, peer, descriptor).number)

    return _done(await ask.network.database.write(remove))


def _done(payload: Any) -> dict[str, Any]:
    return {"success": True, "payload": payload}


def _refused(code: str, message: str) -> dict[str, Any]:
    return {"success": False, "message": message, "code": code}


OPERATIONS: dict[str, Handler] = {
    "addJobToGroups": add_job_to_groups,
    "createGroup": create_group,
    "changeGroup": change_group,
    "deleteGroup": delete_group,
    "removeJob": remove_job,
    "removeAllJobs": remove_all_jobs,
}
