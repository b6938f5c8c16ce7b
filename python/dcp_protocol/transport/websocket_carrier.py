"""Packets as websocket messages, for both ends."""

from __future__ import annotations

import asyncio
import contextlib

import aiohttp
from aiohttp import web

from .failures import TransportError, breach
from .transport import Transport

WebSocket = aiohttp.ClientWebSocketResponse[bool] | web.WebSocketResponse[bool]

_LARGE = 65_536


class WebSocketCarrier:
    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def read(self, transport: Transport) -> None:
        while True:
            await transport.feed(await next_packet(self._websocket))

    async def write(self, transport: Transport) -> None:
        while not transport.has_ended:
            packet = transport.next_packet()
            if packet is None:
                await transport.output()
                continue
            try:
                await self._websocket.send_frame(packet, aiohttp.WSMsgType.TEXT)
            except (aiohttp.ClientError, OSError) as error:
                raise TransportError("ECONNRESET", f"the websocket was cut: {error}") from None
            if len(packet) > _LARGE:
                await asyncio.sleep(0)  # others want to run, too, while a long message goes

    async def close(self) -> None:
        with contextlib.suppress(TimeoutError, aiohttp.ClientError, OSError):
            async with asyncio.timeout(2):
                await self._websocket.close()


async def next_packet(websocket: WebSocket) -> bytes:
    """Raises TransportError when the websocket is at its end, or what came is no text."""
    message = await websocket.receive()
    if message.type is aiohttp.WSMsgType.TEXT:
        text: str | bytes = message.data
        return text.encode() if isinstance(text, str) else text
    if message.type is aiohttp.WSMsgType.BINARY:
        raise breach("the peer sends binary data, which DCP does not use")
    if isinstance(message.data, aiohttp.WebSocketError):
        code = "DCPC-1114" if message.data.code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG else "EPROTO"
        raise breach(f"the peer breaks a rule of websockets: {message.data}", code)
    raise TransportError("ECONNRESET", "the peer closed the websocket")
