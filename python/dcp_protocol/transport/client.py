"""The initiator: a transport to the service at a location."""

from __future__ import annotations

import asyncio
import ssl

from ..errors import ProtocolError
from ..proxies import proxy_for
from . import paths, tls
from .attempt import Attempt
from .failures import NO_TRANSPORT_LEFT, TRANSIENT, TransportError
from .http_failures import RedirectError, UnreachableError
from .options import ConnectOptions
from .transport import Transport

_MOST_REDIRECTS = 5


async def connect(location: str, options: ConnectOptions | None = None) -> Transport:
    """A transport to the service at ``location``, an http or https URL, that has been announced on both sides.

    It goes through the proxies that the environment names (http_proxy, https_proxy, no_proxy), and follows redirects;
    ``Transport.location`` tells where it led. Raises TransportError: DCPC-1014 when no carrier will ever do
    (``permanent``), else DCP_TRANSPORT_FAILURE_TRANSIENT: try again later (protocol/transports/socketio.js).
    """
    options = options or ConnectOptions()
    try:
        async with asyncio.timeout(options.connect_seconds):
            return await _follow(location, options)
    except TimeoutError:
        reason = f"{location} has not answered for {options.connect_seconds:g} s"
        raise TransportError(TRANSIENT, reason) from None
    except TransportError as error:
        code = NO_TRANSPORT_LEFT if error.permanent else TRANSIENT
        raise TransportError(code, str(error), permanent=error.permanent) from None


async def _follow(location: str, options: ConnectOptions) -> Transport:
    for _ in range(_MOST_REDIRECTS + 1):
        try:
            return await _connect(location, options)
        except RedirectError as redirect:
            location = paths.redirected(location, options.dialect, redirect.target)
    raise TransportError("ELOOP", f"more than {_MOST_REDIRECTS} redirects, at last to {location}", permanent=True)


async def _connect(location: str, options: ConnectOptions) -> Transport:
    paths.check(location)
    proxy, context = _proxy(location), await _context(location, options)
    failure = TransportError("EINVAL", "no carrier is left to be tried", permanent=True)
    for carrier in options.carriers:
        try:
            return await Attempt(location, options, context, proxy).run(carrier)
        except UnreachableError:
            raise
        except TransportError as error:
            failure = error
    raise failure


def _proxy(location: str) -> str | None:
    try:
        return proxy_for(location)
    except ProtocolError as error:
        raise TransportError(error.code, str(error), permanent=True) from None


async def _context(location: str, options: ConnectOptions) -> ssl.SSLContext | None:
    if options.ssl_context or not location.lower().startswith("https:"):
        return options.ssl_context
    return await tls.system_context()
