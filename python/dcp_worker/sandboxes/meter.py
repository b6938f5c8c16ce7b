"""What a slice takes, by clocks that its sandbox cannot turn."""

from __future__ import annotations

import time
from contextlib import suppress

from ..tasks.slices import SliceMetrics
from .events import Measured, Sizes


class SliceMeter:
    """Runs from the begin of a slice. ``pid``: the sandbox's process on this machine, where it is known."""

    __slots__ = ("_began", "_cpu", "_pid", "_stopped")

    def __init__(self, pid: int | None) -> None:
        self._pid = pid
        self._cpu = _cpu_time(pid)
        self._began = time.monotonic()
        self._stopped: tuple[float, float | None] | None = None

    def stop(self) -> None:
        """What may be the end of the slice has come; ``go_on`` where it was not."""
        self._stopped = time.monotonic(), _cpu_time(self._pid)

    def go_on(self) -> None:
        self._stopped = None

    def read(self, measured: Measured, sizes: Sizes, taken: int) -> SliceMetrics:
        """At the end of the slice. ``measured``: what the sandbox says of itself, which counts where nothing else is
        known, and never for more than the time that has passed. ``taken``: what was sent into the slice.
        """
        now, end = self._stopped or (time.monotonic(), _cpu_time(self._pid))
        total = (now - self._began) * 1000
        cpu = measured.cpu if self._cpu is None or end is None else (end - self._cpu) * 1000
        return SliceMetrics(min(cpu, total), min(measured.gpu, total), total, taken + sizes.taken, sizes.given)


def _cpu_time(pid: int | None) -> float | None:
    """Seconds of a process so far. The clock's number is made as clock_getcpuclockid(3) makes it."""
    if pid is not None:
        with suppress(OSError):  # it has ended
            return time.clock_gettime(~pid << 3 | 2)
    return None
