"""Workers that have asked for work, for the operator to see."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, insert, select, update

from ..model.work_request import WorkRequest
from ..store.schema import workers
from ..store.transaction import Transaction

_REMEMBERED_SECONDS = 30 * 86_400.0
MOST = 100_000
_SEEN = (
    update(workers)
    .where(workers.c.id == bindparam("of"), workers.c.owner == bindparam("by"))
    .values(payee=bindparam("to_"), dialect=bindparam("in_"), seen=bindparam("now_"))
)


def note(transaction: Transaction, request: WorkRequest) -> None:
    """It has just asked."""
    told = {"of": request.worker, "by": request.owner, "to_": request.payee, "in_": request.dialect}
    if transaction.connection.execute(_SEEN, {**told, "now_": transaction.now}).rowcount:
        return
    transaction.connection.execute(
        insert(workers).values(
            id=request.worker, owner=request.owner, payee=request.payee, dialect=request.dialect, seen=transaction.now
        )
    )


def forget(transaction: Transaction) -> None:
    """Those that have not asked for a month, and the oldest of too many: ids are free."""
    newest = select(workers.c.seen).order_by(workers.c.seen.desc()).offset(MOST).limit(1)
    until = transaction.connection.execute(newest).scalar() or 0.0
    until = max(until, transaction.now - _REMEMBERED_SECONDS)
    transaction.connection.execute(delete(workers).where(workers.c.seen <= until))
