"""How much of the machine's CPUs programs other than the worker use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from .files import text

_BUSY: Final = (0, 1, 2, 5, 6)
"""user, nice, system, irq, softirq: of the columns of /proc/stat."""
_TIMES: Final = slice(11, 15)
"""utime, stime, cutime, cstime: of the fields of /proc/PID/stat that follow the name."""


class OtherLoad:
    """``process``: the worker's; what it has started, and what that has started, is its own too."""

    def __init__(self, process: int | None = None, root: Path = Path("/")) -> None:
        self._process = os.getpid() if process is None else process
        self._proc = root / "proc"
        self._last: tuple[int, int, int] | None = None

    def obstacle(self) -> str:
        """Why it cannot be found out; empty where it can."""
        if not (self._proc / "stat").exists():
            return f"{self._proc}/stat is hidden here (ProcSubset=pid of a systemd unit)"
        process = str(self._process)
        if not (self._proc / process / "task" / process / "children").exists():
            return "this kernel does not say what a process has started (CONFIG_PROC_CHILDREN)"
        return ""

    def percent(self) -> float | None:
        """Since the last call, of the machine's CPUs; None at the first, and where nothing can be read."""
        columns = text(self._proc / "stat").partition("\n")[0].split()[1:]
        if len(columns) < 8:
            return None
        times = [int(each) for each in columns[:8]]
        now = sum(times), sum(times[each] for each in _BUSY), self._own()
        last, self._last = self._last, now
        if last is None or now[0] <= last[0]:
            return None
        total, busy, own = (new - old for new, old in zip(now, last, strict=True))
        return min(100.0, max(0.0, 100.0 * (busy - own) / total))

    def _own(self) -> int:
        """Ticks of CPU time of the worker and all below it, also of those that have ended and were waited for."""
        ticks, left = 0, [str(self._process)]
        while left:
            process = self._proc / left.pop()
            fields = text(process / "stat").rpartition(")")[2].split()
            ticks += sum(map(int, fields[_TIMES]))
            for thread in _threads(process):
                left += text(thread / "children").split()
        return ticks


def _threads(process: Path) -> list[Path]:
    try:
        return list((process / "task").iterdir())
    except OSError:
        return []
