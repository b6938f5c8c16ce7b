"""What a worker of one process has to tell a client of another, and that there are new results or an end.

Results and ends of jobs are in their tables. Events that only those hear who listen at the moment, such as ``console``,
are in a table for a minute, if somebody listens elsewhere; each process takes those of the others from there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import sqlalchemy
from sqlalchemy import delete, func, insert, select

from dcp_protocol import Connection

from ..store import notices
from ..store.database import Database
from ..store.notices import Notice
from ..store.postgresql import Postgresql
from ..store.schema import events
from ..store.transaction import Transaction
from . import elsewhere
from .subscriptions import Subscriptions

_KEPT_SECONDS = 60.0
_AT_ONCE = 500


class Relay:
    """For one event loop. ``start`` it, ``close`` it. On a database that is not shared there are no others."""

    def __init__(self, database: Database, subscriptions: Subscriptions) -> None:
        self._database = database
        self._subscriptions = subscriptions
        self._process = database.name
        self._is_shared = database.backend.is_shared
        self._coming: Counter[int] = Counter()
        self._told: int | None = None
        self._listening: asyncio.Task[None] | None = None

    def start(self) -> None:
        backend = self._database.backend
        if isinstance(backend, Postgresql):
            listening = notices.listen(backend, self._process, self._heard)
            self._listening = asyncio.get_running_loop().create_task(listening)

    async def close(self) -> None:
        if self._listening:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening

    async def subscribe(self, connection: Connection, job: int, labels: Sequence[str]) -> list[tuple[str, str]]:
        """Each label with its token. The other processes know it then, and no event has gone out before."""
        if not self._is_shared:
            return self._subscriptions.subscribe(connection, job, labels)
        self._coming[job] += 1
        try:
            await self._database.write(lambda transaction: elsewhere.note(transaction, self._process, job))
            return self._subscriptions.subscribe(connection, job, labels)
        finally:
            self._coming -= Counter((job,))

    def is_heard_elsewhere(self, connection: sqlalchemy.Connection, job: int) -> bool:
        return self._is_shared and elsewhere.listens(connection, self._process, job)

    async def publish(self, job: int, label: str, data: Mapping[str, Any], *, size: int, everywhere: bool) -> bool:
        """To all who listen; ``everywhere``: also to those that are connected to other processes. ``size``: in bytes.

        False: one of this process's clients is so slow that it misses it.
        """
        told = self._subscriptions.publish(job, label, data, size)
        if everywhere:
            await self._database.write(partial(_keep, self._process, job, label, data))
        return told

    def renew(self, transaction: Transaction) -> None:
        """Now and then: this process lives, and what all have passed on is forgotten."""
        if self._is_shared:
            elsewhere.renew(transaction, self._process, {*self._subscriptions.jobs(), *list(self._coming)})
            transaction.connection.execute(delete(events).where(events.c.at < transaction.now - _KEPT_SECONDS))

    def committed(self, done: Transaction) -> None:
        """By this process."""
        for job in done.deploying:
            self._subscriptions.deploying(job)
        self._subscriptions.changed(done.changed)

    async def _heard(self, notice: Notice) -> None:
        if notice.events:
            await self._pass_on()
        deploying, changed = notice.deploying, notice.changed
        if changed is None:
            deploying = changed = frozenset(self._subscriptions.jobs())
        for job in deploying:
            self._subscriptions.deploying(job)
        self._subscriptions.changed(changed)

    async def _pass_on(self) -> None:
        """What others have told since the last time; at the first time there is none."""
        if self._told is None:
            self._told = await self._database.read(_newest)
        while found := await self._database.read(partial(_after, self._told, self._process)):
            for event in found:
                self._subscriptions.publish(event.job, event.label, json.loads(event.data), len(event.data))
            self._told = found[-1].number


def _keep(process: str, job: int, label: str, data: Mapping[str, Any], transaction: Transaction) -> None:
    text = json.dumps(data)  # ASCII, thus as it was
    row = {"process": process, "job": job, "label": label, "data": text, "at": transaction.now}
    transaction.connection.execute(insert(events).values(row))
    transaction.events = True


def _newest(connection: sqlalchemy.Connection) -> int:
    return int(connection.execute(select(func.coalesce(func.max(events.c.number), 0))).scalar_one())


def _after(number: int, process: str, connection: sqlalchemy.Connection) -> list[sqlalchemy.Row[Any]]:
    query = select(events).where(events.c.number > number, events.c.process != process)
    return list(connection.execute(query.order_by(events.c.number).limit(_AT_ONCE)))
