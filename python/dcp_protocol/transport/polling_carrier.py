"""Packets as bodies of HTTP requests, for the initiator: one request waits for what the server has to say."""

from __future__ import annotations

import aiohttp

from . import engine_io
from .engine_io import PacketSplitter
from .failures import TransportError, printable
from .limits import Limits
from .transport import Transport

_LONGEST_BODY = 1 << 20
"""Bytes; a packet may be longer alone."""

_TEXT = {"Content-Type": "text/plain;charset=UTF-8"}


class PollingCarrier:
    """``url``: with the session's id; ``max_payload``: bytes of one body that the server takes.

    ``session`` ends with it.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, max_payload: int, limits: Limits) -> None:
        self._session = session
        self._url = url
        self._most = min(max_payload, _LONGEST_BODY)
        self._limits = limits

    async def read(self, transport: Transport) -> None:
        try:
            while True:
                async with self._session.get(self._url) as response:
                    _check(response)
                    await feed_body(response.content, transport, self._limits)
        except (aiohttp.ClientError, OSError) as error:
            raise _cut(error) from None

    async def write(self, transport: Transport) -> None:
        try:
            while not transport.has_ended:
                if not (body := take_body(transport, self._most)):
                    await transport.output()
                    continue
                async with self._session.post(self._url, data=body, headers=_TEXT) as response:
                    _check(response)
        except (aiohttp.ClientError, OSError) as error:
            raise _cut(error) from None

    async def close(self) -> None:
        await self._session.close()


async def feed_body(content: aiohttp.StreamReader, transport: Transport, limits: Limits) -> None:
    """Gives the packets of a body to ``transport`` while it comes. Raises TransportError."""
    splitter = PacketSplitter(limits.packet_bytes)
    async for chunk in content.iter_any():
        for packet in splitter.feed(chunk):
            await transport.feed(packet)
    await transport.feed(splitter.last())


def take_body(transport: Transport, most: int) -> bytes:
    """What the transport has to say, about ``most`` bytes of it; empty when there is nothing now."""
    packets: list[bytes] = []
    size = 0
    while size <= most // 2 and (packet := transport.next_packet()) is not None:  # the next one may be as long
        packets.append(packet)
        size += len(packet) + 1
    return engine_io.join_packets(packets)


def _check(response: aiohttp.ClientResponse) -> None:
    """A session that the server does not know any more is no lasting failure: another one may begin."""
    if response.status != 200:
        raise TransportError("ECONNRESET", f"the service ends the transport with HTTP status {response.status}")


def _cut(error: Exception) -> TransportError:
    return TransportError("ECONNRESET", f"a request of long polling failed: {printable(str(error))}")
