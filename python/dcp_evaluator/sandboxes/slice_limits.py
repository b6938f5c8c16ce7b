"""What a slice may use of its sandbox, and what the one that runs has used."""

from __future__ import annotations

import math
import time
from typing import NamedTuple

OUTPUT_LIMIT = 1 << 30
_SHORTEST_CHECK = 0.002


class SliceLimits(NamedTuple):
    """``wall``, ``cpu``: seconds, None without a limit. ``output``: bytes of console, progress and emitted events.

    ``progress``: seconds without a call of ``progress()``, or until a sandbox is ready; None for ever.
    """

    wall: float | None = None
    cpu: float | None = None
    output: int = OUTPUT_LIMIT
    progress: float | None = None


class LimitExceeded(NamedTuple):
    """``name``, ``message`` and ``code`` of the SliceError."""

    name: str
    message: str
    code: str


class SliceUse:
    """Measured from outside of the sandbox, which may say anything."""

    def __init__(self, limits: SliceLimits) -> None:
        self.process: int | None = None
        self.quiet_since = 0.0
        self._limits = limits
        self._output = 0
        self._wall_end = self._cpu_check = math.inf
        self._cpu_before = 0.0

    def begin(self, now: float) -> None:
        """A slice begins to run at ``now``, of the monotonic clock."""
        self.quiet_since = now
        self._output = 0
        if self._limits.wall is not None:
            self._wall_end = now + self._limits.wall
        if self._limits.cpu is not None:
            self._cpu_before = self._cpu()
            # A sandbox has one thread: its CPU time cannot pass faster than the clock.
            self._cpu_check = now + self._limits.cpu

    @property
    def quiet_deadline(self) -> float:
        """When it has been quiet for too long."""
        return math.inf if self._limits.progress is None else self.quiet_since + self._limits.progress

    @property
    def deadline(self) -> float:
        """When ``exceeded`` must be called again."""
        return min(self._wall_end, self._cpu_check, self.quiet_deadline)

    def exceeded(self, now: float) -> LimitExceeded | None:
        """The limit of time that the running slice has reached."""
        wall, cpu = self._limits.wall, self._limits.cpu
        if now >= self.quiet_deadline:
            message = (
                f"no progress for {self._limits.progress:g} s, its sandbox was ended; "
                f"call progress() more often or raise progress_timeout"
            )
            return LimitExceeded("NoProgressError", message, "ENOPROGRESS")
        if wall is not None and now >= self._wall_end:
            return _exceeded("SliceTimeoutError", f"it ran for {wall:g} s", "slice_timeout", "ETIMEOUT")
        if cpu is not None and now >= self._cpu_check:
            left = cpu - (self._cpu() - self._cpu_before)
            if left <= 0:
                return _exceeded("CpuTimeoutError", f"it took {cpu:g} s of CPU time", "cpu_timeout", "ECPU")
            self._cpu_check = now + max(left, _SHORTEST_CHECK)
        return None

    def add_output(self, size: int) -> LimitExceeded | None:
        """The running slice has written ``size`` bytes."""
        self._output += size
        if self._output <= self._limits.output:
            return None
        what = f"it wrote more than {self._limits.output} bytes to the console, as progress and as events"
        return _exceeded("OutputError", what, "output_limit", "EOUTPUT")

    def _cpu(self) -> float:
        """Seconds of the process so far. The clock's number is made as clock_getcpuclockid(3) makes it."""
        if self.process is None:
            return 0.0
        try:
            return time.clock_gettime(~self.process << 3 | 2)
        except OSError:  # it has ended
            return 0.0


def _exceeded(name: str, what: str, option: str, code: str) -> LimitExceeded:
    return LimitExceeded(name, f"{what}, its sandbox was ended; do less in a slice or raise {option}", code)
