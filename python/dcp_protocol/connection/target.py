"""The other end of many connections: a service that waits for initiators (DCP: ``protocol/target.js``)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from ..errors import ConnectionEndedError, MessageError
from ..keys.private_key import PrivateKey
from ..messages.bodies import Ack, Received, Request
from ..messages.validity import Stamps
from ..transport.failures import TransportError
from ..transport.listener import Listener
from ..transport.options import ListenOptions
from ..transport.sessions import PageHandler
from ..transport.transport import Transport
from .connection import Connection, NotificationHandler, RequestHandler, read_text
from .events import DropTransport, Send
from .machine import Machine, Phase, Role
from .options import Budget, ConnectionOptions
from .unknown_session import UnknownSession

_LOG = logging.getLogger(__name__)


class Target:
    """``async with Target("http://0.0.0.0:9000/", key, answer) as target: ...``

    ``answer`` gets the requests of all connections; ``on_session`` is called with each new one, before its first
    request. A session outlives its transports: an initiator that comes back in time finds it as it was.
    """

    def __init__(
        self,
        listen: str,
        identity: PrivateKey,
        on_request: RequestHandler,
        *,
        on_session: Callable[[Connection], object] | None = None,
        on_notification: NotificationHandler | None = None,
        options: ConnectionOptions | None = None,
        listen_options: ListenOptions | None = None,
        ssl_context: ssl.SSLContext | None = None,
        pages: PageHandler | None = None,
        sessions: int = 20_000,
        sessions_per_peer: int = 20_000,
        held_bytes: int = 1 << 31,
    ) -> None:
        """``listen``: a URL, whose port 0 means any; ``sessions``: how many there may be, with those that linger, of
        which the oldest end for new ones; ``sessions_per_peer``: of these, of one identity.

        ``held_bytes``: what requests and answers of all sessions may take; beyond it, requests are answered with
        ``EBUSY``. ``pages``: answers HTTP requests for paths that are not the service's.
        """
        self._url = urlsplit(listen)
        self._identity = identity
        self._answer = on_request
        self._hear = on_notification
        self._tell = on_session
        self._options = options or ConnectionOptions()
        self._most_sessions = sessions
        self._most_of_one = sessions_per_peer
        self._by_peer: Counter[str] = Counter()
        self._stamps = Stamps()
        self._budget = Budget(held_bytes)
        self._listener = Listener(
            self._url.hostname, self._url.port or 0, self._url.path or "/", ssl_context, listen_options, pages
        )
        self._connections: dict[str, Connection] = {}
        self._granted: dict[tuple[str, str], str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def location(self) -> str:
        """Where to connect to."""
        host = self._url.hostname or "localhost"
        named = f"[{host}]" if ":" in host else host
        return f"{self._url.scheme}://{named}:{self._listener.port}{self._url.path or '/'}"

    @property
    def connections(self) -> list[Connection]:
        """Those that have a session, with or without a transport."""
        return list(self._connections.values())

    async def __aenter__(self) -> Self:
        """Raises OSError when it cannot listen there."""
        await self._listener.__aenter__()
        self._background(self._accept())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes all connections, then listens no more. Nothing is left when it returns."""
        self._closing = True
        await asyncio.gather(*(connection.close() for connection in self.connections))
        await self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _background(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self) -> None:
        async for transport in self._listener:
            self._background(self._welcome(transport))

    async def _welcome(self, transport: Transport) -> None:
        """Finds out by its first message which session a transport belongs to."""
        try:
            async with asyncio.timeout(self._options.session_timeout):
                async for text in transport:
                    first = await read_text(text, self._options.inline_bytes)
                    break
                else:
                    return
            await self._assign(transport, first)
        except (MessageError, TimeoutError, TransportError) as error:
            _LOG.debug("a transport was refused: %s", error)
            await transport.close()

    async def _assign(self, transport: Transport, first: Received) -> None:
        session = first.body.session or self._granted.get((first.owner, _identity(first)))
        known = self._connections.get(session or "")
        if known and known.peer == first.owner:
            known.attach(transport, first)
        elif first.body.session:
            await self._send_away(transport, first)
        elif not self._asks_for_session(first):
            raise MessageError("EINVAL", "the first message neither asks for a session nor belongs to one")
        elif self._closing or not self._has_room(str(first.owner)):
            raise MessageError("ENOBUFS", "there are too many sessions")
        else:
            await self._begin(transport, first)

    def _has_room(self, peer: str) -> bool:
        """For one more session. Among too many, the oldest that is without a transport ends for it.

        Otherwise whoever opens sessions and leaves would keep all others out for as long as sessions linger.
        """
        if self._by_peer[peer] >= self._most_of_one:
            return self._end_oldest(peer)
        return len(self._connections) < self._most_sessions or self._end_oldest()

    def _end_oldest(self, peer: str = "") -> bool:
        """Of those without a transport, and of this peer if one is named; whether there is one."""
        away = (
            connection
            for connection in self._connections.values()
            if not connection.is_connected and peer in ("", str(connection.peer))
        )
        oldest = next(away, None)
        if oldest is None:
            return False
        self._forget(oldest.session)
        self._background(oldest.close())
        return True

    def _keep(self, connection: Connection, session: str) -> None:
        self._connections[session] = connection
        self._by_peer[str(connection.peer)] += 1

    def _forget(self, session: str) -> None:
        connection = self._connections.pop(session, None)
        if connection is None:
            return
        peer = str(connection.peer)
        self._by_peer[peer] -= 1
        if not self._by_peer[peer]:
            del self._by_peer[peer]

    def _asks_for_session(self, first: Received) -> bool:
        if isinstance(first.body, Ack) or first.body.batch:
            return False
        message = first.body.messages[0]
        return isinstance(message, Request) and message.operation == "connect"

    async def _begin(self, transport: Transport, first: Received) -> None:
        machine = Machine(Role.TARGET, self._identity, self._options, stamps=self._stamps, budget=self._budget)
        connection = Connection(machine, self._identity.address)
        connection.on_request(self._answer)
        if self._hear:
            connection.on_notification(self._hear)
        connection.start()
        connection.attach(transport, first)
        if machine.phase is Phase.ENDED or machine.session is None:
            await connection.wait_closed()
            return
        session, asked = machine.session, (str(first.owner), _identity(first))
        self._keep(connection, session)
        self._granted[asked] = session
        try:
            await connection.until_session()
            self._granted.pop(asked, None)
            if self._tell:
                self._tell(connection)
        except ConnectionEndedError:
            pass
        finally:
            self._granted.pop(asked, None)
        connection.on_end(lambda: self._background(self._closed(connection, session)))

    async def _closed(self, connection: Connection, session: str) -> None:
        try:
            await connection.wait_closed()
        finally:
            self._forget(session)

    async def _send_away(self, transport: Transport, first: Received) -> None:
        """The initiator's session is not known here: it is asked to close."""
        loop = asyncio.get_running_loop()
        stranger = UnknownSession(self._identity, first, loop.time(), self._options)
        try:
            while stranger.deadline is not None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(stranger.deadline):
                        async for text in transport:
                            stranger.read(await read_text(text, self._options.inline_bytes), loop.time())
                            if stranger.deadline is None:
                                break
                        else:
                            return
                if stranger.deadline is not None:
                    stranger.timer(max(loop.time(), stranger.deadline))
                for event in stranger.events():
                    if isinstance(event, Send):
                        await transport.send(event.text)
                    elif isinstance(event, DropTransport):
                        return
        finally:
            await transport.close()


def _identity(first: Received) -> str:
    return "" if isinstance(first.body, Ack) else first.body.id
