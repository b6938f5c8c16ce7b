"""A network between workers and the stand-in, whose connections a test cuts."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self
from urllib.parse import urlsplit


class Relay:
    """``async with Relay(location) as relay``: what connects to ``relay.location`` gets to the location."""

    def __init__(self, location: str, host: str = "127.0.0.1") -> None:
        """``host``: the address that it listens on."""
        self._host = host
        self._to = urlsplit(location)
        self._writers: set[asyncio.StreamWriter] = set()
        self.cuts = 0
        self.is_open = True
        """Whether new connections get through."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, self._host, 0)
        port = self._server.sockets[0].getsockname()[1]
        host = f"[{self._host}]" if ":" in self._host else self._host
        self.location = f"http://{host}:{port}{self._to.path}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        await self._server.wait_closed()

    def cut(self) -> None:
        """All connections are lost now, with what is on its way."""
        self.cuts += 1
        for writer in self._writers:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.is_open:
            writer.transport.abort()
            return
        try:
            there, to = await asyncio.open_connection(self._to.hostname, self._to.port)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, to}
        self._writers |= both
        try:
            await asyncio.gather(_move(reader, to), _move(there, writer))
        finally:
            self._writers -= both
            for one in both:
                one.transport.abort()


async def _move(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one end of either way is gone; the other end is told so."""
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()
