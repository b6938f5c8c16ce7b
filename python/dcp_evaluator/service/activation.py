"""Listening sockets that a service manager has opened for us: sd_listen_fds(3)."""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping

from ..errors import UsageError

_PROCESS, _COUNT, _NAMES = "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"
_FIRST = 3
_MOST = 64


def activated_listeners(environment: MutableMapping[str, str] = os.environ) -> list[socket.socket]:
    """TCP sockets that listen, without blocking; none where this process was started in another way.

    Takes the variables away: they are not meant for the programs that we start, and neither are the sockets. Raises
    UsageError for a socket of another kind.
    """
    process, count = environment.pop(_PROCESS, ""), environment.pop(_COUNT, "")
    environment.pop(_NAMES, None)
    if process != str(os.getpid()) or not (count.isascii() and count.isdigit() and len(count) <= 4):
        return []
    if int(count) > _MOST:
        raise UsageError(f"the service manager has passed {count} sockets, more than {_MOST}")
    return [_listener(descriptor) for descriptor in range(_FIRST, _FIRST + int(count))]


def _listener(descriptor: int) -> socket.socket:
    try:
        os.set_inheritable(descriptor, False)
        listener = socket.socket(fileno=descriptor)
    except OSError as error:
        raise UsageError(f"the service manager has passed no socket as descriptor {descriptor}: {error}") from None
    listens = listener.type == socket.SOCK_STREAM and listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    if listener.family not in (socket.AF_INET, socket.AF_INET6) or not listens:
        raise UsageError(
            f"descriptor {descriptor} of the service manager is no TCP socket that listens: "
            "the unit of the socket needs ListenStream= with a port, and Accept=no"
        )
    listener.setblocking(False)
    return listener
