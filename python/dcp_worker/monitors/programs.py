"""Which of some programs run."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

from .files import text

_KERNELS_LENGTH: Final = 15  # of a name in /proc/PID/comm
_SETTLED: Final = 3  # looks after which most programs are what they will be
_ALL_AGAIN: Final = 6
"""Each so many looks all processes are read: some set out as another program."""
_SEPARATORS: Final = re.compile(r"[/\\]")


def hidden(root: Path = Path("/")) -> bool:
    """Whether processes of other users cannot be seen: the mount option hidepid."""
    return not text(root / "proc/1/comm")


class Programs:
    """Compared with a process's name and with the file that it was started from, without its folder.

    Of programs for Windows that is the last part of ``C:\\...\\game.exe``. Upper and lower case are the same.
    """

    def __init__(self, names: Collection[str], root: Path = Path("/")) -> None:
        self._proc = root / "proc"
        self._wanted = {name.casefold(): name for name in names}
        self._short = {name[:_KERNELS_LENGTH]: known for name, known in self._wanted.items()}
        self._others: dict[str, int] = {}
        self._looks = 0

    def running(self) -> frozenset[str]:
        """Those that run. A process that was something else in a few looks is not read in each that follows."""
        self._looks += 1
        everything = self._looks % _ALL_AGAIN == 0
        before, self._others = self._others, {}
        found: set[str] = set()
        for name in _processes(self._proc):
            looks = before.get(name, 0)
            if looks < _SETTLED or everything:
                if match := _match(self._proc / name, self._wanted, self._short):
                    found.add(match)
                    continue
                looks += 1
            self._others[name] = looks
        return frozenset(found)


def _processes(proc: Path) -> list[str]:
    try:
        return [name for name in os.listdir(proc) if name.isdigit()]  # noqa: PTH208 (no path for each is needed)
    except OSError:
        return []


def _match(process: Path, wanted: dict[str, str], short: dict[str, str]) -> str | None:
    """The kernel's name is that of the file or of a thread's choice, and no longer than ``_KERNELS_LENGTH``."""
    try:
        comm = (process / "comm").read_text(errors="replace").rstrip("\n").casefold()
        command = (process / "cmdline").read_bytes()
    except OSError:
        return None
    first = command.split(b"\0", 1)[0].decode(errors="replace")
    file = _SEPARATORS.split(first)[-1].casefold()
    if file in wanted:
        return wanted[file]
    if len(comm) < _KERNELS_LENGTH:
        return wanted.get(comm)
    return short.get(comm)
