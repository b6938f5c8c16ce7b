"""The console of a worker: lines with what npm's dcp-worker writes."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from typing import TextIO

from ..tasks.slices import SliceKey
from .notices import (
    Fetched,
    Fetching,
    JobAnnounced,
    Notice,
    Paid,
    Said,
    SandboxGone,
    SandboxReady,
    SliceEnded,
    SliceStarted,
    Submitted,
    Submitting,
)

_SLICE_LINES_A_SECOND = 100
_WAITING_LINES = 1000
_SHOWN_OF_A_JOB, _SHOWN_OF_A_TEXT = 22, 200
_MARKS = {"debug": " . ", "info": "", "warning": " ! ", "error": " ! "}


class Console:
    """``verbosity``: 1 adds fetches, 2 results that are submitted.

    What happens to slices is told up to 100 times a second, and after that in sum: a worker may do thousands. Nobody
    waits for whoever reads the lines: what does not fit into the queue is left out, and counted.
    """

    def __init__(self, output: TextIO, errors: TextIO, verbosity: int = 0) -> None:
        self._verbosity = verbosity
        self._outputs = {"out": output, "err": errors}
        self._lines: queue.Queue[tuple[str, str] | None] = queue.Queue(_WAITING_LINES)
        self._left_out = 0
        self._second = 0
        self._said = 0
        self._unsaid = 0
        self._thread = threading.Thread(target=self._write, name="console", daemon=True)
        self._thread.start()

    def __call__(self, notice: Notice) -> None:
        match notice:
            case Said(level, message):
                if level != "debug" or self._verbosity > 2:
                    self.line(f"{_MARKS[level]}{message}", error=level in ("warning", "error"))
            case JobAnnounced(job):
                parts = (job.name, job.identity[:8], job.description, job.link)
                self.line(" . Job: " + " ".join(_plain(part) for part in parts if part))
            case SandboxReady() | SliceStarted() | SliceEnded() | SandboxGone() | Paid():
                if self._may_tell_slice():
                    self._put(_of_slice(notice), error=False)
            case _:
                self._verbose(notice)

    def line(self, text: str, *, error: bool = False) -> None:
        self._sum_up()
        self._put(text, error=error)

    def close(self) -> None:
        """Writes what waits, for at most a second."""
        self._sum_up(at_end=True)
        with contextlib.suppress(queue.Full):
            self._lines.put(None, timeout=1)
        self._thread.join(1)

    def _verbose(self, notice: Notice) -> None:
        match notice:
            case Fetching() if self._verbosity:
                self.line(" * Fetching slices...")
            case Fetched(slices) if self._verbosity:
                self.line(f" . Fetched {slices} slices")
            case Submitting() if self._verbosity > 1 and self._may_tell_slice():
                self._put(" * Submitting results...", error=False)
            case Submitted() if self._verbosity > 1 and self._may_tell_slice():
                self._put(" . Submitted", error=False)

    def _may_tell_slice(self) -> bool:
        self._sum_up()
        if self._said >= _SLICE_LINES_A_SECOND:
            self._unsaid += 1
            return False
        self._said += 1
        return True

    def _sum_up(self, *, at_end: bool = False) -> None:
        second = int(time.monotonic())
        if second == self._second and not at_end:
            return
        if self._unsaid:
            self._put(f" . ... and {self._unsaid} more of slices and sandboxes in that second", error=False)
        self._second, self._said, self._unsaid = second, 0, 0

    def _put(self, text: str, *, error: bool) -> None:
        if self._left_out:
            text = f" ! {self._left_out} lines were left out, as nobody took them\n{text}"
        try:
            self._lines.put_nowait(("err" if error else "out", text))
            self._left_out = 0
        except queue.Full:
            self._left_out += 1

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            output, text = line
            with contextlib.suppress(OSError, ValueError):  # its reader has left
                stream = self._outputs[output]
                stream.write(f"{text}\n")
                stream.flush()


def _of_slice(notice: SandboxReady | SliceStarted | SliceEnded | SandboxGone | Paid) -> str:
    match notice:
        case SandboxReady(sandbox):
            return f" . Sandbox {sandbox:3}:  Initialized"
        case SliceStarted(sandbox, key, name):
            return f" . Sandbox {sandbox:3}:  Slice Started:   {_slice(key, name)}"
        case SliceEnded(sandbox, key, name, how, metrics):
            word = f"Slice {how.capitalize()}:"
            return f" * Sandbox {sandbox:3}:  {word:16} {_slice(key, name)}: dt {metrics.total_time:.0f}ms"
        case SandboxGone(sandbox, gone):
            return f" * Sandbox {sandbox:3}:  Terminated:      {_slice(gone, '') if gone else ''}".rstrip()
        case Paid(key, amount):
            return f" . Payment: {amount:.3f} ⊇ {_plain(key.job[:8])}"


def _slice(key: SliceKey, name: str) -> str:
    job = _plain(key.job[:_SHOWN_OF_A_JOB])
    return f"slice {key.number}, {job}: {_plain(name)}" if name else f"slice {key.number}, {job}"


def _plain(text: str) -> str:
    """What a job calls itself, without what a terminal would obey."""
    shown = text[:_SHOWN_OF_A_TEXT]
    return "".join(character if character.isprintable() else "�" for character in shown)
