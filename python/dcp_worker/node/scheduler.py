"""All that a worker says to a scheduler, and hears from it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from dcp_protocol import Connection, IncomingRequest, connect
from dcp_protocol.connection.identity_cache import IdentityCache
from dcp_protocol.connection.options import ConnectionOptions
from dcp_protocol.errors import ConnectionEndedError, MessageError, ProtocolError, RemoteError
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.transport.options import ConnectOptions

from ..dialects.dialect import Dialect, Message
from ..dialects.scheduler_commands import Command, CommandReader
from ..dialects.services import Service, Services
from ..dialects.work_events import WorkEvent
from ..dialects.work_request import WorkRequest
from ..errors import SchedulerError
from ..tasks.job import Job
from ..tasks.task import Task
from .connector import Connector
from .nearby import location_of

_EVENTS_AT_ONCE = 200
_PAUSE = 1.0
_UNSUBSCRIBE = 0.5
_SUCCESS = "success"
_TOGETHER = 0.03
"""Seconds that results wait for others, as in npm's programs: signatures of messages cost more than short slices."""


class Scheduler:
    """The four services of a scheduler. ``on_command`` is called with each command that comes."""

    def __init__(
        self,
        dialect: Dialect,
        services: Services,
        identity: PrivateKey,
        worker: str,
        *,
        options: ConnectionOptions | None = None,
        identities: Path | None = None,
        on_command: Callable[[Command], None] = lambda _: None,
        on_warning: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``identities``: the file that keeps who answered at which location; None: this object keeps it."""
        self.dialect = dialect
        self.worker = worker
        self._identity = identity
        self._options = options or ConnectionOptions()
        self._identities_file = identities
        self._identities = IdentityCache(identities)
        self._on_command = on_command
        self._on_warning = on_warning
        self._reader: CommandReader = dialect.command_reader()
        self._distributor = Connector(partial(self._connect, services.task_distributor))
        patient = replace(self._options, batch_wait=_TOGETHER)
        self._submitter = Connector(
            partial(self._connect, services.result_submitter, options=patient), self._tell_submitter
        )
        self._submitter_connected: Callable[[], None] = lambda: None
        self._packages = Connector(partial(self._connect, services.package_manager))
        self._router = Connector(partial(self._connect, services.event_router, self._command), self._subscribe)
        self._events = 0
        self._listening: asyncio.Task[None] | None = None

    async def fetch_task(self, request: WorkRequest, known: Mapping[str, Job]) -> Task:
        """Raises ProtocolError, TaskError."""
        connection = await self._distributor.connection()
        message = self.dialect.request_task(request, connection.session, self._identity)
        reply = await connection.request(message.operation, message.data)
        return self.dialect.read_task(reply, known)

    async def submit(self, message: Message) -> Any:
        """To the result submitter: results and statuses. Raises ProtocolError."""
        return await self._submitter.request(message.operation, message.data)

    def on_submitter_connected(self, listener: Callable[[], None]) -> None:
        """``listener`` is called whenever there is a connection to the result submitter again."""
        self._submitter_connected = listener

    async def package_request(self, operation: str, data: object) -> Any:
        """To the package manager. Raises ProtocolError."""
        return await self._packages.request(operation, data)

    async def emit(self, event: WorkEvent) -> bool:
        """For the owner of a job. False where it was not taken: events are lost rather than kept for long."""
        if self._events >= _EVENTS_AT_ONCE:
            return False
        self._events += 1
        try:
            return bool(await self._router.request("workEmit", event.text))
        except ProtocolError:
            return False
        finally:
            self._events -= 1

    async def return_all(self, payment_address: str) -> None:
        """Tells a scheduler of dialect 5 that nothing of it is here any more. Raises ProtocolError."""
        message = self.dialect.return_all(self.worker, payment_address, self._identity)
        if message:
            await self._distributor.request(message.operation, message.data)

    def listen(self) -> None:
        """For commands, from now on; connects to what the first request for work needs, too."""
        self._listening = asyncio.create_task(self._listen())

    async def close(self) -> None:
        if self._listening:
            self._listening.cancel()
            await asyncio.wait([self._listening])
        await self._unsubscribe()
        connectors = (self._distributor, self._submitter, self._packages, self._router)
        await asyncio.gather(*(connector.close() for connector in connectors), return_exceptions=True)

    async def _listen(self) -> None:
        """One connection after the other: of those to one place that are begun together, all but the first wait."""
        with contextlib.suppress(ProtocolError):
            await self._distributor.connection()
        while True:
            with contextlib.suppress(ProtocolError):
                connection = await self._router.connection()
                await connection.wait_closed()
            await asyncio.sleep(_PAUSE)

    async def _tell_submitter(self, _: Connection) -> None:
        self._submitter_connected()

    async def _subscribe(self, connection: Connection) -> None:
        """Where the scheduler refuses, events of work functions go over it all the same."""
        self._reader = self.dialect.command_reader()
        for wish in self.dialect.subscriptions(str(self._identity.address), self.worker):
            try:
                self._reader.subscribed(wish, await connection.request(wish.operation, wish.data))
            except (RemoteError, MessageError, SchedulerError) as error:
                self._on_warning(f"the scheduler lets nobody listen to its commands: {error}")

    async def _unsubscribe(self) -> None:
        """A scheduler that does not answer at once finds out by itself that nobody listens any more."""
        if connection := self._router.open_connection:
            requests = [connection.request(one.operation, one.data) for one in self._reader.unsubscriptions()]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_UNSUBSCRIBE):
                    await asyncio.gather(*requests, return_exceptions=True)

    async def _command(self, request: IncomingRequest) -> object:
        self._on_command(self._reader.read(request.operation, request.data))
        return _SUCCESS

    async def _connect(
        self,
        service: Service,
        handler: Callable[[IncomingRequest], Any] | None = None,
        options: ConnectionOptions | None = None,
    ) -> Connection:
        location = await location_of(service)
        try:
            return await connect(
                location,
                self._identity,
                peer=service.identity,
                identities=self._identities,
                options=options or self._options,
                transport=ConnectOptions(dialect=self.dialect.transport),
                on_request=handler,
            )
        except ProtocolError as error:
            if error.code == "EADDRCHANGE" and self._identities_file and not service.identity:
                remedy = f"if those who run it have told you so, delete its line in {self._identities_file}"
                raise ConnectionEndedError(
                    error.code, f"{location} has another key than before: {error}; {remedy}"
                ) from None
            if isinstance(error, ConnectionEndedError):
                raise
            raise ConnectionEndedError(error.code, str(error)) from None  # the file of identities is none
