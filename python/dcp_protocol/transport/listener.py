"""The target: transports of those who connect, by websocket and by long polling, on one port."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import socket
import ssl
import sys

from aiohttp import web
from aiohttp.http import HttpProcessingError

from . import answers, paths
from .engine_io import Handshake
from .failures import TransportError
from .limits import Budget
from .options import ListenOptions
from .server_machine import ServerMachine
from .session import Session
from .transport import Transport

_LOGGER = logging.getLogger(__name__)


def _is_ours(record: logging.LogRecord) -> bool:
    """Whether a fault is of this program: clients that break the rules of HTTP, or go, are nothing to tell."""
    return not (record.exc_info and isinstance(record.exc_info[1], (HttpProcessingError, ConnectionError)))


_LOGGER.addFilter(_is_ours)


class Listener:
    """``async with Listener(...) as listener: async for transport in listener: ...``

    Serves the paths of both dialects below ``path``, the path of the service's location. ``port`` 0: any free one,
    which ``listener.port`` then tells. ``ssl_context``: with it, TLS.
    """

    def __init__(
        self,
        host: str | None,
        port: int,
        path: str = "/",
        ssl_context: ssl.SSLContext | None = None,
        options: ListenOptions | None = None,
    ) -> None:
        self._address = (host, port)
        self._paths = {paths.socket_path(path, dialect) for dialect in (paths.V4, paths.V5)}
        self._ssl = ssl_context
        self._options = options or ListenOptions()
        self._budget = Budget(self._options.waiting_bytes)
        self._sessions: dict[str, Session] = {}
        self._accepted: asyncio.Queue[Transport | None] = asyncio.Queue()
        self._watchers: set[asyncio.Task[None]] = set()
        self._web: web.Server | None = None
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        assert self._server
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aenter__(self) -> Listener:
        """Raises OSError when it cannot listen there."""
        idle = self._options.idle_seconds
        self._web = web.Server(
            self._serve,
            handler_cancellation=True,
            keepalive_timeout=idle,
            access_log=None,
            logger=_LOGGER,
            auto_decompress=False,
            lingering_time=1,
        )
        host, port = self._address
        self._server = await asyncio.get_running_loop().create_server(
            self._protocol, host, port, ssl=self._ssl, ssl_handshake_timeout=idle if self._ssl else None
        )
        self._cut_who_do_not_read()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __aiter__(self) -> Listener:
        return self

    async def __anext__(self) -> Transport:
        transport = await self._accepted.get()
        if transport is None:
            self._accepted.put_nowait(None)
            raise StopAsyncIteration
        return transport

    async def close(self) -> None:
        """Listens no more and closes all transports; nothing is left when it returns."""
        if not self._server or not self._web or not self._server.is_serving():
            return
        self._server.close()
        await asyncio.gather(*(session.transport.close() for session in self._sessions.values()))
        await self._web.shutdown(1.0)
        await asyncio.gather(*self._watchers)
        self._accepted.put_nowait(None)

    def _protocol(self) -> asyncio.Protocol:
        assert self._web
        return _Refusal() if len(self._web.connections) >= self._options.connections else self._web()

    def _cut_who_do_not_read(self) -> None:
        """What a closed connection still has to say would wait for ever for those who do not read."""
        if sys.platform == "linux" and self._server:
            milliseconds = round(1000 * (self._options.ping_interval + self._options.ping_timeout))
            for listening in self._server.sockets:
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        sid = request.query.get("sid")
        session = self._sessions[sid] if sid else self._begin(request)
        if request.query["transport"] == "websocket":
            return await (session.upgrade(request) if sid else session.carry(request))
        return await (session.post(request) if request.method == "POST" else session.poll(request))

    def _refusal(self, request: web.BaseRequest) -> web.Response | None:
        """The answer to a request that does not fit."""
        query, sid = request.query, request.query.get("sid")
        if request.path.rstrip("/") + "/" not in self._paths or "transport" not in query:
            return answers.nothing()
        if request.method == "OPTIONS":
            return answers.preflight()
        if query.get("EIO") != "4":
            return answers.refusal(answers.UNSUPPORTED_VERSION)
        if query["transport"] not in ("polling", "websocket"):
            return answers.refusal(answers.UNKNOWN_TRANSPORT)
        if sid and sid not in self._sessions:
            return answers.refusal(answers.UNKNOWN_SESSION)
        if request.method != "GET" and not (request.method == "POST" and sid and query["transport"] == "polling"):
            return answers.refusal(answers.BAD_METHOD)
        if query["transport"] == "websocket" and not web.WebSocketResponse().can_prepare(request):
            return answers.refusal(answers.BAD_REQUEST)
        return None if sid or self._has_room() else answers.full()

    def _has_room(self) -> bool:
        return self._server is not None and self._server.is_serving() and len(self._sessions) < self._options.transports

    def _begin(self, request: web.BaseRequest) -> Session:
        options, sid = self._options, secrets.token_urlsafe(15)
        upgrades = ("websocket",) if request.query["transport"] == "polling" else ()
        milliseconds = (options.ping_interval * 1000, options.ping_timeout * 1000)
        machine = ServerMachine(
            asyncio.get_running_loop().time(),
            Handshake(sid, upgrades, *milliseconds, options.max_payload),
            secrets.token_urlsafe(15),
            limits=options.limits,
            ack_mode=options.ack_mode,
            budget=self._budget,
        )
        session = self._sessions[sid] = Session(Transport(machine, request.remote or ""), options.limits)
        watcher = asyncio.create_task(self._watch(sid, session.transport))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        return session

    async def _watch(self, sid: str, transport: Transport) -> None:
        """Gives the transport out when it is open, and forgets it at its end."""
        with contextlib.suppress(TransportError):
            await transport.until_open()
            self._accepted.put_nowait(transport)
        await transport.until_ended()
        del self._sessions[sid]


class _Refusal(asyncio.Protocol):
    """For a connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
