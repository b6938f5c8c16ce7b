"""Listening TCP sockets, and what each connection of them gets."""

from __future__ import annotations

import contextlib
import errno
import resource
import socket
from collections.abc import Callable

from ..errors import UsageError, reason_of

ACCEPT_PAUSE = 0.1
"""Seconds without accepting, when the system has no descriptor or memory for one more connection."""

_OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_BACKLOG = 1024
_ACCEPTED_AT_ONCE = 64
_PROBES = 5


def allow_many_descriptors() -> None:
    """Each connection takes a few, here or in the zygote, which inherits the limit."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def accept_waiting(
    listener: socket.socket, serve: Callable[[socket.socket], None], tell: Callable[[str], None]
) -> bool:
    """Gives ``serve`` the connections that wait, which may be only the first of many, and ``tell`` a failure.

    False where resources are short: then nothing is to be accepted for ``ACCEPT_PAUSE``.
    """
    for _ in range(_ACCEPTED_AT_ONCE):
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return True
        except OSError as error:
            tell(f"a connection cannot be accepted: {reason_of(error)}")
            return error.errno not in _OUT_OF_RESOURCES
        serve(connection)
    return True


def prepare_connection(connection: socket.socket, peer_timeout: int) -> None:
    """For the process that gets it: blocking, without delay, and noticing a peer that has vanished. Raises OSError.

    ``peer_timeout``: seconds until then, whether bytes are under way to the peer, wait for it, or neither.
    """
    connection.setblocking(True)
    for level, option, value in (
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, peer_timeout // 2),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, peer_timeout // (2 * _PROBES))),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES),
        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, peer_timeout * 1000),
    ):
        connection.setsockopt(level, option, value)


def peer_name(connection: socket.socket) -> str:
    """Its address and port, as ``127.0.0.1:51234`` or ``[::1]:51234``; empty where the peer has gone."""
    try:
        return address_name(*connection.getpeername()[:2])
    except (OSError, TypeError):
        return ""


def address_name(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def listen(address: str, port: int) -> list[socket.socket]:
    """Listening sockets on every address of that name; at least one. Raises UsageError."""
    try:
        found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not a host name"
        raise UsageError(f"the address {address!r} cannot be resolved: {reason}") from None
    listeners: list[socket.socket] = []
    for family, (host, _, *scope) in sorted({(entry[0], entry[4]) for entry in found}, key=lambda entry: entry[0]):
        try:
            listeners.append(_bind(family, (host, port, *scope)))
            port = listeners[0].getsockname()[1]  # where it was 0, all on the port that the first one got
        except OSError as error:
            # A machine without IPv6 has no ::1; any other fault counts.
            if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT) and listeners:
                continue
            for listener in listeners:
                listener.close()
            reason = f"{error.strerror}{_remedy(error)}"
            raise UsageError(f"cannot listen on {address} port {port}: {reason}") from None
    return listeners


def _bind(family: int, where: tuple[object, ...]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(where)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _remedy(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "; another program uses the port, choose one with -p"
    if error.errno == errno.EACCES:
        return "; ports below 1024 need privileges, choose another with -p"
    if error.errno == errno.EADDRNOTAVAIL:
        return "; this machine has no such address"
    return ""
