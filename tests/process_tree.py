"""Processes below another one, as /proc shows them. Each may end at any moment; what has ended is left out."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def is_running(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def name_of(pid: int) -> str:
    """The name that the kernel has for the process, of at most 15 bytes; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def cpu_seconds(pid: int) -> float:
    """What the process has used; nothing if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_bytes(pid: int) -> int:
    """Its memory, with its part of what several processes share; nothing if it has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith(("Pss:", "SwapPss:")))


def children(pid: int) -> list[int]:
    """Of every thread: a child is listed with the thread that started it."""
    found = []
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return []
    for thread in threads:
        try:
            found += [int(child) for child in (thread / "children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def descendants(pid: int) -> list[int]:
    return [below for child in children(pid) for below in (child, *descendants(child))]


def running(name: str, pids: list[int]) -> list[int]:
    """Those of ``pids`` that have this name and run."""
    return [pid for pid in pids if name_of(pid) == name and is_running(pid)]


def open_descriptors(pid: int) -> list[int]:
    return sorted(int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir())


def kill(pid: int, name: str, number: signal.Signals = signal.SIGKILL) -> bool:
    """Sends a signal to the process if it still runs and has this name, and says whether it did.

    A process that ends meanwhile is no error, and another that gets its number is not hit.
    """
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if not running(name, [pid]):
            return False
        signal.pidfd_send_signal(process, number)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(process)
