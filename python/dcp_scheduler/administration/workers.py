"""Workers as the operator sees them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from ..dialects.fields import Fields
from ..errors import RefusedError
from ..jobs import bans, holdings
from ..jobs.redundancy import differing
from ..store import amount
from ..store.schema import transfers
from ..store.schema import workers as table
from .office import Office, Operation

_MOST = 10_000


async def list_workers(office: Office, _fields: Fields) -> Any:
    """Those that were seen last come first. ``connected``: whether its identity is; null where no scheduler runs.
    ``results``: that were taken; ``differed``: that were not as the majority's, of those that were ``judged``.
    """
    connected = None if office.connected is None else office.connected()

    def read(connection: Connection) -> list[dict[str, Any]]:
        rows = connection.execute(select(table).order_by(table.c.seen.desc()).limit(_MOST)).all()
        held, earned = holdings.by_worker(connection), _earned(connection, {row.payee for row in rows})
        lies = {(row.worker, row.owner): (row.differed, row.judged) for row in differing(connection, _MOST)}
        out = bans.banned(connection)
        return [
            {
                "worker": row.id, "owner": row.owner, "account": row.payee, "dialect": row.dialect,
                "connected": None if connected is None else row.owner in connected,
                "out": held.get((row.id, row.owner), (0, 0.0))[0],
                "seen": max(row.seen, held.get((row.id, row.owner), (0, 0.0))[1]),
                "accountEarned": amount.to_text(earned.get(row.payee, 0)), "results": row.results,
                "differed": lies.get((row.id, row.owner), (0, 0))[0],
                "judged": lies.get((row.id, row.owner), (0, 0))[1], "banned": row.owner in out,
            }
            for row in rows
        ]  # fmt: skip

    return await office.database.read(read)


def _earned(connection: Connection, payees: set[str]) -> dict[str, int]:
    """By account: several workers may have the same."""
    earned = dict.fromkeys(payees, 0)
    for target, paid in connection.execute(
        select(transfers.c.target, transfers.c.amount).where(transfers.c.kind == "payment")
    ):
        if target in earned:
            earned[target] += paid
    return earned


async def ban(office: Office, fields: Fields) -> Any:
    """The workers of an identity get nothing more; ``taken``: slices that they had, which go to others."""
    owner, reason = fields.address("owner"), fields.text("reason", "", most=200)
    taken = await office.database.write(lambda transaction: bans.ban(transaction, owner, reason))
    return {"owner": owner, "banned": True, "taken": taken}


async def forgive(office: Office, fields: Fields) -> Any:
    owner = fields.address("owner")
    if not await office.database.write(lambda transaction: bans.forgive(transaction, owner)):
        raise RefusedError("ENOENT", f"{owner} is not banned")
    return {"owner": owner, "banned": False}


async def list_bans(office: Office, _fields: Fields) -> Any:
    found = await office.database.read(bans.banned)
    return [{"owner": owner, "reason": reason} for owner, reason in sorted(found.items())]


OPERATIONS: dict[str, Operation] = {
    "worker.list": list_workers, "worker.ban": ban, "worker.forgive": forgive, "worker.bans": list_bans,
}  # fmt: skip
