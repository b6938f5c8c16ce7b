"""What happens to a worker in words: the lines that npm's dcp-worker writes."""

from __future__ import annotations

import time
from collections.abc import Callable

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
)

_SLICE_LINES_A_SECOND = 100
_SHOWN_OF_A_JOB, _SHOWN_OF_A_TEXT = 22, 200
_MARKS = {"debug": " . ", "info": "", "warning": " ! ", "error": " ! "}


class Narrator:
    """Hears notices, and says lines: their level, one of ``Said``'s, and their text.

    ``verbosity``: 1 adds fetches, 2 results that are submitted. What happens to slices is told up to 100 times a
    second, and after that in sum: a worker may do thousands.
    """

    def __init__(self, say: Callable[[str, str], None], verbosity: int = 0) -> None:
        self._say = say
        self._verbosity = verbosity
        self._second = 0
        self._said = 0
        self._unsaid = 0

    def __call__(self, notice: Notice) -> None:
        match notice:
            case Said(level, message):
                if level != "debug" or self._verbosity > 2:
                    self._line(f"{_MARKS[level]}{message}", level)
            case JobAnnounced(job):
                parts = (job.name, job.identity[:8], job.description, job.link)
                self._line(" . Job: " + " ".join(plain(part) for part in parts if part))
            case SandboxReady() | SliceStarted() | SliceEnded() | SandboxGone() | Paid():
                if self._may_tell_slice():
                    self._say("info", _of_slice(notice))
            case _:
                self._verbose(notice)

    def close(self) -> None:
        """Says what was left out in the last second."""
        self._sum_up(at_end=True)

    def _line(self, text: str, level: str = "info") -> None:
        self._sum_up()
        self._say(level, text)

    def _verbose(self, notice: Notice) -> None:
        match notice:
            case Fetching() if self._verbosity:
                self._line(" * Fetching slices...")
            case Fetched(slices) if self._verbosity:
                self._line(f" . Fetched {slices} slices")
            case Submitted() if self._verbosity > 1 and self._may_tell_slice():
                self._say("info", " . Submitted")

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
            self._say("info", f" . ... and {self._unsaid} more of slices and sandboxes in that second")
        self._second, self._said, self._unsaid = second, 0, 0


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
            return f" . Payment: {amount:.3f} ⊇ {plain(key.job[:8])}"


def _slice(key: SliceKey, name: str) -> str:
    job = plain(key.job[:_SHOWN_OF_A_JOB])
    return f"slice {key.number}, {job}: {plain(name)}" if name else f"slice {key.number}, {job}"


def plain(text: str) -> str:
    """What a job calls itself, without what a terminal would obey."""
    shown = text[:_SHOWN_OF_A_TEXT]
    return "".join(character if character.isprintable() else "�" for character in shown)
