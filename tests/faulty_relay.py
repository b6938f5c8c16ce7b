"""A network between the two ends of a connection, which loses what a test chooses, and its transport with it.

Websockets only. A frame is what Engine.IO sends, seen as DCP's message where it is one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web


@dataclass(frozen=True)
class Frame:
    """``number`` counts those of all transports; ``to_target`` is its way; ``body`` is empty for what is no message."""

    number: int
    to_target: bool
    text: str
    body: dict[str, Any]

    @property
    def kind(self) -> str:
        return str(self.body.get("type", ""))


class FaultyRelay:
    """``async with FaultyRelay(target.location) as relay``: connect to ``relay.location`` in its place.

    ``loses`` is asked for each frame: what it says True to is lost, and the transport is cut, once the peer at
    ``careful`` (``target`` or ``initiator``) has acknowledged what it has got: npm's ends do not survive to lose a
    transport while they sign an acknowledgement (``retransmitAck`` of connection.js takes the nonce for used up).
    ``changes`` is given each frame that passes; what it returns goes on in its place.
    """

    def __init__(self, location: str, careful: str = "") -> None:
        self._target = urlsplit(location)
        self._careful = careful
        self._tasks: set[asyncio.Task[Any]] = set()
        self.loses: Callable[[Frame], bool] = lambda frame: False
        self.changes: Callable[[Frame], list[str]] = lambda frame: [frame.text]
        self.frames: list[Frame] = []
        self.transports = 0
        self.lost = 0

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        self._runner = web.ServerRunner(web.Server(self._serve), shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.location = f"http://127.0.0.1:{port}{self._target.path}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._runner.cleanup()
        await self._session.close()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        initiator = web.WebSocketResponse(max_msg_size=0, timeout=0.1)
        if not initiator.can_prepare(request):
            return web.Response(status=503)
        url = f"http://{self._target.netloc}{request.path_qs}"
        async with self._session.ws_connect(url, max_msg_size=0) as target:
            await initiator.prepare(request)
            self.transports += 1
            await self._carry(_Transport(initiator, target))
            for end in (initiator, target):
                if raw := end.get_extra_info("transport"):
                    raw.abort()
        return initiator

    async def _carry(self, transport: _Transport) -> None:
        ways = [self._move(transport, to_target) for to_target in (True, False)]
        tasks = {asyncio.create_task(way) for way in ways}
        self._tasks |= tasks
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._tasks -= tasks

    async def _move(self, transport: _Transport, to_target: bool) -> None:
        source, sink = (transport.initiator, transport.target)[:: 1 if to_target else -1]
        async for message in source:
            if message.type != aiohttp.WSMsgType.TEXT:
                return
            frame = Frame(len(self.frames), to_target, message.data, _body(message.data))
            self.frames.append(frame)
            careful = to_target == (self._careful == "target")
            if not careful and frame.kind == "ack":
                transport.unanswered.discard(frame.body["token"])
            if transport.is_cut or self.loses(frame):
                self.lost += not transport.is_cut
                transport.is_cut = True
                if not self._careful or not transport.unanswered:
                    return
                continue
            if careful and "ackToken" in frame.body:
                transport.unanswered.add(frame.body["ackToken"])
            for text in self.changes(frame):
                await sink.send_str(text)


@dataclass
class _Transport:
    initiator: Any
    target: Any

    def __post_init__(self) -> None:
        self.unanswered: set[str] = set()
        self.is_cut = False


def _body(text: str) -> dict[str, Any]:
    if not text.startswith("42"):
        return {}
    sealed = json.loads(text[2:])[1]
    return dict(json.loads(sealed)["body"]) if sealed.startswith("{") else {}
