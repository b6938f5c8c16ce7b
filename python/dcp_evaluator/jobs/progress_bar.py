"""A line that shows how far a job is, on terminals, in notebooks and in logs."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
        self._text = ""

    def show(self, done: int, failed: int, total: int | None, *, is_last: bool = False) -> None:
        """How many slices are done, and how many of those have failed. ``is_last``: nothing more is shown."""
        if self._file is None:  # a program without a terminal
            return
        text = bar_text(done, failed, total, time.monotonic() - self._started)
        with _lock:
            if not self._is_lively:
                self._write(f"{text}\n")
                return
            self._write(f"\r{text:<{len(self._text)}}" + "\n" * is_last)
            self._text = "" if is_last else text
            _shown.discard(self)
            if not is_last:
                _shown.add(self)

    def _write(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()

    def clear(self) -> None:
        """What comes next begins at the start of an empty line."""
        self._write(f"\r{'':<{len(self._text)}}\r")

    def draw(self) -> None:
        """As it was before ``clear``."""
        self._write(self._text)


_lock = threading.Lock()
_shown: set[ProgressBar] = set()


@contextmanager
def above_the_bars() -> Iterator[None]:
    """What is written meanwhile, in whole lines, stands above the bars."""
    with _lock:
        for bar in _shown:
            bar.clear()
        try:
            yield
        finally:
            for bar in _shown:
                bar.draw()
