"""The target: a port on which transports begin, by websocket and by long polling."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import sys

from aiohttp import web
from aiohttp.http import HttpProcessingError

from .neighbours import Neighbours
from .options import ListenOptions
from .sessions import PageHandler, Sessions
from .transport import Transport

_LOGGER = logging.getLogger(__name__)


def _is_ours(record: logging.LogRecord) -> bool:
    """Whether a fault is of this program: clients that break the rules of HTTP, or go, are nothing to tell."""
    return not (record.exc_info and isinstance(record.exc_info[1], (HttpProcessingError, ConnectionError)))


_LOGGER.addFilter(_is_ours)


class Listener:
    """``async with Listener(...) as listener: async for transport in listener: ...``

    Serves the paths of both dialects below ``path``, the path of the service's location. ``port`` 0: any free one,
    which ``listener.port`` then tells. ``ssl_context``: with it, TLS. ``pages``: answers requests for other paths.
    """

    def __init__(
        self,
        host: str | None,
        port: int,
        path: str = "/",
        ssl_context: ssl.SSLContext | None = None,
        options: ListenOptions | None = None,
        pages: PageHandler | None = None,
    ) -> None:
        self._address = (host, port)
        self._ssl = ssl_context
        self._options = options or ListenOptions()
        self._sessions = Sessions(path, self._options, pages)
        self._neighbours = Neighbours(self._options.connections_per_place, self._options.place)
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
            self._sessions.serve,
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
        if (transport := await self._sessions.next()) is None:
            raise StopAsyncIteration
        return transport

    async def close(self) -> None:
        """Listens no more and closes all transports; nothing is left when it returns."""
        if not self._server or not self._web or not self._server.is_serving():
            return
        self._server.close()
        await self._sessions.close()
        await self._web.shutdown(1.0)

    def _protocol(self) -> asyncio.Protocol:
        assert self._web
        if len(self._web.connections) >= self._options.connections:
            return _Refusal()
        inner = self._web()
        return (
            inner
            if self._options.connections_per_place >= self._options.connections
            else self._neighbours.protocol(inner)
        )

    def _cut_who_do_not_read(self) -> None:
        """What a closed connection still has to say would wait for ever for those who do not read."""
        if sys.platform == "linux" and self._server:
            milliseconds = round(1000 * (self._options.ping_interval + self._options.ping_timeout))
            for listening in self._server.sockets:
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)


class _Refusal(asyncio.Protocol):
    """For a connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
