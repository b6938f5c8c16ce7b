"""A service manager for tests: the socket that a service tells it by, and sockets that it hands over."""

from __future__ import annotations

import contextlib
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

DEADLINE = 60.0


class StandInManager:
    """Listens as systemd does, on a socket of ``folder``, or of a name without a file."""

    def __init__(self, folder: Path, name: str | None = None) -> None:
        self.address = name if name else str(folder / "notify")
        self.told: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + name[1:] if name else self.address)
        self._socket.settimeout(0.2)

    @property
    def environment(self) -> dict[str, str]:
        return {"NOTIFY_SOCKET": self.address}

    def wait_for(self, *texts: str) -> None:
        """Until each of them has been told, as a line or as the beginning of one."""
        deadline = time.monotonic() + DEADLINE
        while missing := [text for text in texts if not any(line.startswith(text) for line in self.told)]:
            assert time.monotonic() < deadline, f"never told {missing}, but {self.told}"
            self.read()

    def read(self) -> None:
        """What comes within a moment."""
        try:
            self.told += self._socket.recv(4096).decode().splitlines()
        except TimeoutError:
            return

    def read_all(self) -> None:
        """What has come."""
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.told += self._socket.recv(4096).decode().splitlines()

    def __enter__(self) -> StandInManager:
        return self

    def __exit__(self, *exception: object) -> None:
        self._socket.close()


_HANDS_OVER = """
import os, sys
copies = [os.dup(int(each)) for each in sys.argv[1].split(",")]
for place, copy in enumerate(copies):
    os.dup2(copy, 3 + place)
    os.set_inheritable(3 + place, True)  # dup2 leaves one that is in its place
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(copies)), LISTEN_FDNAMES="evaluator")
os.execv(sys.argv[2], sys.argv[2:])
"""


def with_sockets(command: Sequence[str], *sockets: socket.socket) -> list[str]:
    """The command, which gets them as a service does; they are to be its ``pass_fds``."""
    numbers = ",".join(str(each.fileno()) for each in sockets)
    return [sys.executable, "-c", _HANDS_OVER, numbers, *command]
