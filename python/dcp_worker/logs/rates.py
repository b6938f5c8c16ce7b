"""How many lines each job may have: a worker may do thousands of slices in a second."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator

from .lines import Line, plain

_SHOWN_OF_A_JOB = 8


class JobRates:
    """``most`` lines of each job in a second of ``clock``, and as many of sandboxes that have no job. Others are
    counted. Lines that tell of neither are always let through.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._second = 0
        self._let_through: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()

    def takes(self, line: Line) -> bool:
        if not line.job and line.sandbox is None:
            return True
        if self.leaves_out(line.job):
            return False
        self._let_through[line.job] += 1
        return True

    def leaves_out(self, job: str) -> bool:
        """Whether a line of this job is one too many, which is counted with this."""
        if self._let_through[job] < self._most:
            return False
        self._left_out[job] += 1
        return True

    def summaries(self, *, at_end: bool = False) -> Iterator[Line]:
        """What was left out in a second that is over. To be asked before each line."""
        second = int(self._clock())
        if second == self._second and not at_end:
            return
        left_out, self._left_out = self._left_out, Counter()
        self._second = second
        self._let_through.clear()
        for job, count in left_out.items():
            whose = f"of job {plain(job[:_SHOWN_OF_A_JOB])}" if job else "of sandboxes"
            yield Line("info", f" . ... and {count} more lines {whose} in that second", job)
