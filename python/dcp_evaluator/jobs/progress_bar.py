"""A line that shows how far a job is, on terminals, in notebooks and in logs."""

from __future__ import annotations

import sys
import time
from typing import TextIO

_WIDTH = 30
_LIVELY_INTERVAL = 0.1  # seconds, where the line is written over
_LOG_INTERVAL = 10.0


def bar_text(done: int, failed: int, total: int | None, seconds: float) -> str:
    """For example ``[#####-----] 50/100, 2 failed, 0:12, 0:12 left``; of an unknown total only what is done."""
    failures = f", {failed} failed" if failed else ""
    if total is None:
        return f"{done} slices{failures}, {_time(seconds)}"
    filled = _WIDTH * done // total if total else _WIDTH
    left = f", {_time(seconds / done * (total - done))} left" if 0 < done < total else ""
    return f"[{'#' * filled:-<{_WIDTH}}] {done}/{total}{failures}, {_time(seconds)}{left}"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class ProgressBar:
    """Writes over its line where the reader sees that, else a new line now and then; ``interval``: seconds between."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = sys.stderr if file is None else file
        self._is_lively = self._file is not None and (self._file.isatty() or "ipykernel" in sys.modules)
        self.interval = _LIVELY_INTERVAL if self._is_lively else _LOG_INTERVAL
        self._started = time.monotonic()
        self._length = 0

    def show(self, done: int, failed: int, total: int | None, *, is_last: bool = False) -> None:
        """How many slices are done, and how many of those have failed. ``is_last``: nothing more is shown."""
        if self._file is None:  # a program without a terminal
            return
        text = bar_text(done, failed, total, time.monotonic() - self._started)
        if self._is_lively:
            line, self._length = f"\r{text:<{self._length}}", len(text)
            self._file.write(line + "\n" * is_last)
        else:
            self._file.write(f"{text}\n")
        self._file.flush()
