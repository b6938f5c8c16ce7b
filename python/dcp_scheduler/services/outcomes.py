"""``resultSubmitter`` and ``pheme`` as clients use them: results again, and how jobs are doing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, func, select

from dcp_protocol.ranges.failures import RangeError
from dcp_protocol.ranges.rehydrate import rehydrate

from ..delivery.events import client_name
from ..dialects.fields import Fields
from ..jobs import results
from ..jobs.records import Job, owned
from ..store import amount
from ..store.schema import jobs
from ..store.transaction import Transaction
from .network import Ask, Handler

_MOST_RESULTS = 10_000
_MOST_JOBS = 10_000
_COMPONENT = "-_.!~*'()"  # what encodeURIComponent leaves


async def fetch_result(ask: Ask) -> Any:
    """Those of some slices that have come."""
    fields, peer, network = Fields(ask.data, "the results"), ask.peer, ask.network
    name, wanted = fields.text("job"), _numbers(fields)

    def read(connection: Connection) -> list[results.Stored]:
        return results.of_slices(connection, owned(connection, name, peer).number, wanted, _MOST_RESULTS)

    found = await network.database.read(read)
    contents = network.database.contents
    return await asyncio.to_thread(
        lambda: [
            {"slice": each.number, "value": quote(uri, safe=_COMPONENT)}
            for each, uri in zip(found, results.uris(found, contents), strict=True)
        ]
    )


def _numbers(fields: Fields) -> Sequence[int] | None:
    wanted = fields.get("range")
    if wanted is None:
        return None
    try:
        numbers = rehydrate(wanted)
        return [int(number) for number in numbers[:_MOST_RESULTS]]
    except (RangeError, TypeError, ValueError):
        raise fields.wrong("range", "a range of numbers of slices") from None


async def fetch_job_report(ask: Ask) -> Any:
    job = await _owned(ask)
    return about_job(job)


async def fetch_slice_report(ask: Ask) -> Any:
    job = await _owned(ask)
    counts = await ask.network.database.read(lambda connection: results.counted(connection, job.number))
    fresh = job.total - sum(counts.values())
    return {"job": client_name(job), "slices": {**counts, **({"new": fresh} if fresh > 0 else {})}}


async def list_jobs(ask: Ask) -> Any:
    fields, peer = Fields(ask.data, "the jobs"), ask.peer
    statuses, name = fields.texts("statuses", 100), fields.get("jobAddress") or fields.get("job")
    since, until = fields.time("startDeployTime"), fields.time("endDeployTime")

    def read(connection: Connection) -> list[Job]:
        if name is not None:
            return [owned(connection, name, peer)]
        query = select(jobs).where(jobs.c.owner == peer)
        if statuses:
            query = query.where(jobs.c.status.in_(statuses))
        if since is not None:
            query = query.where(jobs.c.created >= since)
        if until is not None:
            query = query.where(jobs.c.created <= until)
        return list(connection.execute(query.order_by(jobs.c.number.desc()).limit(_MOST_JOBS)))

    return [about_job(job) for job in await ask.network.database.read(read)]


async def count_jobs(ask: Ask) -> Any:
    return await _counted(ask, func.count())


async def count_slices(ask: Ask) -> Any:
    """By status: of the slices of one job, or else of all slices of the jobs."""
    if isinstance(ask.data, dict) and "job" in ask.data:
        return (await fetch_slice_report(ask))["slices"]
    return await _counted(ask, func.coalesce(func.sum(jobs.c.total), 0))


async def _counted(ask: Ask, what: Any) -> Mapping[str, int]:
    peer = ask.peer

    def read(connection: Connection) -> dict[str, int]:
        query = select(jobs.c.status, what).where(jobs.c.owner == peer).group_by(jobs.c.status)
        return {status: int(count) for status, count in connection.execute(query)}

    return await ask.network.database.read(read)


async def _owned(ask: Ask) -> Job:
    name, peer = Fields(ask.data, "the report").get("job"), ask.peer
    return await ask.network.database.read(lambda connection: owned(connection, name, peer))


def about_job(job: Job) -> dict[str, Any]:
    """What tools print of a job; npm's client looks at ``totalSlices`` and ``status``."""
    return {
        "job": client_name(job),
        "address": job.address,
        "id": job.id,
        "owner": job.owner,
        "name": job.name,
        "status": job.status,
        "totalSlices": job.total,
        "completedSlices": job.done,
        "deployTime": round(1000 * job.created),
        "slicePrice": amount.to_text(job.price),
    }


async def delete_result(ask: Ask) -> Any:
    """Numbers of those that were there and are not any more. ``range`` is ``'all'``, or as of ``fetchResult``."""
    fields, peer = Fields(ask.data, "the results"), ask.peer
    name, wanted = fields.text("job"), None if fields.get("range") == "all" else _numbers(fields)

    def delete(transaction: Transaction) -> list[int]:
        return results.forget(transaction, owned(transaction.connection, name, peer).number, wanted, _MOST_RESULTS)

    return await ask.network.database.write(delete)


OPERATIONS: dict[str, Handler] = {
    "fetchResult": fetch_result,
    "deleteResult": delete_result,
    "fetchJobReport": fetch_job_report,
    "fetchSliceReport": fetch_slice_report,
    "countJobs": count_jobs,
    "countSlices": count_slices,
}
