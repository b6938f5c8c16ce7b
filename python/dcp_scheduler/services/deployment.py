"""``jobSubmit``: jobs come, get data, and are cancelled."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from sqlalchemy import select

from ..dialects.fields import Fields
from ..dialects.submissions import read_data, read_submission
from ..errors import RefusedError
from ..jobs import deployment, endings, quotas
from ..jobs.records import Job, find, owned
from ..jobs.status import ACTIVE
from ..packages.modules import locate
from ..store.schema import jobs
from ..store.transaction import Transaction
from .network import Ask, Handler


async def submit_4(ask: Ask) -> Any:
    job = await _submit(ask, 4)
    return {"job": job.address, "status": job.status, "lastSliceNumber": job.total}


async def submit_5(ask: Ask) -> Any:
    job = await _submit(ask, 5)
    return {"escrow": job.address, "status": job.status, "lastSliceNumber": job.total}


async def _submit(ask: Ask, dialect: int) -> Job:
    submission = await asyncio.to_thread(read_submission, ask.data, dialect, ask.peer)
    if submission.offer.absolute or submission.offer.factor:
        ask.needs_signature(submission.payer)
    if submission.dependencies:
        await ask.network.database.read(lambda connection: locate(connection, submission.dependencies))
    size, address, limits = ask.size, ask.address, ask.network.limits

    def submit(transaction: Transaction) -> Job:
        quotas.admit(transaction, submission, address, size, limits)
        job = deployment.submit(transaction, submission)
        quotas.note(transaction, job, address, size, limits)
        return job

    return await ask.network.database.write(submit)


async def add_slice_data(ask: Ask) -> Any:
    """Once for each message, by its id: npm's client means to send the same one again where the answer was an error."""
    fields = Fields(ask.data, "the data")
    name, peer = fields.text("job"), ask.peer
    job = await ask.network.database.read(lambda connection: owned(connection, name, peer))
    uris = await asyncio.to_thread(_data, ask, job, fields.get("dataValues"))
    size, limits, message = ask.size, ask.network.limits, _digest(ask.message)

    def add(transaction: Transaction) -> int:
        if message is not None and (last := deployment.added(transaction.connection, job, message)) is not None:
            return last
        quotas.admit_data(transaction, job, len(uris), size, limits)
        return deployment.add_data(transaction, name, peer, uris, message)

    return {"success": True, "lastSliceNumber": await ask.network.database.write(add)}


def _data(ask: Ask, job: Job, values: Any) -> list[str]:
    """Raises RefusedError."""
    if not ask.network.data.of(job).by_value:
        raise RefusedError("EINVAL", "the job's data are a range, a pattern or its client's own: it takes no others")
    return read_data(values, job.needs)


def _digest(identity: str | None) -> str | None:
    return None if identity is None else hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()


async def close_job(ask: Ask) -> Any:
    name, peer = Fields(ask.data, "the job").text("job"), ask.peer
    await ask.network.database.write(lambda transaction: deployment.close(transaction, name, peer))
    return {"success": True}


async def cancel_job(ask: Ask) -> Any:
    """By its owner, or whose account pays for it: npm's client connects as the one or the other."""
    fields = Fields(ask.data, "the job")
    name, reason, peer = fields.text("job"), _reason(fields), ask.peer

    def cancel(transaction: Transaction) -> None:
        job = find(transaction.connection, name)
        if peer not in (job.owner, job.payer):
            raise RefusedError("ENOENT", "there is no such job of yours")
        endings.cancel(transaction, job, "ECANCELLED", reason)

    await ask.network.database.write(cancel)
    return {"job": name, "status": "cancelled"}


async def cancel_all_jobs(ask: Ask) -> Any:
    """Those of the owner; with ``paymentAccount``, those of them that this account pays for."""
    fields, peer = Fields(ask.data, "the jobs"), ask.peer
    reason = _reason(fields)
    payer = fields.address("paymentAccount") if "paymentAccount" in fields else None

    def cancel(transaction: Transaction) -> list[str]:
        query = select(jobs).where(jobs.c.owner == peer, jobs.c.status.in_(ACTIVE))
        if payer is not None:
            query = query.where(jobs.c.payer == payer)
        found = list(transaction.connection.execute(query))
        for job in found:
            endings.cancel(transaction, job, "ECANCELLED", reason)
        return [str(job.address) for job in found]

    return {"jobs": await ask.network.database.write(cancel)}


def _reason(fields: Fields) -> str:
    return fields.text("reason", "cancelled by its owner", most=100_000)[:2000]


OPERATIONS: dict[str, Handler] = {
    "submit@2": submit_4,
    "submit@5": submit_5,
    "addSliceData": add_slice_data,
    "closeJob": close_job,
    "cancelJob": cancel_job,
    "cancelAllJobs": cancel_all_jobs,
}
