"""One try of the initiator, with one carrier."""

from __future__ import annotations

import asyncio
import ssl
from typing import Literal

import aiohttp

from . import paths
from .client_machine import ClientMachine
from .failures import TransportError
from .http_failures import failure, refusal, stop_at_redirects
from .options import ConnectOptions
from .polling_carrier import PollingCarrier, feed_body
from .transport import Transport
from .websocket_carrier import WebSocket, WebSocketCarrier


class Attempt:
    """Raises RedirectError, too, where the service has moved."""

    def __init__(
        self, location: str, options: ConnectOptions, context: ssl.SSLContext | None, proxy: str | None
    ) -> None:
        self._location = location
        self._options = options
        self._machine = ClientMachine(
            asyncio.get_running_loop().time(), limits=options.limits, ack_mode=options.ack_mode
        )
        self._transport = Transport(self._machine, location)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context or True),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"X-DCP": options.footprint, "User-Agent": options.footprint, "Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=None),
            proxy=proxy,
            auto_decompress=False,
            middlewares=[stop_at_redirects],
        )

    async def run(self, carrier: Literal["websocket", "polling"]) -> Transport:
        """The transport, open; nothing is left of a try that failed."""
        try:
            await (self._by_websocket() if carrier == "websocket" else self._by_polling())
        except BaseException:
            self._transport.end(TransportError("EPIPE", "given up"))
            await self._transport.close()
            await self._session.close()
            raise
        return self._transport

    async def _by_websocket(self) -> None:
        try:
            async with asyncio.timeout(self._options.websocket_seconds):
                self._transport.carry(WebSocketCarrier(await self._websocket(), self._session))
                await self._transport.until_open()
        except TimeoutError:
            raise TransportError("ETIMEDOUT", f"no answer by websocket from {self._location}") from None

    async def _websocket(self) -> WebSocket:
        most = self._options.limits.packet_bytes
        try:
            return await self._session.ws_connect(self._url("websocket"), max_msg_size=most, decode_text=False)
        except (aiohttp.ClientError, OSError) as error:
            raise failure(error, self._location) from None

    async def _by_polling(self) -> None:
        try:
            async with self._session.get(self._url("polling")) as response:
                if response.status != 200:
                    raise refusal(response.status, self._location)
                await feed_body(response.content, self._transport, self._options.limits)
        except (aiohttp.ClientError, OSError) as error:
            raise failure(error, self._location) from None
        if not (handshake := self._machine.handshake):
            raise self._transport.error or TransportError("EPROTO", "no handshake came")
        url = self._url("polling", handshake.sid)
        self._transport.carry(PollingCarrier(self._session, url, handshake.max_payload, self._options.limits))
        await self._transport.until_open()

    def _url(self, carrier: str, sid: str | None = None) -> str:
        return paths.socket_url(self._location, self._options.dialect, carrier, sid)
