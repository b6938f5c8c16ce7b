"""Descriptors that are short: those that a program may have open, and those that a user may have on their way.

The kernel counts descriptors in messages that nobody has taken yet, over all programs of a user (ETOOMANYREFS).
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Sequence

from ..errors import reason_of

PATIENCE = 1.0
_PAUSE = 0.005
_OF_THE_USER = (
    "open files of this user are on their way between programs that do not take them; end those, or raise the limit "
    "with ulimit -n"
)


def shortage(error: OSError) -> str | None:
    """What is short, with the remedy, where descriptors are: others may have taken them, and may give them back."""
    if error.errno == errno.ETOOMANYREFS:
        return f"{error.strerror}; {_OF_THE_USER}"
    return reason_of(error) if error.errno in (errno.EMFILE, errno.ENFILE) else None


def send_descriptors(
    connection: socket.socket, data: bytes, descriptors: Sequence[int], flags: int = 0, patience: float = PATIENCE
) -> None:
    """As ``socket.send_fds``; for ``patience`` seconds it waits while others have too many on their way.

    Raises OSError.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            socket.send_fds(connection, [data], descriptors, flags | socket.MSG_NOSIGNAL)
        except OSError as error:
            if error.errno != errno.ETOOMANYREFS or time.monotonic() >= deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return
