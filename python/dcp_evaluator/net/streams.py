"""Whole reads and writes on descriptors that were inherited, whether they block or not."""

from __future__ import annotations

import os
import select

_CHUNK = 1 << 16


def read_some(fd: int) -> bytes:
    """What is there, after waiting for it; empty at the end. Raises OSError."""
    while True:
        try:
            return os.read(fd, _CHUNK)
        except BlockingIOError:
            _wait(fd, select.POLLIN)


def write_all(fd: int, data: bytes) -> None:
    """Raises OSError: BrokenPipeError when the reader has left."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            _wait(fd, select.POLLOUT)


def _wait(fd: int, events: int) -> None:
    poll = select.poll()
    poll.register(fd, events)
    poll.poll()
