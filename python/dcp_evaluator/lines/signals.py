"""Signals as input for a selector: they interrupt nothing."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterable

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Takes ``numbers``; those that are ignored stay ignored. On the main thread of a program only."""

    def __init__(self, numbers: Iterable[int] = ENDING) -> None:
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        for number in numbers:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda number, frame: None)

    def fileno(self) -> int:
        return self._read.fileno()

    def receive(self) -> list[int]:
        """Those that have come, in their order. Others (SIGCHLD, say) have no handler and send nothing."""
        try:
            return list(self._read.recv(64))
        except BlockingIOError:
            return []

    def close(self) -> None:
        signal.set_wakeup_fd(-1)
        self._read.close()
        self._write.close()
