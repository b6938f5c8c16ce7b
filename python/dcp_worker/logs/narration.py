"""What happens to a worker in words: the lines that npm's dcp-worker writes."""

from __future__ import annotations

from collections.abc import Callable

from ..tasks.slices import SliceKey
from .lines import Line, plain
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

_SHOWN_OF_A_JOB, _LONGEST_MESSAGE = 22, 4000
_FETCHES, _SUBMISSIONS, _EVERYTHING = 1, 2, 3
"""How often -v is said for them."""
_MARKS = {"debug": " . ", "info": "", "warning": " ! ", "error": " ! "}


class Narrator:
    """Hears notices, and says lines. ``leaves_out``: whether one about a job, of this detail, need not be made."""

    def __init__(
        self, say: Callable[[Line], None], leaves_out: Callable[[str, int], bool] = lambda job, detail: False
    ) -> None:
        self._say = say
        self._leaves_out = leaves_out

    def __call__(self, notice: Notice) -> None:
        if isinstance(notice, SliceStarted | SliceEnded | Paid | Submitted):  # there may be thousands in a second
            detail = _SUBMISSIONS if isinstance(notice, Submitted) else 0
            if self._leaves_out(notice.key.job, detail):
                return
        if line := _line(notice):
            self._say(line)


def _line(notice: Notice) -> Line | None:
    match notice:
        case Said(level, message, job, sandbox):
            detail = _EVERYTHING if level == "debug" else 0
            text = "\n    ".join(plain(part, _LONGEST_MESSAGE) for part in message.splitlines())
            return Line(level, f"{_MARKS[level]}{text}", job, sandbox=sandbox, detail=detail)
        case JobAnnounced(job):
            parts = (job.name, job.identity[:8], job.description, job.link)
            return Line("info", " . Job: " + " ".join(plain(part) for part in parts if part), job.identity)
        case Fetching():
            return Line("info", " * Fetching slices...", detail=_FETCHES)
        case Fetched(slices):
            return Line("info", f" . Fetched {slices} slices", detail=_FETCHES)
        case Submitted(key):
            return Line("info", " . Submitted", key.job, key.number, detail=_SUBMISSIONS)
        case SandboxReady() | SandboxGone() | SliceStarted() | SliceEnded() | Paid():
            return _of_slice(notice)
    return None


def _of_slice(notice: SandboxReady | SandboxGone | SliceStarted | SliceEnded | Paid) -> Line:
    match notice:
        case SandboxReady(sandbox):
            return Line("info", f" . Sandbox {sandbox:3}:  Initialized", sandbox=sandbox)
        case SandboxGone(sandbox, SliceKey() as key):
            return Line("info", f" * Sandbox {sandbox:3}:  Terminated:      {_slice(key)}", *key, sandbox)
        case SandboxGone(sandbox):
            return Line("info", f" * Sandbox {sandbox:3}:  Terminated:", sandbox=sandbox)
        case SliceStarted(sandbox, key, name):
            return Line("info", f" . Sandbox {sandbox:3}:  Slice Started:   {_slice(key, name)}", *key, sandbox)
        case SliceEnded(sandbox, key, name, how, metrics):
            text = f"{f'Slice {how.capitalize()}:':16} {_slice(key, name)}: dt {metrics.total_time:.0f}ms"
            return Line("info", f" * Sandbox {sandbox:3}:  {text}", *key, sandbox)
        case Paid(key, amount):
            return Line("info", f" . Payment: {amount:.3f} ⊇ {plain(key.job[:8])}", *key)


def _slice(key: SliceKey, name: str = "") -> str:
    job = plain(key.job[:_SHOWN_OF_A_JOB])
    return f"slice {key.number}, {job}: {plain(name)}" if name else f"slice {key.number}, {job}"
