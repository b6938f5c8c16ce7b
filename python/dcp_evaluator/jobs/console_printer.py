"""Prints what a job's work functions say to their console, where nobody else listens."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable

from .events import STDERR_LEVELS
from .progress_bar import above_the_bars

_MOST_LINES = 1000  # at once
_LINES_PER_SECOND = 50
_LONGEST_LINE = 2000


class ConsolePrinter:
    """Lines with the slice's number, on stdout, or stderr for warnings and errors; of a flood only so many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._allowance = float(_MOST_LINES)
        self._since = clock()
        self._left_out = 0

    def show(self, index: int, level: str, text: str) -> None:
        """``index``: -1 for what is of no slice."""
        wanted = text.count("\n") + 1
        allowed = self._allowed(wanted)
        self._left_out += wanted - allowed
        shown = text.split("\n", allowed)[:allowed]
        whose = "no slice: " if index < 0 else f"slice {index}: "
        _write("".join(f"{whose}{_line(line)}\n" for line in shown), to_stderr=level in STDERR_LEVELS)

    def finish(self) -> None:
        """Tells how many lines were left out."""
        if self._left_out:
            remedy = 'job.on("console", callback) gets all'
            _write(f"{self._left_out} more lines of console output were left out; {remedy}\n", to_stderr=True)

    def _allowed(self, wanted: int) -> int:
        now = self._clock()
        self._allowance = min(_MOST_LINES, self._allowance + (now - self._since) * _LINES_PER_SECOND)
        self._since = now
        allowed = min(wanted, int(self._allowance))
        self._allowance -= allowed
        return allowed


def _line(text: str) -> str:
    """Without what moves a terminal."""
    cut = text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}..."
    return cut if cut.isprintable() else "".join(each if each.isprintable() or each == "\t" else "?" for each in cut)


def _write(text: str, *, to_stderr: bool) -> None:
    stream = sys.stderr if to_stderr else sys.stdout
    if stream is None or not text:
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    with contextlib.suppress(OSError, ValueError), above_the_bars():  # it is closed; the job goes on
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
