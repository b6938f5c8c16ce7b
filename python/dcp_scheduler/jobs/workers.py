"""Workers that have asked for work: for the operator to see, and to know who is there."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, update

from ..model.work_request import WorkRequest
from ..scheduling.failures import ENOUGH, Present
from ..store.schema import workers
from ..store.transaction import Transaction

_REMEMBERED_SECONDS = 30 * 86_400.0
MOST = 100_000
_SEEN = (
    update(workers)
    .where(workers.c.id == bindparam("of"), workers.c.owner == bindparam("by"))
    .values(
        payee=bindparam("to_"), place=bindparam("from_"), dialect=bindparam("in_"), seen=bindparam("now_"),
        results=workers.c.results + bindparam("more"),
    )
    .returning(workers.c.results)
)  # fmt: skip


def note(transaction: Transaction, request: WorkRequest, more: int = 0) -> int:
    """It has just asked. ``more``: results of it that were taken since it did so last. How many ever were."""
    told = {
        "of": request.worker, "by": request.owner, "to_": request.payee, "from_": request.place,
        "in_": request.dialect, "now_": transaction.now, "more": more,
    }  # fmt: skip
    results = transaction.connection.execute(_SEEN, told).scalar()
    if results is not None:
        return int(results)
    transaction.connection.execute(
        insert(workers).values(
            id=request.worker, owner=request.owner, payee=request.payee, place=request.place, dialect=request.dialect,
            seen=transaction.now, results=more,
        )
    )  # fmt: skip
    return more


def results_of(connection: Connection, worker: str, owner: str) -> int:
    """How many were taken, as of when it asked last."""
    query = select(workers.c.results).where(workers.c.id == worker, workers.c.owner == owner)
    return connection.execute(query).scalar() or 0


def present(connection: Connection, since: float) -> tuple[Present, Present]:
    """Of those that have asked since then: all, and those of them that have had results."""
    there = workers.c.seen > since
    return _some(connection, there), _some(connection, there & (workers.c.results > 0))


def _some(connection: Connection, there: ColumnElement[bool]) -> Present:
    owners, places = (
        frozenset(connection.execute(select(column).where(there).distinct().limit(ENOUGH)).scalars())
        for column in (workers.c.owner, workers.c.place)
    )
    return Present(owners, places)


def forget(transaction: Transaction) -> None:
    """Those that have not asked for a month, and the oldest of too many: ids are free."""
    newest = select(workers.c.seen).order_by(workers.c.seen.desc()).offset(MOST).limit(1)
    until = transaction.connection.execute(newest).scalar() or 0.0
    until = max(until, transaction.now - _REMEMBERED_SECONDS)
    transaction.connection.execute(delete(workers).where(workers.c.seen <= until))
