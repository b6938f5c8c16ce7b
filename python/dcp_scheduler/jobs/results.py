"""Results: they are kept, paid for, and read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, select, update

from ..errors import RefusedError
from ..ledger import ledger
from ..model.work_request import Measured, SliceResult
from ..store.amount import ATTO
from ..store.contents import Contents
from ..store.database import PENDING
from ..store.schema import hand_outs, jobs, slices
from ..store.transaction import Transaction
from .endings import finish
from .records import Job, find
from .status import JobStatus, SliceStatus

_HOUR = 3_600_000  # ms
# Of what each result needs: built once, since building a statement costs as much as running it.
_OF_SLICE = (slices.c.job == bindparam("of"), slices.c.number == bindparam("at"))
_STATUS = select(slices.c.status).where(*_OF_SLICE)
_TAKE = delete(hand_outs).where(
    hand_outs.c.job == bindparam("of"), hand_outs.c.number == bindparam("at"),
    hand_outs.c.worker == bindparam("by"), hand_outs.c.owner == bindparam("signed_by"),
)  # fmt: skip
_STORE = (
    update(slices)
    .where(*_OF_SLICE)
    .values(
        status=SliceStatus.DONE.value, content=PENDING, sequence=bindparam("th"), offset=bindparam("from_"),
        length=bindparam("bytes_"), paid=bindparam("price"),
    )
)  # fmt: skip
_LEARN = (
    update(jobs)
    .where(jobs.c.number == bindparam("of"))
    .values(
        done=jobs.c.done + 1, out=jobs.c.out - 1, status=bindparam("becomes"),
        cpu=jobs.c.cpu + bindparam("cpu_"), gpu=jobs.c.gpu + bindparam("gpu_"),
        cpu_density=jobs.c.cpu_density + bindparam("cpu_density_"),
        gpu_density=jobs.c.gpu_density + bindparam("gpu_density_"),
        size_in=jobs.c.size_in + bindparam("size_in_"), size_out=jobs.c.size_out + bindparam("size_out_"),
    )
    .returning(*jobs.c)
)  # fmt: skip
_MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class Rates:
    """What work is worth, in DCC: an hour of CPU and of GPU, a megabyte in and out."""

    cpu: float = 0.0
    gpu: float = 0.0
    size_in: float = 0.0
    size_out: float = 0.0

    def worth(self, measured: Measured) -> int:
        """In attoDCC."""
        hours = (measured.cpu * self.cpu + measured.gpu * self.gpu) / _HOUR
        megabytes = (measured.size_in * self.size_in + measured.size_out * self.size_out) / _MEGABYTE
        return int((hours + megabytes) * ATTO)


@dataclass(frozen=True, slots=True)
class Stored:
    """A result: of slice ``number``, as the ``sequence``-th of its job; where its URI is."""

    number: int
    sequence: int
    content: str
    offset: int
    length: int

    def uri(self, contents: Contents) -> str:
        return contents.get(self.content, self.offset, self.length).decode("utf-8", "surrogatepass")


def accept(transaction: Transaction, result: SliceResult, rates: Rates) -> tuple[Job, int]:
    """The job then, and what was paid. A result that comes again, or too late, is paid nothing. Raises RefusedError."""
    connection = transaction.connection
    job = find(connection, result.job)
    here = {"of": job.number, "at": result.number}
    status = connection.execute(_STATUS, here).scalar()
    if JobStatus(job.status).is_over or status == SliceStatus.DONE.value:
        return job, 0
    if not connection.execute(_TAKE, {**here, "by": result.worker, "signed_by": result.owner}).rowcount:
        raise RefusedError("EPERM", "the worker does not have this slice")
    paid = _pay(transaction, job, result, rates)
    offset, length = transaction.pack.add(result.uri.encode("utf-8", "surrogatepass"))
    connection.execute(_STORE, {**here, "th": job.done + 1, "from_": offset, "bytes_": length, "price": paid})
    after = _learn(connection, job, result.measured)
    transaction.changed.add(job.number)
    finish(transaction, after)
    return after, paid


def _pay(transaction: Transaction, job: Job, result: SliceResult, rates: Rates) -> int:
    """An absolute offer was reserved when the slice went out; the market's price comes from the account itself."""
    if job.price:
        ledger.transfer(
            transaction, job.address, result.payee, job.price, "payment", job=job.number, number=result.number
        )
        return int(job.price)
    worth = int(job.factor * rates.worth(result.measured))
    price = min(worth, max(0, ledger.balance(transaction.connection, job.payer))) if worth else 0
    ledger.transfer(transaction, job.payer, result.payee, price, "payment", job=job.number, number=result.number)
    return price


def _learn(connection: Connection, job: Job, measured: Measured) -> Job:
    """The job with one result more."""
    known = job.status == JobStatus.ESTIMATION.value and 0 <= job.estimation <= job.done + 1
    values = {f"{name}_": value for name, value in asdict(measured).items()}
    becomes = JobStatus.RUNNING.value if known else job.status
    return connection.execute(_LEARN, {**values, "of": job.number, "becomes": becomes}).one()


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


def _stored() -> Select[Any]:
    return select(slices.c.number, slices.c.sequence, slices.c.content, slices.c.offset, slices.c.length)


def counted(connection: Connection, job: int) -> dict[str, int]:
    """How many slices are in which status."""
    query = select(slices.c.status, func.count()).where(slices.c.job == job).group_by(slices.c.status)
    return {row[0]: row[1] for row in connection.execute(query)}
