"""Packets as websocket messages, for both ends."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Literal

import aiohttp
from aiohttp import web

from .failures import TransportError, breach, printable
from .transport import Transport

WebSocket = aiohttp.ClientWebSocketResponse[Literal[False]] | web.WebSocketResponse[Literal[False]]
"""Made with ``decode_text=False``: packets stay bytes."""

_CLOSE_SECONDS = 2.0
_LARGE = 65_536


class WebSocketCarrier:
    def __init__(self, websocket: WebSocket, session: aiohttp.ClientSession | None = None) -> None:
        """``session``: the initiator's, which ends with it."""
        self._websocket = websocket
        self._session = session

    async def read(self, transport: Transport) -> None:
        while True:
            await transport.feed(await next_packet(self._websocket))

    async def write(self, transport: Transport) -> None:
        while not transport.has_ended:
            packet = transport.next_packet()
            if packet is None:
                await transport.output()
                continue
            await send_packet(self._websocket, packet)
            if len(packet) > _LARGE:
                await asyncio.sleep(0)  # others want to run, too, while a long message goes

    async def close(self) -> None:
        await close(self._websocket)
        if self._session:
            await self._session.close()


async def close(websocket: WebSocket) -> None:
    """Says goodbye, and waits neither for a peer that does not answer nor for one that does not read."""
    connection = websocket.get_extra_info("socket")
    with contextlib.suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await websocket.close()
    if connection:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


async def send_packet(websocket: WebSocket, packet: bytes) -> None:
    """Raises TransportError when the websocket is at its end."""
    try:
        await websocket.send_frame(packet, aiohttp.WSMsgType.TEXT)
    except (aiohttp.ClientError, OSError) as error:
        raise _cut(error) from None


async def next_packet(websocket: WebSocket) -> bytes:
    """Raises TransportError when the websocket is at its end, or what came is no text."""
    try:
        message = await websocket.receive()
    except (aiohttp.ClientError, OSError) as error:  # of an answer to a ping of websockets
        raise _cut(error) from None
    if message.type is aiohttp.WSMsgType.TEXT:
        packet: bytes = message.data
        return packet
    if message.type is aiohttp.WSMsgType.BINARY:
        raise breach("the peer sends binary data, which DCP does not use")
    if isinstance(message.data, aiohttp.WebSocketError):
        code = "DCPC-1114" if message.data.code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG else "EPROTO"
        raise breach(f"the peer breaks a rule of websockets: {message.data}", code)
    raise TransportError("ECONNRESET", "the peer closed the websocket")


def _cut(error: Exception) -> TransportError:
    return TransportError("ECONNRESET", f"the websocket was cut: {printable(str(error))}")
