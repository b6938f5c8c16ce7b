"""Packets as bodies of HTTP requests, for the initiator: one request waits for what the server has to say."""

from __future__ import annotations

import aiohttp

from . import engine_io
from .engine_io import PacketSplitter
from .failures import TransportError, is_permanent
from .limits import Limits
from .transport import Transport

_LONGEST_BODY = 1 << 20
"""Bytes; a packet may be longer alone."""

HEADERS = {"Accept-Encoding": "identity", "Accept": "*/*"}
_TEXT = {**HEADERS, "Content-Type": "text/plain;charset=UTF-8"}


class PollingCarrier:
    """``url``: with the session's id; ``max_payload``: bytes of one body that the server takes."""

    def __init__(self, session: aiohttp.ClientSession, url: str, max_payload: int, limits: Limits) -> None:
        self._session = session
        self._url = url
        self._most = min(max_payload, _LONGEST_BODY)
        self._limits = limits

    async def read(self, transport: Transport) -> None:
        try:
            while not transport.has_ended:
                async with self._session.get(self._url, headers=HEADERS) as response:
                    check_status(response.status)
                    await self._read_body(response, transport)
        except (aiohttp.ClientError, OSError) as error:
            raise TransportError("ECONNRESET", f"a request of long polling failed: {error}") from None

    async def write(self, transport: Transport) -> None:
        try:
            while not transport.has_ended:
                if not (body := take_body(transport, self._most)):
                    await transport.output()
                    continue
                async with self._session.post(self._url, data=body, headers=_TEXT) as response:
                    check_status(response.status)
                    await response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise TransportError("ECONNRESET", f"a request of long polling failed: {error}") from None

    async def close(self) -> None:
        """The session's requests end with the tasks that made them."""

    async def _read_body(self, response: aiohttp.ClientResponse, transport: Transport) -> None:
        splitter = PacketSplitter(self._limits.packet_bytes)
        async for chunk in response.content.iter_any():
            for packet in splitter.feed(chunk):
                await transport.feed(packet)
        await transport.feed(splitter.last())


def take_body(transport: Transport, most: int) -> bytes:
    """What the transport has to say, about ``most`` bytes of it; empty when there is nothing now."""
    packets: list[bytes] = []
    size = 0
    while size < most and (packet := transport.next_packet()) is not None:
        packets.append(packet)
        size += len(packet) + 1
        if size > most // 2:
            break  # the next one may be as long
    return engine_io.join_packets(packets)


def check_status(status: int) -> None:
    if status != 200:
        raise TransportError("EPROTO", f"the service answers with HTTP status {status}", permanent=is_permanent(status))
