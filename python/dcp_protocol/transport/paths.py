"""Where a service listens for Socket.IO, below its location."""

from __future__ import annotations

from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from .failures import TransportError

V4 = ""
"""dcp-client 4: the location's own path (protocol/transports/socketio.js, buildOptions)."""

V5 = "dcp5/socketio"
"""dcp-client 5: added to the location's path, as it is."""


def socket_path(location: str, dialect: str) -> str:
    """The path of requests. Socket.IO's programs see to it that it ends with a slash."""
    return ((urlsplit(location).path or "/") + dialect).rstrip("/") + "/"


def check(location: str) -> None:
    """Raises TransportError (EINVAL) for a location that is no http or https URL."""
    try:
        parts = urlsplit(location)
        usable = parts.scheme in ("http", "https") and bool((parts.hostname or "").encode("idna")) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not location.isprintable():
        raise TransportError("EINVAL", "the location of a service must be an http or https URL", permanent=True)


def socket_url(location: str, dialect: str, carrier: str, sid: str | None = None) -> str:
    """``carrier``: ``websocket`` or ``polling``."""
    parts = urlsplit(location)
    query = f"EIO=4&transport={carrier}" + (f"&sid={quote(sid, safe='')}" if sid else "")
    return urlunsplit((parts.scheme, parts.netloc, socket_path(location, dialect), query, ""))


def redirected(location: str, dialect: str, target: str) -> str:
    """The location that a redirect's ``Location`` header names: its origin and path.

    DCP's redirects name the location of a service (protocol/transports/http-bearer.js), those of web servers the path
    below it: both work. Raises TransportError for a redirect that leads nowhere, or from https to http.
    """
    moved = _moved(location, dialect, target)
    check(moved)
    if moved == urlunsplit((*urlsplit(location)[:2], urlsplit(location).path or "/", "", "")):
        raise TransportError("ELOOP", f"{location} redirects to itself", permanent=True)
    if location.lower().startswith("https:") and not moved.startswith("https:"):
        raise TransportError("EPERM", f"{location} redirects to a URL without TLS, {moved}", permanent=True)
    return moved


def _moved(location: str, dialect: str, target: str) -> str:
    try:
        to = urlsplit(urljoin(socket_url(location, dialect, "polling"), target))
    except ValueError:
        raise TransportError("EINVAL", "a redirect names no URL", permanent=True) from None
    path = to.path or "/"
    if dialect and path.rstrip("/").endswith("/" + dialect):
        path = path.rstrip("/").removesuffix(dialect)
    return urlunsplit((to.scheme, to.netloc, path, "", ""))
