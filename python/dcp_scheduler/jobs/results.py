"""Results: they are kept, paid for, and read again."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Connection, Select, bindparam, delete, func, select, update

from ..errors import RefusedError
from ..ledger.book import Book
from ..model.measured import Measured, Rates
from ..model.work_request import SliceResult
from ..store.amount import ATTO
from ..store.contents import Contents, Pack
from ..store.schema import hand_outs, jobs, slices
from ..store.transaction import Transaction
from .endings import finish
from .holdings import numbered
from .records import Job
from .status import JobStatus, SliceStatus


class Accepted(NamedTuple):
    """``job``: as it is then. ``paid``: to the worker, for this result. ``is_new``: whether the worker had the slice,
    and has not answered before.
    """

    job: Job
    paid: int
    is_new: bool


Answer = Accepted | RefusedError
"""To a result; or why it is refused."""

# Statements are built once, since building one costs as much as running it, and run for many results at a time.
_NUMBERS: BindParameter[Any] = bindparam("numbers", expanding=True)
_KNOWN = select(slices.c.number, slices.c.status).where(
    slices.c.job == bindparam("of"), slices.c.number.in_(_NUMBERS),
    slices.c.status.in_((SliceStatus.DONE.value, SliceStatus.COPIED.value)),
)  # fmt: skip
_HELD = select(hand_outs.c.number, hand_outs.c.worker, hand_outs.c.owner).where(
    hand_outs.c.job == bindparam("of"), hand_outs.c.number.in_(_NUMBERS)
)
_TAKE = delete(hand_outs).where(
    hand_outs.c.job == bindparam("of"), hand_outs.c.number == bindparam("at"), hand_outs.c.worker == bindparam("by")
)
_FORGET = delete(hand_outs).where(hand_outs.c.job == bindparam("of"), hand_outs.c.number.in_(_NUMBERS))
_STORE = (
    update(slices)
    .where(slices.c.job == bindparam("of"), slices.c.number == bindparam("at"))
    .values(
        status=SliceStatus.DONE.value, content=bindparam("in_"), sequence=bindparam("th"), offset=bindparam("from_"),
        length=bindparam("bytes_"), paid=bindparam("price"),
    )
)  # fmt: skip
_MEASURED = tuple(field.name for field in fields(Measured))
_LEARN = (
    update(jobs)
    .where(jobs.c.number == bindparam("of"))
    .values(
        done=jobs.c.done + bindparam("more"), out=jobs.c.out - bindparam("more"), status=bindparam("becomes"),
        **{name: jobs.c[name] + bindparam(f"{name}_") for name in _MEASURED},
    )
    .returning(*jobs.c)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stored:
    """A result: of slice ``number``, as the ``sequence``-th of its job; where its URI is."""

    number: int
    sequence: int
    content: str
    offset: int
    length: int


def uris(found: Sequence[Stored], contents: Contents) -> list[str]:
    """Of each. Those that follow each other in one content are read together. Raises OSError."""
    texts: list[str] = []
    for content, its in itertools.groupby(found, key=lambda each: each.content):
        places = [(each.offset, each.length) for each in its]
        texts += [piece.decode("utf-8", "surrogatepass") for piece in contents.pieces(content, places)]
    return texts


def accept(transaction: Transaction, job: Job, sent: Sequence[SliceResult], rates: Rates) -> list[Answer]:
    """To each of a job's its answer. A result that comes again, or too late, is paid nothing."""
    if JobStatus(job.status).is_over:
        return [Accepted(job, 0, False)] * len(sent)
    connection = transaction.connection
    asked = {"of": job.number, "numbers": list({each.number for each in sent})}
    known = {row.number: row.status for row in connection.execute(_KNOWN, asked)}
    held = {tuple(row) for row in connection.execute(_HELD, asked)}
    new: dict[int, SliceResult] = {}
    refused: set[int] = set()
    for place, each in enumerate(sent):
        if known.get(each.number) == SliceStatus.DONE.value or each.number in new:
            continue
        if (each.number, each.worker, each.owner) in held:
            new[each.number] = each
        else:
            refused.add(place)
    if copied := [number for number in new if number in known]:  # what others send of these comes too late
        connection.execute(_FORGET, {"of": job.number, "numbers": copied})
    paid = _pay(transaction, job, list(new.values()), rates)
    after = store(transaction, job, list(new.values()), paid) if new else job
    prices = dict(zip(new, paid, strict=True))

    def answer(place: int, to: SliceResult) -> Answer:
        if place in refused:
            return RefusedError("EPERM", "the worker does not have this slice")
        is_new = new.get(to.number) is to
        return Accepted(after, prices[to.number] if is_new else 0, is_new)

    return [answer(place, to) for place, to in enumerate(sent)]


def _pay(transaction: Transaction, job: Job, new: Sequence[SliceResult], rates: Rates) -> list[int]:
    """For each. An absolute offer was reserved when the slice went out; the market's price comes from the account."""
    worth = [int(job.price or job.factor * rates.worth(each.measured) * ATTO) for each in new]
    if not any(worth):
        return worth
    source = job.address if job.price else job.payer
    book, paid = Book(transaction, {source, *(each.payee for each in new)}), []
    for each, most in zip(new, worth, strict=True):
        price = most if job.price else min(most, max(0, book.balance(source)))
        book.transfer(source, each.payee, price, "payment", job=job.number, number=each.number)
        paid.append(price)
    book.write()
    return paid


def store(transaction: Transaction, job: Job, new: Sequence[SliceResult], paid: Sequence[int]) -> Job:
    """The job with these results more."""
    connection, pack = transaction.connection, Pack()
    places = [pack.add(each.uri.encode("utf-8", "surrogatepass")) for each in new]
    content = transaction.contents.put(pack.data())
    rows = [
        {
            "of": job.number, "at": each.number, "in_": content, "th": sequence, "from_": offset, "bytes_": length,
            "price": price,
        }
        for sequence, each, (offset, length), price in zip(itertools.count(job.done + 1), new, places, paid)
    ]  # fmt: skip
    connection.execute(_TAKE, [{"of": job.number, "at": each.number, "by": each.worker} for each in new])
    connection.execute(_STORE, rows)
    sums = {f"{name}_": sum(getattr(each.measured, name) for each in new) for name in _MEASURED}
    known = job.status == JobStatus.ESTIMATION.value and 0 <= job.estimation <= job.done + len(new)
    becomes = JobStatus.RUNNING.value if known else job.status
    after = connection.execute(_LEARN, {**sums, "of": job.number, "more": len(new), "becomes": becomes}).one()
    transaction.changed.add(job.number)
    finish(transaction, after)
    return after


def after(connection: Connection, job: int, sequence: int, most: int) -> list[Stored]:
    """The next results, in the order in which they came."""
    query = _stored().where(slices.c.job == job, slices.c.sequence > sequence)
    return [Stored(*row) for row in connection.execute(query.order_by(slices.c.sequence).limit(most))]


def of_slices(connection: Connection, job: int, numbers: Sequence[int] | None, most: int) -> list[Stored]:
    """Those of these slices that have one; of all where None."""
    query = _stored().where(slices.c.job == job, slices.c.sequence.is_not(None))
    if numbers is not None:
        query = query.where(slices.c.number.in_(numbers))
    return [Stored(*row) for row in connection.execute(query.order_by(slices.c.number).limit(most))]


def following(connection: Connection, job: int, number: int, most: int) -> list[Stored]:
    """The next ones by the numbers of their slices."""
    query = _stored().where(slices.c.job == job, slices.c.number > number, slices.c.sequence.is_not(None))
    return [Stored(*row) for row in connection.execute(query.order_by(slices.c.number).limit(most))]


def within(found: Sequence[Stored], most: int) -> list[Stored]:
    """The first ones, of ``most`` bytes together; one alone may have more."""
    kept: list[Stored] = []
    size = 0
    for each in found:
        size += each.length
        if kept and size > most:
            break
        kept.append(each)
    return kept


def forget(transaction: Transaction, job: int, numbers: Sequence[int] | None, most: int) -> list[int]:
    """Forgets results of these slices, or of all, and gives back their numbers. The slices stay done, and paid for."""
    found = [each.number for each in of_slices(transaction.connection, job, numbers, most)]
    nothing = {"sequence": None, "content": None, "offset": None, "length": None}
    transaction.connection.execute(update(slices).where(*numbered(slices, job, found)).values(nothing))
    return found


def _stored() -> Select[Any]:
    return select(slices.c.number, slices.c.sequence, slices.c.content, slices.c.offset, slices.c.length)


def counted(connection: Connection, job: int) -> dict[str, int]:
    """How many slices are in which status."""
    query = select(slices.c.status, func.count()).where(slices.c.job == job).group_by(slices.c.status)
    return {row[0]: row[1] for row in connection.execute(query)}
