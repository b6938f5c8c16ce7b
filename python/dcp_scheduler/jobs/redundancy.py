"""Jobs that want each slice done by several workers of different owners. A slice waits as long as there are fewer
results and hand-outs of it than there should be; a result is a vote until a majority has the same.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence, Set
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, case, delete, func, insert, select, update

from ..errors import RefusedError
from ..ledger import ledger
from ..model.measured import Rates
from ..model.work_request import SliceResult, WorkRequest
from ..scheduling import agreement
from ..scheduling.agreement import Verdict
from ..store.amount import ATTO
from ..store.schema import hand_outs, jobs, slices, votes
from ..store.transaction import Transaction
from .endings import cancel
from .holdings import affordable, give, held, numbered
from .records import Job, by_number
from .results import Accepted, Answer, store
from .status import JobStatus, SliceStatus, VoteStatus

_LOG = logging.getLogger(__name__)


class UnjudgedError(RefusedError):
    """The result must be compared with others first. ``job``; ``known``: kind and content of one of each kind;
    ``count``: results that there are.
    """

    def __init__(self, job: Job, known: Sequence[tuple[str, str]], count: int) -> None:
        super().__init__("EAGAIN", "the result is not compared yet")
        self.job = job
        self.known = known
        self.count = count


def open_to(connection: Connection, job: Job, owner: str, most: int, avoided: Set[int]) -> list[int]:
    """Slices that wait and that no worker of this owner has or had; without ``avoided``."""
    query = select(slices.c.number).where(slices.c.job == job.number, slices.c.status == SliceStatus.WAITING.value)
    query = query.where(slices.c.number.not_in(_of_owner(job, owner, hand_outs)))
    query = query.where(slices.c.number.not_in(_of_owner(job, owner, votes)), slices.c.number.not_in(avoided))
    return list(connection.execute(query.order_by(slices.c.number).limit(most)).scalars())


def strange_to(connection: Connection, job: Job, owner: str, numbers: Sequence[int]) -> list[int]:
    """Those of these slices that no worker of this owner has or had."""
    known: set[int] = set()
    for table in (hand_outs, votes):
        known.update(connection.execute(_of_owner(job, owner, table)).scalars())
    return [number for number in numbers if number not in known]


def _of_owner(job: Job, owner: str, table: Table) -> Select[Any]:
    return select(table.c.number).where(table.c.job == job.number, table.c.owner == owner)


def hand_out(
    transaction: Transaction, job: Job, count: int, again: Sequence[int], request: WorkRequest, late_at: float
) -> list[int]:
    """Of ``again`` first, then of those that nobody has had. Each hand-out is reserved for."""
    count = affordable(transaction, job, count)
    again = again[:count]
    fresh = range(job.next, job.next + min(count - len(again), job.total - job.next + 1))
    numbers, connection = [*again, *fresh], transaction.connection
    if not numbers:
        return []
    if fresh:
        row = {"job": job.number, "status": SliceStatus.WAITING.value}
        connection.execute(insert(slices), [{**row, "number": number} for number in fresh])
    give(transaction, job, numbers, request, late_at)
    connection.execute(update(hand_outs).where(*numbered(hand_outs, job.number, numbers)).values(late_at=late_at))
    ledger.transfer(transaction, job.payer, job.address, job.price * len(numbers), "reserve", job=job.number)
    connection.execute(
        update(jobs)
        .where(jobs.c.number == job.number)
        .values(next=job.next + len(fresh), waiting=jobs.c.waiting + len(fresh), served=transaction.now)
    )
    renew(transaction, job, numbers)
    return numbers


def taken_back(transaction: Transaction, job: Job, numbers: Sequence[int]) -> None:
    """A worker has these no more: others may get them; what was reserved for it goes back."""
    renew(transaction, job, numbers)
    if not JobStatus(job.status).is_over:
        ledger.transfer(transaction, job.address, job.payer, job.price * len(numbers), "refund", job=job.number)


def renew(transaction: Transaction, job: Job, numbers: Sequence[int]) -> None:
    """Slices wait as long as results are missing that nobody is at; of those that have theirs nothing changes."""
    connection = transaction.connection
    kinds: dict[int, list[str]] = {}
    voted = select(votes.c.number, votes.c.kind).where(*numbered(votes, job.number, numbers))
    for number, kind in connection.execute(voted):
        kinds.setdefault(number, []).append(kind)
    having = select(hand_outs.c.number).where(*numbered(hand_outs, job.number, numbers))
    out = Counter(connection.execute(having).scalars())
    open_ = select(slices.c.number, slices.c.status).where(
        *numbered(slices, job.number, numbers), slices.c.status != SliceStatus.DONE.value
    )  # fmt: skip
    changes: dict[SliceStatus, list[int]] = {SliceStatus.WAITING: [], SliceStatus.OUT: []}
    for number, status in list(connection.execute(open_)):
        missing = agreement.judge(kinds.get(number, []), job.copies).missing - out[number]
        becomes = SliceStatus.WAITING if missing > 0 else SliceStatus.OUT
        if becomes != status:
            changes[becomes].append(number)
    _change(transaction, job, changes)


def _change(transaction: Transaction, job: Job, changes: dict[SliceStatus, list[int]]) -> None:
    for status, numbers in changes.items():
        if numbers:
            query = update(slices).where(*numbered(slices, job.number, numbers)).values(status=status.value)
            transaction.connection.execute(query)
    more = len(changes[SliceStatus.WAITING]) - len(changes[SliceStatus.OUT])
    query = update(jobs).where(jobs.c.number == job.number)
    transaction.connection.execute(query.values(waiting=jobs.c.waiting + more, out=jobs.c.out - more))


def accept(transaction: Transaction, job: Job, sent: Sequence[SliceResult], rates: Rates) -> list[Answer]:
    """To each its answer, as ``results.accept`` gives them. Who agrees with a majority is paid then."""
    answers: list[Answer] = []
    for result in sent:
        try:
            now = by_number(transaction.connection, job.number)
            paid = _vote(transaction, now, result, rates)
            answers.append(Accepted(now, paid or 0, paid is not None))
        except RefusedError as error:
            answers.append(error)
    return answers


def _vote(transaction: Transaction, job: Job, result: SliceResult, rates: Rates) -> int | None:
    """What the worker is paid now; None where it does not matter any more. Raises RefusedError."""
    connection = transaction.connection
    query = select(votes).where(*numbered(votes, job.number, [result.number]))
    before = list(connection.execute(query.order_by(votes.c.at)))
    comes_again = (result.worker, result.owner) in {(each.worker, each.owner) for each in before}
    if JobStatus(job.status).is_over or comes_again:
        return None
    mine = held(job, [result.number], result.worker, result.owner)
    if connection.execute(select(hand_outs.c.number).where(*mine)).first() is None:
        raise RefusedError("EPERM", "the worker does not have this slice")
    compared = result.compared
    if compared is None or compared.among not in (None, len(before)):
        known = {each.kind: each.content for each in before if each.content}
        raise UnjudgedError(job, list(known.items()), len(before))
    connection.execute(delete(hand_outs).where(*mine))
    worth = int(job.price or job.factor * rates.worth(result.measured) * ATTO)
    connection.execute(
        insert(votes).values(
            job=job.number, number=result.number, worker=result.worker, owner=result.owner, payee=result.payee,
            kind=compared.kind, content=compared.content, worth=worth, at=transaction.now, status=VoteStatus.OPEN.value,
        )
    )  # fmt: skip
    taken = next((each.kind for each in before if each.status == VoteStatus.AGREED), "")
    kinds = [*(each.kind for each in before), compared.kind]
    verdict = Verdict(taken) if taken else agreement.judge(kinds, job.copies)
    return _settle(transaction, job, result, verdict, is_first=not taken)


def _settle(transaction: Transaction, job: Job, result: SliceResult, verdict: Verdict, is_first: bool) -> int:
    if verdict.is_hopeless:
        many, least = agreement.most_results(job.copies), agreement.majority(job.copies)
        reason = f"of {many} results of slice {result.number} there are no {least} that agree"
        cancel(transaction, job, "ENOMAJORITY", reason)
        return 0
    if not verdict.winner:
        renew(transaction, job, [result.number])
        return 0
    paid = _pay(transaction, job, result.number, verdict.winner)
    if is_first:
        query = select(slices.c.status).where(*numbered(slices, job.number, [result.number]))
        if transaction.connection.execute(query).scalar() == SliceStatus.WAITING:
            _change(transaction, job, {SliceStatus.WAITING: [], SliceStatus.OUT: [result.number]})
        store(transaction, job, [result], [next(iter(paid.values()))])  # the first is the slice's, of any job
    return paid.get((result.worker, result.owner), 0)


def _pay(transaction: Transaction, job: Job, number: int, winner: str) -> dict[tuple[str, str], int]:
    """Those who have the winning result, once each; what was set aside for others goes back. Who got how much."""
    connection, paid = transaction.connection, {}
    rows = list(connection.execute(select(votes).where(*numbered(votes, job.number, [number])).order_by(votes.c.at)))
    counts = Counter(VoteStatus(row.status) for row in rows)
    for row in rows:
        if row.status != VoteStatus.OPEN:
            continue
        agrees = row.kind == winner
        if agrees:
            counts[VoteStatus.AGREED] += 1
            paid[row.worker, row.owner] = _pay_one(transaction, job, row, counts[VoteStatus.AGREED])
        else:
            _LOG.info("a worker of %s has not the majority's result of slice %d of job %s", row.owner, number, job.id)
            ledger.transfer(transaction, job.address, job.payer, job.price, "refund", job=job.number)
        mine = (votes.c.worker == row.worker, votes.c.owner == row.owner, *numbered(votes, job.number, [number]))
        status = VoteStatus.AGREED if agrees else VoteStatus.DIFFERED
        connection.execute(update(votes).where(*mine).values(status=status.value))
    return paid


def _pay_one(transaction: Transaction, job: Job, vote: Row[Any], place: int) -> int:
    """The first as of any job; of the others each has a kind of its own: once is still once."""
    kind = "payment" if place == 1 else f"payment {place}"
    source, price = (job.address if job.price else job.payer), vote.worth
    if not job.price:
        price = min(price, max(0, ledger.balance(transaction.connection, source)))
    ledger.transfer(transaction, source, vote.payee, price, kind, job=job.number, number=vote.number)
    return int(price)


def differing(connection: Connection, most: int) -> list[Row[Any]]:
    """Owner, worker, and how many results of it were not those of a majority, and of how many that were judged."""
    lies = func.sum(case((votes.c.status == VoteStatus.DIFFERED.value, 1), else_=0)).label("differed")
    query = select(votes.c.owner, votes.c.worker, lies, func.count().label("judged"))
    query = (
        query.where(votes.c.status != VoteStatus.OPEN.value).group_by(votes.c.owner, votes.c.worker).having(lies > 0)
    )
    return list(connection.execute(query.order_by(lies.desc()).limit(most)))
