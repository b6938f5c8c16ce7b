"""What an account may see of the network that no operation of DCP's programs tells: its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, func, or_, select

from ..dialects.fields import Fields
from ..errors import RefusedError
from ..jobs import holdings, results
from ..jobs.records import Job, find, owned
from ..ledger import ledger
from ..services.network import Ask, Handler
from ..store import amount
from ..store.schema import groups, job_groups, jobs, transfers, workers
from .values import Reader

_PAGE = 100
_MOST_RESULTS = 500
_MOST_BYTES = 8 << 20
"""Of results in one answer; one alone may be larger."""
_MOST_WORKERS = 1000


async def list_jobs(ask: Ask) -> Any:
    """Those that it owns or pays for; the newest first, in pages: ``before`` is the number of the last one."""
    peer, before = ask.peer, Fields(ask.data, "the jobs").whole("before", 0)

    def read(connection: Connection) -> list[dict[str, Any]]:
        found = _newest(connection, select(jobs), jobs.c.number, (jobs.c.owner == peer, jobs.c.payer == peer), before)
        return [_brief(job, peer) for job in found]

    return await ask.network.database.read(read)


async def show_job(ask: Ask) -> Any:
    peer, name = ask.peer, Fields(ask.data, "the job").text("job")
    return await ask.network.database.read(lambda connection: _about(connection, _seen(connection, name, peer), peer))


def job_results(reading: asyncio.Semaphore) -> Handler:
    """In the order of slices, from the one after ``after``. ``more``: whether there may be others behind them.

    ``reading``: bounds how many answers are made at a time, as their values take time and memory.
    """

    async def answer(ask: Ask) -> Any:
        fields, peer = Fields(ask.data, "the results"), ask.peer
        name, after = fields.text("job"), fields.whole("after", 0)
        most = min(_MOST_RESULTS, fields.whole("most", _MOST_RESULTS))
        database = ask.network.database

        def read(connection: Connection) -> list[results.Stored]:
            job = owned(connection, name, peer)
            return results.following(connection, job.number, after, most + 1)

        found = await database.read(read)
        kept = results.within(found[:most], _MOST_BYTES)
        async with reading:
            shown = await asyncio.to_thread(lambda: _values(kept, results.uris(kept, database.contents)))
        return {"results": shown, "more": len(shown) < len(found)}

    return answer


def _values(found: list[results.Stored], uris: list[str]) -> list[dict[str, Any]]:
    """Of the first ones, as many as one answer may have."""
    reader = Reader()
    shown: list[dict[str, Any]] = []
    for each, uri in zip(found, uris, strict=True):
        value = reader.read(uri)
        if reader.is_tired and shown:
            break
        shown.append({"slice": each.number, **value})
    return shown


def list_workers(connected: Callable[[], Mapping[str, int]]) -> Handler:
    """Of the identity, and those that earn for the account. ``connected``: sessions of each identity, here."""

    async def answer(ask: Ask) -> Any:
        peer, here = ask.peer, connected()

        def read(connection: Connection) -> list[dict[str, Any]]:
            query = select(workers).where(or_(workers.c.owner == peer, workers.c.payee == peer))
            rows = connection.execute(query.order_by(workers.c.seen.desc()).limit(_MOST_WORKERS)).all()
            held = holdings.by_worker(connection, [row.id for row in rows])
            return [
                {
                    "worker": row.id, "owner": row.owner, "account": row.payee, "connected": row.owner in here,
                    "out": held.get((row.id, row.owner), (0, 0.0))[0], "seen": row.seen,
                }
                for row in rows
            ]  # fmt: skip

        return await ask.network.database.read(read)

    return answer


async def list_groups(ask: Ask) -> Any:
    peer = ask.peer

    def read(connection: Connection) -> list[dict[str, Any]]:
        counted = select(func.count()).where(job_groups.c.group == groups.c.number).scalar_subquery()
        query = select(groups, counted.label("jobs"))
        return [
            {
                "id": row.id, "joinKey": row.join_key, "joinHash": row.join_hash, "name": row.name,
                "description": row.description, "jobs": row.jobs,
            }
            for row in connection.execute(query.where(groups.c.owner == peer).order_by(groups.c.number))
        ]  # fmt: skip

    return await ask.network.database.read(read)


async def statement(ask: Ask) -> Any:
    """What has moved, the newest first, in pages: ``before`` is the last one's number."""
    peer, before = ask.peer, Fields(ask.data, "the statement").whole("before", 0)

    def read(connection: Connection) -> list[dict[str, Any]]:
        named = select(transfers, jobs.c.address.label("job_address")).outerjoin(jobs, jobs.c.number == transfers.c.job)
        its = (transfers.c.source == peer, transfers.c.target == peer)
        found = _newest(connection, named, transfers.c.number, its, before)
        return [_moved(row, peer) for row in found]

    return await ask.network.database.read(read)


def _newest(
    connection: Connection, query: Select[Any], number: Column[Any], either: Sequence[ColumnElement[bool]], before: int
) -> list[Any]:
    """A page of the rows for which one of the conditions holds. There is an index for each, and none for both."""
    found: dict[int, Any] = {}
    for condition in either:
        page = query.where(condition).order_by(number.desc()).limit(_PAGE)
        found |= {row.number: row for row in connection.execute(page.where(number < before) if before else page)}
    return [found[each] for each in sorted(found, reverse=True)[:_PAGE]]


def _moved(row: Any, peer: str) -> dict[str, Any]:
    """``amount``: below zero where it went away."""
    is_source = row.source == peer
    return {
        "number": row.number, "at": row.at, "kind": row.kind, "job": row.job_address, "slice": row.slice,
        "amount": amount.to_text(-row.amount if is_source else row.amount),
        "other": row.target if is_source else row.source,
    }  # fmt: skip


def _seen(connection: Connection, name: str, peer: str) -> Job:
    """Raises RefusedError, ``ENOENT``: whether others' jobs exist is not told."""
    job = find(connection, name)
    if peer not in (job.owner, job.payer):
        raise RefusedError("ENOENT", "there is no such job of yours")
    return job


def _brief(job: Job, peer: str) -> dict[str, Any]:
    return {
        "number": job.number, "job": job.address, "id": job.id, "name": job.name, "status": job.status,
        "slices": job.total, "done": job.done, "out": job.out, "open": job.is_open, "created": job.created,
        "ended": job.ended, "mine": job.owner == peer,
    }  # fmt: skip


def _about(connection: Connection, job: Job, peer: str) -> dict[str, Any]:
    named = select(groups.c.name).join(job_groups, job_groups.c.group == groups.c.number)
    return {
        **_brief(job, peer), "owner": job.owner, "payer": job.payer, "failures": job.failures,
        "price": amount.to_text(job.price), "market": job.factor, "priority": job.priority, "copies": job.copies,
        "escrow": amount.to_text(ledger.balance(connection, job.address)),
        "meanCPU": job.cpu / job.done if job.done else None, "meanGPU": job.gpu / job.done if job.done else None,
        "code": job.code, "reason": job.reason, "error": job.error if job.owner == peer else None,
        "worktime": f"{job.worktime} {job.worktime_range}",
        "groups": list(connection.execute(named.where(job_groups.c.job == job.number).limit(_PAGE)).scalars()),
    }  # fmt: skip
