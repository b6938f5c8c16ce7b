"""Proves that money and results are as they have to be, or tells what is wrong, in one state of the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from ..dialects.fields import Fields
from ..jobs.status import JobStatus, SliceStatus, VoteStatus
from ..ledger import ledger
from ..ledger.book import ISSUER
from ..store import amount
from ..store.contents import Contents
from ..store.schema import accounts, hand_outs, jobs, package_files, packages, piles, slices, transfers, votes
from .office import Office, Operation

_MOST_FINDINGS = 1000
_DONE, _WAITING = SliceStatus.DONE.value, SliceStatus.WAITING.value


async def audit(office: Office, _fields: Fields) -> Any:
    """``wrong``: findings, one text each; none where all is right. ``looked``: how many there are of what."""
    contents = office.database.contents

    def read(connection: Connection) -> dict[str, Any]:
        wrong = list(islice(findings(connection, contents), _MOST_FINDINGS + 1))
        more = len(wrong) > _MOST_FINDINGS
        return {"ok": not wrong, "wrong": wrong[:_MOST_FINDINGS], "more": more, "looked": _looked(connection)}

    return await office.database.read(read)


def findings(connection: Connection, contents: Contents) -> Iterator[str]:
    """What is wrong, one text each."""
    for check in _CHECKS:
        yield from check(connection, contents)


def _looked(connection: Connection) -> dict[str, int]:
    tables = {"accounts": accounts, "transfers": transfers, "jobs": jobs, "slices": slices, "packages": packages}
    return {
        name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for name, table in tables.items()
    }  # fmt: skip


def _sums(connection: Connection, _contents: Contents) -> Iterator[str]:
    """Each account has what its transfers say, nobody owes but the issuer, and all together are zero."""
    for address, difference in sorted(ledger.imbalance(connection).items()):
        if address:
            yield f"account {address} has {amount.to_text(difference)} DCC more than its transfers say"
        else:
            yield f"the sum of all accounts is {amount.to_text(difference)} DCC, not 0"
    for address, balance in connection.execute(select(accounts)):
        if balance < 0 and address != ISSUER:
            yield f"account {address} owes {amount.to_text(-balance)} DCC"


def _escrows(connection: Connection, _contents: Contents) -> Iterator[str]:
    """What is set aside for a job is what its slices that are out will be paid; nothing where it is over."""
    out = _by_job(connection, select(hand_outs.c.job, func.count(hand_outs.c.number.distinct())), hand_outs.c.job)
    each = _by_job(connection, select(hand_outs.c.job, func.count()), hand_outs.c.job)
    unjudged = select(votes.c.job, func.count()).where(votes.c.status == VoteStatus.OPEN.value)
    voted = _by_job(connection, unjudged, votes.c.job)
    held = {address: int(balance) for address, balance in connection.execute(select(accounts))}
    gifts = _gifts(connection)
    for job in connection.execute(select(jobs)):
        count = out.pop(job.number, 0)
        if job.copies > 1:  # it is set aside for whoever has a slice, or waits for the verdict on its result
            count = each.get(job.number, 0) + (0 if JobStatus(job.status).is_over else voted.get(job.number, 0))
        must = job.price * count
        if JobStatus(job.status).is_over and must:
            yield f"job {job.address} is {job.status}, and slices of it are still out"
        has = held.get(job.address, 0)
        if not JobStatus(job.status).is_over:
            has -= gifts.get(job.address, 0)
        if has != must:
            yield f"job {job.address} has {amount.to_text(has)} DCC set aside, its slices need {amount.to_text(must)}"
    yield from (f"slices are out of job number {number}, which is not there" for number in out)


def _gifts(connection: Connection) -> dict[str, int]:
    """What others have paid into accounts of jobs, which the jobs' owners get at the end."""
    given: dict[str, int] = {}
    query = select(transfers.c.target, transfers.c.amount).join(jobs, jobs.c.address == transfers.c.target)
    for target, sum_ in connection.execute(query.where(transfers.c.kind != "reserve")):
        given[target] = given.get(target, 0) + sum_
    return given


def _by_job(connection: Connection, query: Any, job: Any) -> dict[int, int]:
    return {row[0]: row[1] for row in connection.execute(query.group_by(job))}


def _results(connection: Connection, _contents: Contents) -> Iterator[str]:
    """Each slice that is done has one result in its job's order, unless its owner deleted that; no other has one."""
    half = or_(
        and_(slices.c.sequence.is_(None), slices.c.content.is_not(None)),
        and_(slices.c.sequence.is_not(None), slices.c.content.is_(None)),
        slices.c.content == "",
    )
    for job, number in connection.execute(select(slices.c.job, slices.c.number).where(slices.c.status == _DONE, half)):
        yield f"slice {number} of job number {job} is done, and has no result"
    for job, number in connection.execute(
        select(slices.c.job, slices.c.number).where(slices.c.status != _DONE, slices.c.sequence.is_not(None))
    ):
        yield f"slice {number} of job number {job} is not done, and has a result"
    twice = select(slices.c.job, slices.c.sequence).where(slices.c.sequence.is_not(None))
    for job, sequence in connection.execute(twice.group_by(slices.c.job, slices.c.sequence).having(func.count() > 1)):
        yield f"job number {job} has more than one result in place {sequence}"


def _counts(connection: Connection, _contents: Contents) -> Iterator[str]:
    """What a job says of its slices is what they are."""
    counted: dict[int, dict[str, int]] = {}
    query = select(slices.c.job, slices.c.status, func.count()).group_by(slices.c.job, slices.c.status)
    for job, status, count in connection.execute(query):
        counted.setdefault(job, {})[status] = count
    for job in connection.execute(select(jobs)):
        has = counted.pop(job.number, {})
        done, waiting = has.pop(_DONE, 0), has.pop(_WAITING, 0)
        told = {_DONE: (job.done, done)}
        if not JobStatus(job.status).is_over:
            told |= {_WAITING: (job.waiting, waiting), "out": (job.out, sum(has.values()))}
        for status, (says, are) in told.items():
            if says != are:
                yield f"job {job.address} says {says} of its slices are {status}, and {are} are"
        if job.status == JobStatus.FINISHED and job.done != job.total:
            yield f"job {job.address} is finished with {job.done} results of {job.total}"
    yield from (f"there are slices of job number {number}, which is not there" for number in counted)


def _payments(connection: Connection, _contents: Contents) -> Iterator[str]:
    """Each payment is for a slice that is done and says so; each slice that was paid for has one payment."""
    paid = and_(transfers.c.job == slices.c.job, transfers.c.slice == slices.c.number)
    both = select(transfers.c.job, transfers.c.slice, transfers.c.amount, slices.c.paid, slices.c.status)
    for job, number, sum_, said, status in connection.execute(
        both.select_from(transfers).outerjoin(slices, paid).where(transfers.c.kind == "payment")
    ):
        if status != _DONE:
            yield f"slice {number} of job number {job} was paid for, and is not done"
        elif sum_ != said:
            yield f"slice {number} of job number {job} was paid {amount.to_text(sum_)} DCC, its result says another sum"
    alone = select(slices.c.job, slices.c.number, slices.c.paid, transfers.c.number.label("by"))
    kept = and_(paid, transfers.c.kind == "payment")
    for job, number, said, by in connection.execute(
        alone.select_from(slices).outerjoin(transfers, kept).where(slices.c.status == _DONE)
    ):
        if said and by is None:
            yield f"the result of slice {number} of job number {job} says it was paid, and no payment is known"
    several = select(transfers.c.job, transfers.c.slice).where(transfers.c.kind == "payment")
    for job, number in connection.execute(
        several.group_by(transfers.c.job, transfers.c.slice).having(func.count() > 1)
    ):
        yield f"slice {number} of job number {job} was paid more than once"


def _files(connection: Connection, contents: Contents) -> Iterator[str]:
    """What the tables name is there, and long enough."""
    longest = func.max(slices.c.offset + slices.c.length)
    results = select(slices.c.content, longest).where(slices.c.content.is_not(None), slices.c.content != "")
    needed = {name: int(size or 0) for name, size in connection.execute(results.group_by(slices.c.content))}
    for name, size in connection.execute(select(package_files.c.content, package_files.c.size)):
        needed[name] = max(size, needed.get(name, 0))
    for query in (select(jobs.c.submission), select(piles.c.content)):
        for name in connection.execute(query.distinct()).scalars():
            needed.setdefault(name, 0)
    for name, size in needed.items():
        has = contents.size(name)
        if has is None:
            yield f"the content {name} is missing: restore it from a backup"
        elif has < size:
            yield f"the content {name} has {has} bytes, and {size} are needed: restore it from a backup"


_CHECKS: tuple[Callable[[Connection, Contents], Iterator[str]], ...] = (
    _sums, _escrows, _results, _counts, _payments, _files,
)  # fmt: skip
OPERATIONS: dict[str, Operation] = {"audit": audit}
