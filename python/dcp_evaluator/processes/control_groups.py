"""Control groups (cgroups(7), version 2), one for each process that runs untrusted code, where the kernel lets us.

They count what no limit of a process does: shared memory, memfds that are not mapped, the kernel's own memory. So a
sandbox that takes too much ends before any other process does.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_NEEDED = ("memory", "pids")
_USEFUL = ("cpu",)
_NAME = re.compile(r"dcp-evaluator-(?P<pid>[1-9][0-9]{0,9})-(?P<started>[0-9]{1,20})-[0-9]{1,9}")
"""Of our groups: a process, when it started, and a number of its own."""
_WEIGHT = 100
_LEAST_WEIGHT = 1
_PERIOD = 100_000  # microseconds
_numbers = itertools.count(1)


class Found(NamedTuple):
    """``folder``: where groups can be made; None where they cannot, with the ``reason``."""

    folder: Path | None
    reason: str


class ControlGroups:
    """Those of one evaluator, all in one, whose memory is ``memory`` bytes at most, each of them half of that.

    ``priority``: of ``settings.PRIORITIES``, against the groups of other programs. ``cpus``: that all may use together.

    Half, and not the memory limit of a sandbox: results that the program keeps stay charged to the sandbox that made
    them. Whatever fails here only leaves a process without a group of its own: the other limits hold. Not thread-safe.
    """

    def __init__(
        self, memory: int, found: Found | None = None, *, priority: str = "normal", cpus: float | None = None
    ) -> None:
        self._folder: Path | None = None
        self._memory = memory
        self._groups: dict[str, Path] = {}
        self._ended: list[Path] = []
        parent = (found or find()).folder
        if parent is None:
            return
        remove_stale(parent)
        folder = parent / f"dcp-evaluator-{os.getpid()}-{_started(os.getpid())}-{next(_numbers)}"
        try:
            folder.mkdir()
            _enable(folder)
            _write(folder / "memory.max", str(memory))
            _share_cpus(folder, priority, cpus)
        except OSError:
            _remove(folder)
            return
        self._folder = folder

    @property
    def in_force(self) -> bool:
        return self._folder is not None

    def add(self, name: str, process: int, tasks: int) -> None:
        """Moves ``process``, with all its threads, into a new group ``name``. What it forks later is there as well.

        ``tasks``: processes and threads that there may be in it.
        """
        if self._folder is None:
            return
        folder = self._folder / name
        try:
            folder.mkdir(exist_ok=True)
            _write(folder / "memory.max", str(self._memory // 2))
            _write(folder / "pids.max", str(tasks))
            with contextlib.suppress(OSError):
                _write(folder / "cpu.weight", str(_WEIGHT))
            with contextlib.suppress(OSError):
                _write(folder / "memory.oom.group", "1")
            _write(folder / "cgroup.procs", str(process))
        except OSError:
            _remove(folder)
            return
        self._groups[name] = folder

    def remove(self, name: str) -> None:
        """Its processes have ended, or do so now."""
        folder = self._groups.pop(name, None)
        if folder is not None:
            self._ended.append(folder)
        self._ended = [each for each in self._ended if not _remove(each)]

    def close(self) -> None:
        """All processes have ended."""
        for name in list(self._groups):
            self.remove(name)
        self.remove("")
        if self._folder is not None:
            _remove(self._folder)
            self._folder = None


def find(root: Path = Path("/")) -> Found:
    """Where groups of ours may be: next to our own group, or above. ``root``: of the file system, for tests."""
    mount = _mount_point(root)
    if mount is None:
        return Found(None, "no control groups of version 2 are mounted")
    own = mount / _own_group(root).lstrip("/")
    reason = ""
    for folder in (own, *own.parents):
        why = _refusal(folder)
        if why is None:
            return Found(folder, f"groups can be made in {folder}")
        reason = reason or why
        if folder == mount:
            break
    return Found(None, reason)


def cpu_refusal(root: Path = Path("/")) -> str | None:
    """Why groups of ours cannot limit the CPUs; None where they can."""
    found = find(root)
    if found.folder is None:
        return found.reason
    if "cpu" not in _words(found.folder / "cgroup.subtree_control"):
        return f"{found.folder} hands no controller cpu on"
    return None


def remove_stale(parent: Path) -> None:
    """Groups whose evaluator has ended without removing them; only what has a name of ours is looked at."""
    with contextlib.suppress(OSError):
        for folder in list(parent.iterdir()):
            match = _NAME.fullmatch(folder.name)
            if match is None or folder.is_symlink() or _started(int(match["pid"])) == match["started"]:
                continue
            for below in folder.iterdir():
                if below.is_dir():
                    _remove(below)
            _remove(folder)


def _refusal(folder: Path) -> str | None:
    """Why no group can be made here."""
    if not (os.access(folder, os.W_OK) and os.access(folder / "cgroup.procs", os.W_OK)):
        return f"{folder} may not be written by this user; systemd-run --user --scope -p Delegate=yes gives one"
    missing = [name for name in _NEEDED if name not in _words(folder / "cgroup.controllers")]
    if missing:
        return f"{folder} has no controller {' and '.join(missing)}; version 1 may have it"
    with contextlib.suppress(OSError):  # refused where processes are in it
        _enable(folder)
    if not set(_NEEDED) <= set(_words(folder / "cgroup.subtree_control")):
        return f"{folder} has processes in it, so that groups below it get no controllers"
    return None


def _share_cpus(folder: Path, priority: str, cpus: float | None) -> None:
    """Raises OSError where the CPUs cannot be limited, and shall be."""
    if cpus is not None:
        _write(folder / "cpu.max", f"{int(cpus * _PERIOD)} {_PERIOD}")
    if priority == "normal":
        return
    with contextlib.suppress(OSError):  # without the controller niceness counts
        _write(folder / "cpu.weight", str(_LEAST_WEIGHT))
    if priority == "idle":
        with contextlib.suppress(OSError):  # since Linux 5.15
            _write(folder / "cpu.idle", "1")


def _enable(folder: Path) -> None:
    """The controllers, for the groups below. Raises OSError for those that are needed."""
    have = _words(folder / "cgroup.subtree_control")
    for name in (*_NEEDED, *_USEFUL):
        if name in have:
            continue
        with contextlib.nullcontext() if name in _NEEDED else contextlib.suppress(OSError):
            _write(folder / "cgroup.subtree_control", f"+{name}")


def _mount_point(root: Path) -> Path | None:
    try:
        lines = (root / "proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    for line in lines:
        before, _, after = line.partition(" - ")
        if after.startswith("cgroup2 "):
            return root / before.split(" ")[4].lstrip("/")
    return None


def _own_group(root: Path) -> str:
    with contextlib.suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8", errors="surrogateescape").splitlines():
            if line.startswith("0::"):
                return line[3:]
    return "/"


def _started(process: int) -> str | None:
    """When a process started, in ticks since the machine did; None where there is none."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return status.rpartition(")")[2].split()[19]


def _words(path: Path) -> Sequence[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except OSError:
        return ()


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="ascii")


def _remove(folder: Path) -> bool:
    """Whether it is gone. A group with processes in it stays."""
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
