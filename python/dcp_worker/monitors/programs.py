"""Which of some programs run."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

from .files import folders, text

_KERNELS_LENGTH: Final = 15  # of a name in /proc/PID/comm
_SEPARATORS: Final = re.compile(r"[/\\]")


def hidden(root: Path = Path("/")) -> bool:
    """Whether processes of other users cannot be seen: the mount option hidepid."""
    return not text(root / "proc/1/comm")


def running(names: Collection[str], root: Path = Path("/")) -> frozenset[str]:
    """Compared with the process's name and with the file that it was started from, without its folder.

    Of programs for Windows that is the last part of ``C:\\...\\game.exe``. Upper and lower case are the same.
    """
    wanted = {name.casefold(): name for name in names}
    short = {name[:_KERNELS_LENGTH]: known for name, known in wanted.items()}
    found: set[str] = set()
    for process in folders(root / "proc"):
        if process.name.isdigit() and (name := _match(process, wanted, short)):
            found.add(name)
    return frozenset(found)


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
