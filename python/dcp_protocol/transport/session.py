"""One client of a listener: its transport, and the requests by which its packets come and go.

The rules are Engine.IO's: one request that waits and one that sends at a time, and a change from long polling to a
websocket in three steps. Requests end with the transport, whose pings notice a client that is too slow.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Literal

from aiohttp import web

from . import answers, engine_io
from .failures import TransportError
from .limits import Limits
from .polling_carrier import feed_body, take_body
from .transport import Transport
from .websocket_carrier import WebSocketCarrier, close, next_packet, send_packet

WebSocket = web.WebSocketResponse[Literal[False]]

_LONGEST_BODY = 1 << 20
_PIECE = 65_536
_UPGRADE_SECONDS = 10.0


class Session:
    def __init__(self, transport: Transport, limits: Limits) -> None:
        self.transport = transport
        self._limits = limits
        self._requests: set[str] = set()
        self._websocket: Literal["none", "begun", "probed", "in use"] = "none"

    async def carry(self, request: web.BaseRequest) -> web.StreamResponse:
        """By websocket from the beginning."""
        try:
            websocket = await _accept(request, self._limits)
        except OSError:
            self.transport.end(TransportError("ECONNRESET", "the client has gone"))
            raise
        return await self._carry(websocket)

    async def upgrade(self, request: web.BaseRequest) -> web.StreamResponse:
        """From long polling to a websocket: the client tries it, then lets its last request end, then changes over."""
        if self._websocket != "none":
            return answers.refusal(answers.BAD_REQUEST)
        self._websocket = "begun"
        try:
            websocket = await _accept(request, self._limits)
            has_changed = await self._changes_over(websocket)
        finally:
            self._websocket = "none"
        if has_changed:
            return await self._carry(websocket)
        await close(websocket)
        return websocket

    async def poll(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answers when there is something to say."""
        if not self._may_come("GET"):
            return answers.refusal(answers.BAD_REQUEST)
        with self._only("GET"):
            body = await self._next_body()
            response = answers.packets(len(body))
            is_read = await self.transport.run(self._answer(request, response, body))
        if not is_read and request.transport:
            request.transport.abort()
        return response

    async def post(self, request: web.BaseRequest) -> web.StreamResponse:
        """Takes what the client says."""
        if not self._may_come("POST"):
            return answers.refusal(answers.BAD_REQUEST)
        with self._only("POST"):
            await self.transport.run(feed_body(request.content, self.transport, self._limits))
        return answers.taken()

    async def _carry(self, websocket: WebSocket) -> WebSocket:
        self._websocket = "in use"
        carrying = self.transport.carry(WebSocketCarrier(websocket))
        await asyncio.wait([carrying])  # which learns itself why the websocket ends, even if this request was cancelled
        return websocket

    def _may_come(self, method: str) -> bool:
        if method in self._requests:
            self.transport.end(TransportError("EPROTO", f"two {method} requests of long polling at a time"))
            return False
        return self._websocket != "in use"

    @contextlib.contextmanager
    def _only(self, method: str) -> Iterator[None]:
        """A request that fails ends the transport."""
        self._requests.add(method)
        try:
            yield
        except TransportError as error:
            self.transport.end(error)
        except (web.RequestPayloadError, OSError):
            self._cut(method)
        except asyncio.CancelledError:
            if method in self._requests:
                self._cut(method)
            raise
        finally:
            self._requests.discard(method)

    def _cut(self, method: str) -> None:
        self.transport.end(TransportError("ECONNRESET", f"a {method} request of long polling was cut"))

    async def _answer(self, request: web.BaseRequest, response: web.StreamResponse, body: bytes) -> None:
        await response.prepare(request)
        for start in range(0, len(body), _PIECE):
            await response.write(body[start : start + _PIECE])
        await response.write_eof()
        self._requests.discard("GET")  # the client may send the next before this one's task has ended

    async def _next_body(self) -> bytes:
        while not (body := take_body(self.transport, _LONGEST_BODY)):
            if self._websocket == "probed" or self.transport.has_ended:
                return engine_io.NOOP
            await self.transport.output()
        return body

    async def _changes_over(self, websocket: WebSocket) -> bool:
        try:
            async with asyncio.timeout(_UPGRADE_SECONDS):
                if await next_packet(websocket) != engine_io.PROBE:
                    return False
                await send_packet(websocket, engine_io.PROBE_ANSWER)
                self._websocket = "probed"
                self.transport.wake()
                return await next_packet(websocket) == engine_io.UPGRADE
        except (TransportError, TimeoutError):
            return False


async def _accept(request: web.BaseRequest, limits: Limits) -> WebSocket:
    websocket: WebSocket = web.WebSocketResponse(
        timeout=2.0, compress=False, max_msg_size=limits.packet_bytes, decode_text=False
    )
    await websocket.prepare(request)
    return websocket
