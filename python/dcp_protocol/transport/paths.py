"""Where a service listens for Socket.IO, below its location."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit, urlunsplit

from .failures import TransportError

V4 = ""
"""dcp-client 4: the location's own path (protocol/transports/socketio.js, buildOptions)."""

V5 = "dcp5/socketio"
"""dcp-client 5: added to the location's path, as it is."""


def socket_path(location: str, dialect: str) -> str:
    """The path of requests. Socket.IO's programs see to it that it ends with a slash."""
    return ((urlsplit(location).path or "/") + dialect).rstrip("/") + "/"


def socket_url(location: str, dialect: str, carrier: str, sid: str | None = None) -> str:
    """``carrier``: ``websocket`` or ``polling``. Raises TransportError for a location that is no http or https URL."""
    try:
        parts = urlsplit(location)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise TransportError("EINVAL", "the location of a service must be an http or https URL", permanent=True)
    query = f"EIO=4&transport={carrier}" + (f"&sid={sid}" if sid else "")
    return urlunsplit((parts.scheme, parts.netloc, socket_path(location, dialect), query, ""))


def redirected(location: str, dialect: str, target: str) -> str:
    """The location that a redirect's ``Location`` header names: its origin and path.

    DCP's redirects name the location of a service (protocol/transports/http-bearer.js), those of web servers the path
    below it: both work. Raises TransportError for a redirect that leads nowhere, or from https to http.
    """
    try:
        to = urlsplit(urljoin(socket_url(location, dialect, "polling"), target))
        origin = (to.scheme, to.netloc)
        path = to.path or "/"
        if dialect and path.rstrip("/").endswith("/" + dialect):
            path = path.rstrip("/").removesuffix(dialect)
        moved = urlunsplit((*origin, path, "", ""))
        socket_url(moved, dialect, "polling")
    except ValueError:
        raise TransportError("EINVAL", "a redirect names no URL", permanent=True) from None
    before = urlsplit(location)
    if (before.scheme, before.netloc, before.path or "/") == (*origin, path):
        raise TransportError("ELOOP", f"{location} redirects to itself", permanent=True)
    if before.scheme == "https" and to.scheme != "https":
        raise TransportError("EPERM", f"{location} redirects to a URL without TLS, {moved}", permanent=True)
    return moved
