"""How much memory there is: of the machine, or of the control groups that this program is in."""

from __future__ import annotations

import os
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60  # cgroup 1 writes "no limit" as a number near 2 ** 63


def of_machine() -> int:
    """Bytes that this program and its children may have together."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(machine, of_control_groups() or machine)


def of_control_groups() -> int | None:
    """Bytes; None where they set no limit."""
    words = cgroup_numbers("memory", "memory.max") + cgroup_numbers("memory", "memory.limit_in_bytes")
    sizes = [int(word) for (word,) in words if word.isdigit()]
    return min((size for size in sizes if size < _UNLIMITED), default=None)


def cgroup_numbers(controller: str, *names: str) -> list[list[str]]:
    """The words of those files, in the folder of our control group and those above it that have them."""
    found = []
    for folder in _cgroup_folders(controller):
        try:
            found.append([word for name in names for word in (folder / name).read_text(encoding="ascii").split()])
        except (OSError, ValueError):
            continue
    return found


def _cgroup_folders(controller: str) -> list[Path]:
    """For cgroup 2 or a controller of cgroup 1."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    folders: list[Path] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = _CGROUPS / controller if controllers else _CGROUPS
        below = Path(path.lstrip("/"))
        folders += [root / below, *(root / parent for parent in below.parents)]
    return folders
