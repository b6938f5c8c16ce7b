"""What the processes of a network tell each other: look, and where. The truth is in the tables.

A notice is part of the transaction that it is about, and comes when that is committed. Whoever could not listen for a
while looks everywhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, text

from .backend import reason
from .postgresql import Postgresql
from .transaction import Transaction

if TYPE_CHECKING:
    from psycopg import AsyncConnection

_LOG = logging.getLogger(__name__)
_CHANNEL = "dcp_scheduler"
_LONGEST = 7900  # bytes; PostgreSQL takes 7999
_TELL = text("SELECT pg_notify(:channel, :payload)")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0


@dataclass(frozen=True, slots=True)
class Notice:
    """``changed``: numbers of jobs of which clients have something to hear; None for all. ``deploying``: those whose
    client has just asked for something of their deployment. ``events``: whether there are new ones for others' clients.
    """

    by: str
    changed: frozenset[int] | None = None
    deploying: frozenset[int] = frozenset()
    events: bool = True


def tell(connection: Connection, by: str, transaction: Transaction) -> None:
    """``by``: the process."""
    if not (transaction.changed or transaction.deploying or transaction.events):
        return
    notice = Notice(by, frozenset(transaction.changed), frozenset(transaction.deploying), transaction.events)
    payload = msgspec.json.encode(notice)
    if len(payload) > _LONGEST:
        payload = msgspec.json.encode(Notice(by))
    connection.execute(_TELL, {"channel": _CHANNEL, "payload": payload.decode()})


async def listen(backend: Postgresql, by: str, heard: Callable[[Notice], Awaitable[None]]) -> None:
    """Hands on what others than ``by`` tell, one after the other, until it is cancelled."""
    from psycopg import AsyncConnection, Error

    pause = _FIRST_PAUSE
    while True:
        try:
            async with await AsyncConnection.connect(**backend.arguments(), autocommit=True) as connection:
                await connection.execute(f"LISTEN {_CHANNEL}")
                await heard(Notice(""))
                pause = _FIRST_PAUSE
                await _hand_on(connection, by, heard)
        except Error as error:
            _LOG.info("notices of other processes do not come (%s); listening again", reason(error))
        except Exception:
            _LOG.exception("a notice of another process has failed; listening again")
        await asyncio.sleep(pause)
        pause = min(_LONGEST_PAUSE, 2 * pause)


async def _hand_on(connection: AsyncConnection[Any], by: str, heard: Callable[[Notice], Awaitable[None]]) -> None:
    async for notification in connection.notifies():
        try:
            notice = msgspec.json.decode(notification.payload, type=Notice)
        except msgspec.MsgspecError:
            continue  # another program's
        if notice.by != by:
            await heard(notice)
