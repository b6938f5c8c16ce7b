"""Making a sandbox: its sockets, and the request to the zygote that hands their other ends to it."""

from __future__ import annotations

import socket

from .. import _native
from ..processes.passing import PATIENCE
from ..processes.zygote import Zygote

_CHANNEL_BUFFER = 1 << 20


def spawn_on(
    zygote: Zygote, channel_in: int, channel_out: int, patience: float = PATIENCE
) -> tuple[int, socket.socket]:
    """A sandbox on these descriptors, which stay the caller's. It gets ready while the caller goes on.

    ``patience``: seconds to wait where too many descriptors are on their way.
    Returns its number and our end of its service socket. Raises ZygoteError, OSError.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        try:
            return zygote.spawn(channel_in, channel_out, theirs.fileno(), patience), ours
        except BaseException:
            ours.close()
            raise


def spawn_sandbox(zygote: Zygote, patience: float = PATIENCE) -> tuple[int, _native.FrameChannel, socket.socket]:
    """A sandbox that speaks frames: its number, our ends of its channel and of its service socket.

    Raises ZygoteError, OSError.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with theirs:
        try:
            for end in (ours, theirs):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _CHANNEL_BUFFER)
            number, service_socket = spawn_on(zygote, theirs.fileno(), theirs.fileno(), patience)
        except BaseException:
            ours.close()
            raise
    return number, _native.FrameChannel(ours.detach()), service_socket
