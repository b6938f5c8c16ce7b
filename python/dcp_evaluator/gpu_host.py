"""One GPU host, and where its messages go."""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
from collections.abc import Sequence

from . import gpu_messages
from .child import Child
from .host_environment import host_environment


class GpuHost(Child):
    """A running dcp-gpu-host. What it writes to stderr comes to ours, within the limits of gpu_messages."""

    def __init__(self, arguments: Sequence[str]) -> None:
        """Raises OSError when it cannot be started."""
        self._messages: threading.Thread | None = None
        if sys.__stderr__ is None:  # descriptor 2 may be anything then
            super().__init__(arguments, socket.SOCK_STREAM, host_environment())
            return
        read, write = os.pipe()
        try:
            self._messages = _listener(read)
            super().__init__(arguments, socket.SOCK_STREAM, host_environment(), stderr=write)
        finally:
            os.close(write)

    def end(self, grace: float = 0.0) -> None:
        super().end(grace)
        if self._messages is not None:
            self._messages.join(1.0)  # its last words come before ours


def _listener(read: int) -> threading.Thread:
    """A thread that ends with the other end of the pipe. Raises OSError."""
    thread = threading.Thread(target=gpu_messages.pass_on, args=(read, gpu_messages.write_to_stderr), daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        os.close(read)
        raise OSError(errno.EAGAIN, "no thread can be started") from error
    return thread
