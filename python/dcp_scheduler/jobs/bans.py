"""Owners whose workers get no work, since the operator wants it so."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, insert, select

from ..errors import RefusedError
from ..store.schema import bans, hand_outs
from ..store.transaction import Transaction
from . import handing

_REASON = select(bans.c.reason).where(bans.c.owner == bindparam("of"))


def check(connection: Connection, owner: str) -> None:
    """Raises RefusedError, ``EPERM``."""
    reason = connection.execute(_REASON, {"of": owner}).scalar()
    if reason is not None:
        why = f": {reason}" if reason else ""
        raise RefusedError("EPERM", f"the operator of this network gives the identity {owner} no work{why}")


def ban(transaction: Transaction, owner: str, reason: str) -> int:
    """What its workers have goes to others. How many slices that was."""
    forgive(transaction, owner)
    transaction.connection.execute(insert(bans).values(owner=owner, reason=reason, at=transaction.now))
    having = select(hand_outs.c.worker).where(hand_outs.c.owner == owner).distinct()
    workers = list(transaction.connection.execute(having).scalars())
    return sum(handing.take_back_all(transaction, worker, owner) for worker in workers)


def forgive(transaction: Transaction, owner: str) -> bool:
    """Whether it was banned."""
    return bool(transaction.connection.execute(delete(bans).where(bans.c.owner == owner)).rowcount)


def banned(connection: Connection) -> dict[str, str]:
    """Why, by owner."""
    return {row[0]: row[1] for row in connection.execute(select(bans.c.owner, bans.c.reason))}
