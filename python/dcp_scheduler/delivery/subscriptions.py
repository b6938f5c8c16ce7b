"""Who listens to which job, and one pump for each: results in the order in which they came, ``stop`` behind them.

Nothing of it is kept: results and the end of a job are in the database, from where a new subscription gets them again.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sqlalchemy

from dcp_protocol import Connection
from dcp_protocol.errors import ConnectionEndedError, ProtocolError

from ..jobs import results
from ..jobs.records import Job, by_number
from ..jobs.status import JobStatus
from ..store.database import Database
from . import events
from .unheard import Unheard

_LOG = logging.getLogger(__name__)
_AT_ONCE = 100
_BYTES_AT_ONCE = 16 << 20
"""More than that is held for a client only where one result has more."""
_BETWEEN_STATUSES = 0.02
_STILL_DEPLOYING = 0.5
"""Seconds after its last request in which a client may not yet heed the end of its job: dcp-client begins to when all
answers of the deployment are there, and loses what comes before (``job/index.js``, ``stopped``).
"""


@dataclass(eq=False)
class Subscriber:
    """A connection that listens to a job. ``tokens``: by label; ``waiting``: events of work that it has not taken;
    ``missed``: those that came before it listened.
    """

    connection: Connection
    job: int
    tokens: dict[str, str] = field(default_factory=dict)
    asked: float = 0.0
    waiting: int = 0
    missed: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Subscriptions:
    """For one event loop. ``most_waiting``: events of work for one client that it has not taken yet."""

    def __init__(self, database: Database, most_waiting: int = 1000) -> None:
        self._database = database
        self._most_waiting = most_waiting
        self._telling: set[asyncio.Task[None]] = set()
        self._unheard = Unheard()
        self._unanswered = 0
        self._settled = asyncio.Event()
        self._settled.set()
        self._is_settling = False
        self._by_job: dict[int, dict[str, Subscriber]] = {}
        self._numbers = itertools.count(1)

    def subscribe(self, connection: Connection, job: int, labels: Sequence[str]) -> list[tuple[str, str]]:
        """Each label with its token."""
        subscribers = self._by_job.setdefault(job, {})
        subscriber = subscribers.get(connection.session)
        if subscriber is None:
            subscriber = subscribers[connection.session] = Subscriber(connection, job)
        given = [(label, secrets.token_urlsafe(16)) for label in labels]
        subscriber.tokens.update(given)
        subscriber.missed += self._unheard.take(job, labels)
        subscriber.asked = asyncio.get_running_loop().time()
        subscriber.news.set()
        if subscriber.task is None:
            subscriber.task = asyncio.get_running_loop().create_task(self._run(subscriber))
        return given

    def unsubscribe(self, session: str, token: str) -> None:
        for subscribers in list(self._by_job.values()):
            subscriber = subscribers.get(session)
            for label in [label for label, each in subscriber.tokens.items() if each == token] if subscriber else ():
                del subscriber.tokens[label]  # type: ignore[union-attr]
            if subscriber and not subscriber.tokens:
                self._forget(subscriber)

    def jobs(self) -> list[int]:
        """Numbers of those that somebody listens to."""
        return list(self._by_job)

    def deploying(self, job: int) -> None:
        """Its client has just asked for something that belongs to its deployment."""
        for subscriber in self._by_job.get(job, {}).values():
            subscriber.asked = asyncio.get_running_loop().time()

    def changed(self, jobs: Iterable[int]) -> None:
        for job in jobs:
            for subscriber in self._by_job.get(job, {}).values():
                subscriber.news.set()

    def publish(self, job: int, label: str, data: Mapping[str, Any], size: int) -> bool:
        """To all who listen now, or who is the first to, within seconds. False: one is so slow that it misses it.

        ``size``: bytes of the data, more or less.
        """
        told = True
        listening = [each for each in self._by_job.get(job, {}).values() if label in each.tokens]
        if not listening:
            self._unheard.keep(job, label, data, size)
        for subscriber in listening:
            if subscriber.waiting >= self._most_waiting:
                told = False
                continue
            subscriber.waiting += 1
            task = asyncio.get_running_loop().create_task(self._tell_in_passing(subscriber, label, data))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)
        return told

    async def _tell_in_passing(self, subscriber: Subscriber, label: str, data: Mapping[str, Any]) -> None:
        try:
            await self._tell(subscriber, label, data)
        except ConnectionEndedError:
            pass  # its pump sees to that
        finally:
            subscriber.waiting -= 1

    async def settle(self, seconds: float) -> None:
        """Tells nothing any more, and waits so long for answers to what was told.

        npm's clients end with an unhandled rejection where a connection is closed under such an answer
        (``event-subscriber.js``, ``onEventRequest``).
        """
        self._is_settling = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._settled.wait()

    async def close(self) -> None:
        tasks = [each.task for subscribers in self._by_job.values() for each in subscribers.values() if each.task]
        tasks += self._telling
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, subscriber: Subscriber) -> None:
        subscribers = self._by_job.get(subscriber.job, {})
        if subscribers.get(subscriber.connection.session) is subscriber:
            del subscribers[subscriber.connection.session]
        if not subscribers:
            self._by_job.pop(subscriber.job, None)
        if subscriber.task and subscriber.task is not asyncio.current_task():
            subscriber.task.cancel()

    async def _run(self, subscriber: Subscriber) -> None:
        try:
            await self._pump(subscriber)
        except ConnectionEndedError:
            self._forget(subscriber)
        except Exception:
            _LOG.exception("events of job %d cannot be delivered", subscriber.job)
            self._forget(subscriber)

    async def _pump(self, subscriber: Subscriber) -> None:
        """Until the job has ended and its client has heard of that."""
        told = 0
        while True:
            subscriber.news.clear()
            job, found = await self._database.read(partial(_next, number=subscriber.job, told=told))
            await self._tell_missed(subscriber)
            if events.RESULT in subscriber.tokens:
                await self._tell_results(subscriber, events.client_name(job), found)
            told = found[-1].sequence if found else told
            if found:
                continue
            await self._tell(subscriber, events.STATUS, events.status(job))
            if JobStatus(job.status).is_over and events.STOP in subscriber.tokens:
                await self._until_deployed(subscriber)
                return await self._tell(subscriber, events.STOP, events.stop(job))
            await subscriber.news.wait()
            await asyncio.sleep(_BETWEEN_STATUSES)

    async def _until_deployed(self, subscriber: Subscriber) -> None:
        clock = asyncio.get_running_loop().time
        while (left := subscriber.asked + _STILL_DEPLOYING - clock()) > 0:
            await asyncio.sleep(left)

    async def _tell_missed(self, subscriber: Subscriber) -> None:
        missed, subscriber.missed = subscriber.missed, []
        await asyncio.gather(*(self._tell(subscriber, label, data) for label, data in missed))

    async def _tell_results(self, subscriber: Subscriber, name: str, found: Sequence[results.Stored]) -> None:
        uris = await asyncio.to_thread(results.uris, found, self._database.contents)
        told = (
            self._tell(subscriber, events.RESULT, events.result(name, each.number, uri))
            for each, uri in zip(found, uris, strict=True)
        )
        await asyncio.gather(*told)

    async def _tell(self, subscriber: Subscriber, label: str, data: Mapping[str, Any]) -> None:
        """Waits for the client's answer. Raises ConnectionEndedError."""
        token = subscriber.tokens.get(label)
        if token is None:
            return
        if self._is_settling:
            await asyncio.Future()  # until it is cancelled
        event = {"eventId": f"{next(self._numbers)}-{secrets.token_hex(4)}", "data": {"eventName": label, **data}}
        self._unanswered += 1
        self._settled.clear()
        try:
            await subscriber.connection.request("event", {"token": token, "event": event})
        except ConnectionEndedError:
            raise
        except ProtocolError as error:
            _LOG.info("a client does not take the event %s: %s", label, error)
        finally:
            self._unanswered -= 1
            if not self._unanswered:
                self._settled.set()


def _next(connection: sqlalchemy.Connection, number: int, told: int) -> tuple[Job, list[results.Stored]]:
    found = results.within(results.after(connection, number, told, _AT_ONCE), _BYTES_AT_ONCE)
    return by_number(connection, number), found
