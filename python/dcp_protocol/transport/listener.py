"""The target: transports of those who connect, by websocket and by long polling, on one port."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from . import engine_io, paths
from .engine_io import Handshake, PacketSplitter
from .failures import TransportError
from .limits import Budget, Limits
from .polling_carrier import take_body
from .server_machine import ServerMachine
from .transport import Transport
from .websocket_carrier import WebSocketCarrier, next_packet

_LONGEST_BODY = 1 << 20
_UPGRADE_SECONDS = 10.0
_CORS = {"Access-Control-Allow-Origin": "*"}
_CORS_PREFLIGHT = {**_CORS, "Access-Control-Allow-Methods": "GET, POST", "Access-Control-Allow-Headers": "*"}


@dataclass(frozen=True)
class ListenOptions:
    """Times are seconds; those of pings are DCP's (protocol/transports/socketio.js).

    ``connections``: TCP connections at a time; ``transports``: transports. ``idle_seconds``: how long a connection
    may wait without a request, ``body_seconds``: how long a body may take. ``max_payload``: bytes of one body.
    ``waiting_bytes``: what all transports together keep of messages that are not whole.
    """

    ping_interval: float = 10.1
    ping_timeout: float = 60.01
    connections: int = 10_000
    transports: int = 5_000
    idle_seconds: float = 20.0
    body_seconds: float = 60.0
    max_payload: int = 16 << 20
    waiting_bytes: int = 2_000_000_000
    limits: Limits = field(default_factory=Limits)
    ack_mode: bool = False


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
        self._sessions: dict[str, _Session] = {}
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
        options = self._options
        self._web = web.Server(
            self._serve,
            keepalive_timeout=options.idle_seconds,
            access_log=None,
            auto_decompress=False,
            lingering_time=1,
        )
        host, port = self._address
        self._server = await asyncio.get_running_loop().create_server(
            self._protocol,
            host,
            port,
            ssl=self._ssl,
            ssl_handshake_timeout=options.idle_seconds if self._ssl else None,
        )
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
        if not self._server or not self._web:
            return
        self._server.close()
        await asyncio.gather(*(session.transport.close() for session in self._sessions.values()))
        await self._web.shutdown(1.0)
        await asyncio.gather(*self._watchers, return_exceptions=True)
        self._accepted.put_nowait(None)

    def _protocol(self) -> asyncio.Protocol:
        assert self._web
        return _Refusal() if len(self._web.connections) >= self._options.connections else self._web()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.rstrip("/") + "/" not in self._paths or not request.query.get("transport"):
            return web.Response(status=404, text="there is nothing here\n")
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=_CORS_PREFLIGHT)
        carrier, sid = request.query.get("transport"), request.query.get("sid")
        session = self._sessions.get(sid) if sid else None
        if request.query.get("EIO") != "4":
            return _bad_request(5, "Unsupported protocol version")
        if carrier not in ("polling", "websocket"):
            return _bad_request(0, "Transport unknown")
        if sid and not session:
            return _bad_request(1, "Session ID unknown")
        if request.method == "POST" and carrier == "polling" and session:
            return await self._take_posted(request, session)
        if request.method != "GET":
            return _bad_request(2, "Bad handshake method")
        if not session:
            if len(self._sessions) >= self._options.transports:
                return web.Response(status=503, text="too many transports\n", headers=_CORS)
            if carrier == "websocket" and not web.WebSocketResponse().can_prepare(request):
                return _bad_request(3, "Bad request")
            session = self._begin(request)
            return await self._carry(request, session) if carrier == "websocket" else await self._poll(session)
        return await self._upgrade(request, session) if carrier == "websocket" else await self._poll(session)

    def _begin(self, request: web.BaseRequest) -> _Session:
        options, sid = self._options, secrets.token_urlsafe(15)
        upgrades = ("websocket",) if request.query.get("transport") == "polling" else ()
        milliseconds = (options.ping_interval * 1000, options.ping_timeout * 1000)
        handshake = Handshake(sid, upgrades, *milliseconds, options.max_payload)
        machine = ServerMachine(
            time.monotonic(),
            handshake,
            secrets.token_urlsafe(15),
            limits=options.limits,
            ack_mode=options.ack_mode,
            budget=self._budget,
        )
        session = self._sessions[sid] = _Session(Transport(machine, request.remote or ""))
        watcher = asyncio.create_task(self._watch(sid, session.transport))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        return session

    async def _watch(self, sid: str, transport: Transport) -> None:
        """Gives the transport out when it is open, and forgets it at its end."""
        try:
            await transport.until_open()
            self._accepted.put_nowait(transport)
            await transport.until_ended()
        except TransportError:
            await transport.until_ended()
        finally:
            self._sessions.pop(sid, None)

    async def _carry(self, request: web.BaseRequest, session: _Session) -> web.StreamResponse:
        websocket = await self._websocket(request)
        await session.transport.carry(WebSocketCarrier(websocket))
        return websocket

    async def _upgrade(self, request: web.BaseRequest, session: _Session) -> web.StreamResponse:
        """From long polling to a websocket: the client tries it, then lets its last request end, then changes over."""
        if session.is_upgrading or session.has_websocket:
            return _bad_request(3, "Bad request")
        websocket = await self._websocket(request)
        session.is_upgrading = True
        try:
            async with asyncio.timeout(_UPGRADE_SECONDS):
                if await next_packet(websocket) == engine_io.PROBE:
                    await websocket.send_str(engine_io.PROBE_ANSWER.decode())
                    session.transport.wake()
                    session.has_websocket = await next_packet(websocket) == engine_io.UPGRADE
        except (TransportError, TimeoutError, OSError):
            pass
        finally:
            session.is_upgrading = False
        if session.has_websocket:
            await session.transport.carry(WebSocketCarrier(websocket))
        else:
            await websocket.close()
        return websocket

    async def _websocket(self, request: web.BaseRequest) -> web.WebSocketResponse[Any]:
        websocket: web.WebSocketResponse[Any] = web.WebSocketResponse(
            timeout=2.0, compress=False, max_msg_size=self._options.limits.packet_bytes
        )
        await websocket.prepare(request)
        return websocket

    async def _poll(self, session: _Session) -> web.StreamResponse:
        if session.is_polled or session.has_websocket:
            session.transport.end(TransportError("EPROTO", "two requests of long polling wait at a time"))
            return _bad_request(3, "Bad request")
        session.is_polled = True
        try:
            while not (body := take_body(session.transport, _LONGEST_BODY)):
                if session.is_upgrading or session.transport.has_ended:
                    body = engine_io.NOOP
                    break
                await session.transport.output()
        finally:
            session.is_polled = False
        return web.Response(body=body, content_type="text/plain", charset="utf-8", headers=_CORS)

    async def _take_posted(self, request: web.BaseRequest, session: _Session) -> web.StreamResponse:
        if session.is_posted or session.has_websocket:
            session.transport.end(TransportError("EPROTO", "two requests of long polling send at a time"))
            return _bad_request(3, "Bad request")
        if (request.content_length or 0) > self._options.max_payload:
            return web.Response(status=413, headers=_CORS)
        session.is_posted = True
        try:
            async with asyncio.timeout(self._options.body_seconds):
                await self._feed(request, session.transport)
        except TimeoutError:
            session.transport.end(TransportError("ETIMEDOUT", "a body of long polling came too slowly"))
        except TransportError as error:
            session.transport.end(error)
        except (web.RequestPayloadError, OSError):
            session.transport.end(TransportError("ECONNRESET", "a body of long polling was cut"))
        finally:
            session.is_posted = False
        return web.Response(text="ok", content_type="text/html", headers=_CORS)

    async def _feed(self, request: web.BaseRequest, transport: Transport) -> None:
        splitter, left = PacketSplitter(self._options.limits.packet_bytes), self._options.max_payload
        async for chunk in request.content.iter_any():
            left -= len(chunk)
            if left < 0:
                raise TransportError("EPROTO", f"a body of more than {self._options.max_payload} bytes")
            for packet in splitter.feed(chunk):
                await transport.feed(packet)
        await transport.feed(splitter.last())


@dataclass
class _Session:
    transport: Transport
    is_polled: bool = False
    is_posted: bool = False
    is_upgrading: bool = False
    has_websocket: bool = False


class _Refusal(asyncio.Protocol):
    """For a connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def _bad_request(code: int, message: str) -> web.Response:
    return web.json_response({"code": code, "message": message}, status=400, headers=_CORS)
