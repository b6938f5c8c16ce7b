"""What all outputs of a log have in common."""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
import time
from typing import Final

from .lines import Line

_WAITING_LINES: Final = 1000
_CLOSE_SECONDS: Final = 1.0
_PAUSE: Final = 0.02
"""Seconds for which lines wait for others after some were written: to wake a thread costs more than a line does."""


class Output:
    """Takes lines without holding anybody up: a thread writes them, and what does not fit in its queue is counted.

    ``name``: what messages call it when it cannot be written; without, nobody is told.
    """

    def __init__(self, name: str = "") -> None:
        self._name = name
        self._is_failing = False
        self._lines: queue.Queue[Line | None] = queue.Queue(_WAITING_LINES)
        self._left_out = 0
        self._must_reopen = threading.Event()
        self._thread = threading.Thread(target=self._take, name="output", daemon=True)
        self._thread.start()

    def say(self, line: Line) -> None:
        try:
            if self._left_out:
                text = f" ! {self._left_out} lines were left out, as nobody took them"
                self._lines.put_nowait(Line("warning", text))
                self._left_out = 0
            self._lines.put_nowait(line)
        except queue.Full:
            self._left_out += 1

    def reopen(self) -> None:
        """Before the next line, what is written to is opened anew."""
        self._must_reopen.set()

    def close(self) -> None:
        """Writes what waits, for at most a second."""
        with contextlib.suppress(queue.Full):
            self._lines.put(None, timeout=_CLOSE_SECONDS)
        self._thread.join(_CLOSE_SECONDS)

    def _take(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                if self._must_reopen.is_set():
                    self._must_reopen.clear()
                    self._open()
                self._write(line)
                if self._lines.empty():
                    self._flush()
                self._is_failing = False
            except (OSError, ValueError) as error:  # who reads has left, or the disk is full
                self._failed(error)
            if self._lines.empty():
                time.sleep(_PAUSE)
        with contextlib.suppress(OSError, ValueError):
            self._end()

    def _failed(self, error: Exception) -> None:
        """Tells the first of several failures in a row."""
        if self._name and not self._is_failing:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            tell(f"{self._name} cannot be written, lines are lost: {reason}")
        self._is_failing = True

    def _open(self) -> None:
        """Anew."""

    def _write(self, line: Line) -> None:
        raise NotImplementedError

    def _flush(self) -> None:
        """No line waits any more: what was written is to be seen now."""

    def _end(self) -> None:
        """The last line is written."""


def tell(message: str) -> None:
    """What an output cannot say itself."""
    with contextlib.suppress(OSError, ValueError):
        print(f"dcp-worker: {message}", file=sys.stderr, flush=True)
