"""Jobs as the operator sees them: of everybody."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from ..dialects.fields import Fields
from ..jobs import results
from ..jobs.endings import cancel
from ..jobs.records import Job, by_number, find
from ..jobs.status import ACTIVE, JobStatus, SliceStatus
from ..ledger import ledger
from ..store import amount
from ..store.schema import groups, hand_outs, job_groups
from ..store.schema import jobs as table
from ..store.transaction import Transaction
from .office import Office, Operation

_MOST_JOBS = 10_000


async def list_jobs(office: Office, fields: Fields) -> Any:
    """The newest first. ``status``: only of this one; ``active`` for those that are not over."""
    status, most = fields.text("status", ""), fields.whole("most", _MOST_JOBS, most=_MOST_JOBS)
    query = select(table).order_by(table.c.number.desc()).limit(most)
    if status == "active":
        query = query.where(table.c.status.in_(ACTIVE))
    elif status:
        if status not in list(JobStatus):
            raise fields.wrong("status", f"active or one of {', '.join(JobStatus)}")
        query = query.where(table.c.status == status)
    if "owner" in fields:
        query = query.where(table.c.owner == fields.address("owner"))
    return await office.database.read(lambda connection: [_brief(job) for job in connection.execute(query)])


async def show(office: Office, fields: Fields) -> Any:
    name = fields.text("job")
    return await office.database.read(lambda connection: _about(connection, find(connection, name)))


async def cancel_job(office: Office, fields: Fields) -> Any:
    name, reason = fields.text("job"), fields.text("reason", "cancelled by the operator", most=2000)

    def write(transaction: Transaction) -> dict[str, Any]:
        job = find(transaction.connection, name)
        cancel(transaction, job, "ECANCELLED", reason)
        return _brief(by_number(transaction.connection, job.number))

    return await office.database.write(write)


def _brief(job: Job) -> dict[str, Any]:
    return {
        "job": job.address, "id": job.id, "name": job.name, "owner": job.owner, "status": job.status,
        "slices": job.total, "done": job.done, "out": job.out, "price": _price(job), "created": job.created,
        "ended": job.ended,
    }  # fmt: skip


def _price(job: Job) -> str:
    """DCC for each slice; of a job that pays the market's price, a multiple of it."""
    if job.factor and not job.price:
        return f"market x {job.factor:g}"
    return amount.to_text(job.price)


def _about(connection: Connection, job: Job) -> dict[str, Any]:
    counts = results.counted(connection, job.number)
    known = {status.value: counts.get(status.value, 0) for status in SliceStatus}
    known[SliceStatus.WAITING.value] += max(0, job.total - job.next + 1)
    error = {"code": job.code, "reason": job.reason, "message": job.error} if job.code else None
    return {
        **_brief(job), "payer": job.payer, "dialect": job.dialect, "open": job.is_open, "byState": known,
        "failures": job.failures, "error": error, "groups": _groups(connection, job.number),
        "escrow": amount.to_text(ledger.balance(connection, job.address)),
        "meanCPU": job.cpu / job.done if job.done else None, "meanGPU": job.gpu / job.done if job.done else None,
        "worktime": f"{job.worktime} {job.worktime_range}", "workers": _workers(connection, job.number),
    }  # fmt: skip


def _groups(connection: Connection, job: int) -> list[str]:
    query = select(groups.c.join_key).join(job_groups, job_groups.c.group == groups.c.number)
    return list(connection.execute(query.where(job_groups.c.job == job).order_by(groups.c.number)).scalars())


def _workers(connection: Connection, job: int) -> list[dict[str, Any]]:
    query = select(hand_outs.c.worker, hand_outs.c.owner, func.count()).where(hand_outs.c.job == job)
    found = connection.execute(query.group_by(hand_outs.c.worker, hand_outs.c.owner).limit(1000))
    return [{"worker": worker, "owner": owner, "out": count} for worker, owner, count in found]


OPERATIONS: dict[str, Operation] = {"job.list": list_jobs, "job.show": show, "job.cancel": cancel_job}
