"""``dcp-evaluator-manager`` as a process, and a terminal that somebody types in."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import tty
from collections.abc import Mapping
from pathlib import Path

from cli_driver import DEADLINE
from dcp_client import MANAGER
from line_peer import Listener
from priority import TIMELY
from process_tree import children

WITHOUT_MONITORS = tuple(f"--disable-monitor={name}" for name in ("session", "screensaver", "signal"))


class Manager(Listener):
    """On a port of its own."""

    def __init__(
        self, modules: Path, *options: str, environment: Mapping[str, str] | None = None, terminal: int | None = None
    ) -> None:
        super().__init__(
            [MANAGER, "-p", "0", "--verbose", *options],
            environment={"PATH": "/usr/bin:/bin", "NODE_PATH": str(modules), **TIMELY, **(environment or {})},
            stdin=subprocess.DEVNULL if terminal is None else terminal,
        )

    def serves(self) -> bool:
        """Whether a connection gets an evaluator."""
        with self.connect() as peer:
            try:
                return peer.ask("echo here") == "here"
            except BrokenPipeError:
                return False

    def evaluators(self) -> list[int]:
        return children(self.process.pid)

    def end(self) -> int:
        """By SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE)


class Terminal:
    """A pseudo terminal that nobody has used for an hour, and a folder that holds it alone."""

    def __init__(self, folder: Path) -> None:
        self._keyboard, self.fd = os.openpty()
        tty.setraw(self.fd)
        self.path = Path(os.ttyname(self.fd))
        self.folder = folder / "pts"
        self.folder.mkdir()
        (self.folder / self.path.name).symlink_to(self.path)
        self.leave()

    def type(self) -> None:
        """A key is pressed, and the program in the terminal reads it."""
        os.write(self._keyboard, b"x")
        assert os.read(self.fd, 1) == b"x"

    def leave(self) -> None:
        """As if an hour had passed."""
        os.utime(self.path, (time.time() - 3600,) * 2)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._keyboard)
        os.close(self.fd)
