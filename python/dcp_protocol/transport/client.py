"""The initiator: a transport to the service at a location."""

from __future__ import annotations

import asyncio
import platform
import ssl
import time
from dataclasses import dataclass, field
from importlib import metadata

import aiohttp

from . import paths, tls
from .client_machine import ClientMachine
from .engine_io import PacketSplitter
from .failures import (
    NO_TRANSPORT_LEFT,
    TRANSIENT,
    TransportError,
    is_permanent,
    is_redirect,
)
from .limits import Limits
from .polling_carrier import HEADERS, PollingCarrier
from .transport import Carrier, Transport
from .websocket_carrier import WebSocketCarrier

_MOST_REDIRECTS = 5
_NO_COMPRESSION = {"Accept-Encoding": "identity"}


def _footprint() -> str:
    return f"python-{platform.python_version()} release {metadata.version('dcp-evaluator')}"


@dataclass(frozen=True)
class Options:
    """``dialect``: ``paths.V4`` or ``paths.V5``. Times are seconds.

    ``carriers``: which are tried, in this order; ``websocket_seconds``: after which a websocket that is neither
    accepted nor refused, by some proxy, is given up. ``ssl_context``: None for the system's certificates.
    ``footprint``: the value of the header ``X-DCP``.
    """

    dialect: str = paths.V5
    connect_seconds: float = 60.0
    websocket_seconds: float = 10.0
    carriers: tuple[str, ...] = ("websocket", "polling")
    ssl_context: ssl.SSLContext | None = None
    limits: Limits = field(default_factory=Limits)
    ack_mode: bool = False
    footprint: str = field(default_factory=_footprint)


async def connect(location: str, options: Options | None = None) -> Transport:
    """A transport to the service at ``location``, an http or https URL, that has been announced on both sides.

    It goes through the proxies that the environment names (http_proxy, https_proxy, no_proxy), and follows redirects;
    ``Transport.location`` tells where it led. Raises TransportError: DCPC-1014 when no carrier will ever do
    (``permanent``), else DCP_TRANSPORT_FAILURE_TRANSIENT: try again later (protocol/transports/socketio.js).
    """
    options = options or Options()
    try:
        async with asyncio.timeout(options.connect_seconds):
            for _ in range(_MOST_REDIRECTS + 1):
                try:
                    return await _connect(location, options)
                except _RedirectError as redirect:
                    location = paths.redirected(location, options.dialect, redirect.target)
            raise TransportError(
                "ELOOP", f"more than {_MOST_REDIRECTS} redirects, at last to {location}", permanent=True
            )
    except TimeoutError:
        reason = f"{location} has not answered for {options.connect_seconds:g} s"
        raise TransportError(TRANSIENT, reason) from None
    except TransportError as error:
        raise TransportError(
            NO_TRANSPORT_LEFT if error.permanent else TRANSIENT, str(error), permanent=error.permanent
        ) from None


class _RedirectError(Exception):
    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.target = target


class _UnreachableError(TransportError):
    """No other carrier would do better."""


async def _connect(location: str, options: Options) -> Transport:
    failure = TransportError("EINVAL", "no carrier is left to be tried", permanent=True)
    for carrier in options.carriers:
        attempt = _Attempt(location, options, await _context(location, options))
        try:
            return await (attempt.websocket() if carrier == "websocket" else attempt.polling())
        except _UnreachableError:
            await attempt.abandon()
            raise
        except TransportError as error:
            failure = error
            await attempt.abandon()
        except BaseException:
            await attempt.abandon()
            raise
    raise failure


async def _context(location: str, options: Options) -> ssl.SSLContext | bool:
    if options.ssl_context or not location.lower().startswith("https:"):
        return options.ssl_context or True
    return await asyncio.to_thread(tls.system_context)


class _Attempt:
    """One try with one carrier."""

    def __init__(self, location: str, options: Options, context: ssl.SSLContext | bool) -> None:
        self._location = location
        self._options = options
        self._machine = ClientMachine(time.monotonic(), limits=options.limits, ack_mode=options.ack_mode)
        self._transport = Transport(self._machine, location)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context),
            headers={"X-DCP": options.footprint, "User-Agent": options.footprint},
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=True,
            auto_decompress=False,
            middlewares=[_stop_at_redirects],
        )

    async def websocket(self) -> Transport:
        url = paths.socket_url(self._location, self._options.dialect, "websocket")
        most = self._options.limits.packet_bytes
        try:
            async with asyncio.timeout(self._options.websocket_seconds):
                websocket = await self._session.ws_connect(url, max_msg_size=most, headers=_NO_COMPRESSION)
        except TimeoutError:
            raise TransportError("ETIMEDOUT", f"no websocket to {self._location}: no answer") from None
        except aiohttp.WSServerHandshakeError as error:
            reason = f"{self._location} or a proxy refuses websockets: HTTP status {error.status}"
            raise TransportError("EPROTO", reason, permanent=is_permanent(error.status)) from None
        except (aiohttp.ClientError, OSError) as error:
            raise self._failure(error) from None
        return await self._open(WebSocketCarrier(websocket))

    async def polling(self) -> Transport:
        limits = self._options.limits
        url = paths.socket_url(self._location, self._options.dialect, "polling")
        splitter = PacketSplitter(limits.packet_bytes)
        try:
            async with self._session.get(url, headers=HEADERS) as response:
                if response.status != 200:
                    reason = f"{self._location} answers with HTTP status {response.status}"
                    raise TransportError("EPROTO", reason, permanent=is_permanent(response.status))
                async for chunk in response.content.iter_any():
                    for packet in splitter.feed(chunk):
                        await self._transport.feed(packet)
                await self._transport.feed(splitter.last())
        except (aiohttp.ClientError, OSError) as error:
            raise self._failure(error) from None
        if not (handshake := self._machine.handshake):
            assert self._transport.error
            raise TransportError("EPROTO", str(self._transport.error), permanent=True)
        session_url = paths.socket_url(self._location, self._options.dialect, "polling", handshake.sid)
        return await self._open(PollingCarrier(self._session, session_url, handshake.max_payload, limits))

    async def abandon(self) -> None:
        """Leaves nothing of a try that failed."""
        self._transport.end(TransportError("EPIPE", "given up"))
        await self._transport.close()
        await self._session.close()

    async def _open(self, carrier: Carrier) -> Transport:
        self._transport.carry(_WithSession(carrier, self._session))
        await self._transport.until_open()
        return self._transport

    def _failure(self, error: aiohttp.ClientError | OSError) -> TransportError:
        location = self._location
        if isinstance(error, (aiohttp.ClientError, ssl.SSLError)) and (failure := tls.tls_error(error, location)):
            return _UnreachableError(failure.code, str(failure), permanent=True)
        if isinstance(error, aiohttp.ClientHttpProxyError):
            reason = f"the proxy that the environment names refuses {location}: HTTP status {error.status}"
            return _UnreachableError("EPROXY", reason, permanent=is_permanent(error.status))
        if isinstance(error, aiohttp.ClientProxyConnectionError):
            reason = f"the proxy that the environment names (http_proxy, https_proxy) cannot be reached: {error}"
            return _UnreachableError("EPROXY", reason)
        if isinstance(error, aiohttp.ClientConnectorError):
            return _UnreachableError("ECONNREFUSED", f"{location} cannot be reached: {error}")
        if isinstance(error, aiohttp.InvalidURL):
            return _UnreachableError("EINVAL", f"{location} is no URL of a service", permanent=True)
        return TransportError("ECONNRESET", f"{location} did not answer as a service does: {error}")


class _WithSession:
    """A carrier whose session ends with it."""

    def __init__(self, carrier: Carrier, session: aiohttp.ClientSession) -> None:
        self.read = carrier.read
        self.write = carrier.write
        self._carrier = carrier
        self._session = session

    async def close(self) -> None:
        await self._carrier.close()
        await self._session.close()


async def _stop_at_redirects(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    response = await handler(request)
    if is_redirect(response.status) and (target := response.headers.get("Location")):
        response.close()
        raise _RedirectError(target)
    return response
