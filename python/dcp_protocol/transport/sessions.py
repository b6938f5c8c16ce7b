"""All clients of a listener: which requests are theirs, and which are refused."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import web

from . import answers, paths
from .engine_io import Handshake
from .failures import TransportError
from .limits import Budget
from .options import ListenOptions
from .server_machine import ServerMachine
from .session import Session
from .transport import Transport

PageHandler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Sessions:
    def __init__(self, path: str, options: ListenOptions, pages: PageHandler | None = None) -> None:
        """``path``: of the service's location. ``pages``: answers requests for others; without it they find nothing."""
        self._pages = pages
        self._paths = {paths.socket_path(path, dialect) for dialect in (paths.V4, paths.V5)}
        self._options = options
        self._budget = Budget(options.waiting_bytes)
        self._sessions: dict[str, Session] = {}
        self._opened: asyncio.Queue[Transport | None] = asyncio.Queue()
        self._watchers: set[asyncio.Task[None]] = set()
        self._is_closing = False

    async def next(self) -> Transport | None:
        """Waits for the next transport that is open; None when none comes any more."""
        transport = await self._opened.get()
        if transport is None:
            self._opened.put_nowait(None)
        return transport

    async def close(self) -> None:
        """Closes all transports; none begins any more."""
        self._is_closing = True
        await asyncio.gather(*(session.transport.close() for session in self._sessions.values()))
        await asyncio.gather(*self._watchers)
        self._opened.put_nowait(None)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._pages is not None and request.path.rstrip("/") + "/" not in self._paths:
            return await self._pages(request)
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
        return not self._is_closing and len(self._sessions) < self._options.transports

    def _begin(self, request: web.BaseRequest) -> Session:
        sid = secrets.token_urlsafe(15)
        transport = Transport(self._machine(sid, request.query["transport"] == "polling"), request.remote or "")
        session = self._sessions[sid] = Session(transport, self._options.limits)
        watcher = asyncio.create_task(self._watch(sid, transport))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        return session

    def _machine(self, sid: str, may_upgrade: bool) -> ServerMachine:
        options = self._options
        upgrades = ("websocket",) if may_upgrade else ()
        handshake = Handshake(
            sid, upgrades, options.ping_interval * 1000, options.ping_timeout * 1000, options.max_payload
        )
        return ServerMachine(
            asyncio.get_running_loop().time(),
            handshake,
            secrets.token_urlsafe(15),
            limits=options.limits,
            ack_mode=options.ack_mode,
            budget=self._budget,
        )

    async def _watch(self, sid: str, transport: Transport) -> None:
        """Gives the transport out when it is open, and forgets it at its end."""
        with contextlib.suppress(TransportError):
            await transport.until_open()
            self._opened.put_nowait(transport)
        await transport.until_ended()
        del self._sessions[sid]
