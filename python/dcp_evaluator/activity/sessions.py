"""Activity on terminals: somebody types in one, of a desktop, over ssh, or at the console."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from ..errors import MonitorError
from .monitor import Host

_PERIOD = 1.0
"""Seconds between looks. The kernel tells nobody of input on a terminal (it would give passwords away), not by inotify
either; what it keeps is the time of the last read, to 8 seconds (drivers/tty/tty_io.c, tty_update_time)."""

_CONSOLES = Path("/dev")


class SessionMonitor:
    """A terminal is in use for ``idle_timeout`` seconds after it was last read from. This process's do not count."""

    def __init__(self, terminals: Path, idle_timeout: float, remedy: str) -> None:
        """``terminals``: the folder of pseudo terminals, normally ``/dev/pts``. ``remedy``: what to do without it."""
        self._terminals = terminals
        self._idle_timeout = idle_timeout
        self._remedy = remedy
        self._own = _own_terminals()
        self._last = ""
        self._timer: asyncio.TimerHandle | None = None

    async def start(self, host: Host) -> None:
        try:
            os.scandir(self._terminals).close()
        except OSError as error:
            raise MonitorError(
                f"the session monitor cannot read {self._terminals}: {error.strerror}; {self._remedy}"
            ) from None
        self._look(host)

    def activity(self) -> str:
        """Looks anew."""
        since = time.time() - self._idle_timeout
        for path in self._candidates():
            with contextlib.suppress(OSError):  # it has just been closed
                found = path.stat()
                if stat.S_ISCHR(found.st_mode) and found.st_rdev not in self._own and found.st_atime > since:
                    return f"terminal {path}"
        return ""

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self, host: Host) -> None:
        now = self.activity()
        if now != self._last:
            self._last = now
            host.changed()
        self._timer = asyncio.get_running_loop().call_later(_PERIOD, self._look, host)

    def _candidates(self) -> Iterator[Path]:
        with contextlib.suppress(OSError):
            yield from (path for path in self._terminals.iterdir() if path.name != "ptmx")
        yield from _CONSOLES.glob("tty[1-9]*")


def _own_terminals() -> set[int]:
    """Device numbers."""
    own = set()
    for fd in range(3):
        with contextlib.suppress(OSError):
            found = os.fstat(fd)
            if os.isatty(fd):
                own.add(found.st_rdev)
    return own
