"""What a slice takes, by clocks that its sandbox cannot turn."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import NamedTuple

from ..tasks.slices import SliceMetrics
from .events import Measured, Sizes


class Arrival(NamedTuple):
    """A moment: seconds of the monotonic clock, and CPU time of the sandbox's process, where it is known."""

    time: float
    cpu: float | None


def arrival(pid: int | None) -> Arrival:
    """Now. The clock's number is made as clock_getcpuclockid(3) makes it."""
    cpu = None
    if pid is not None:
        with suppress(OSError):  # it has ended
            cpu = time.clock_gettime(~pid << 3 | 2)
    return Arrival(time.monotonic(), cpu)


class SliceMeter:
    """Runs from the begin of a slice. ``pid``: the sandbox's process on this machine, where it is known."""

    __slots__ = ("_begin", "_pid")

    def __init__(self, pid: int | None) -> None:
        self._pid = pid
        self._begin = arrival(pid)

    def read(self, measured: Measured, sizes: Sizes, taken: int, end: Arrival | None = None) -> SliceMetrics:
        """At the end of the slice, or of what came at ``end``.

        ``measured``: what the sandbox says of itself, which counts where nothing else is known, and never for more than
        the time that has passed. ``taken``: what was sent into the slice.
        """
        begin, end = self._begin, end or arrival(self._pid)
        total = (end.time - begin.time) * 1000
        cpu = measured.cpu if begin.cpu is None or end.cpu is None else (end.cpu - begin.cpu) * 1000
        return SliceMetrics(min(cpu, total), min(measured.gpu, total), total, taken + sizes.taken, sizes.given)
