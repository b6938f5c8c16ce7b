"""What all sandboxes do just now: the report of npm's worker, and one line for a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ..logs.narration import plain
from ..logs.notices import Notice, Paid, SandboxGone, SandboxReady, SliceEnded, SliceProgress, SliceStarted
from ..tasks.slices import SliceKey

_RULE: Final = "=" * 78
_STALE: Final = 2.0
_TURNS: Final = "|/-\\"


@dataclass(slots=True)
class _Slice:
    key: SliceKey
    job_name: str
    started: float
    told: float
    share: float | None = None


class Board:
    """Hears notices. ``queued``: how many slices wait for a sandbox."""

    def __init__(self, queued: Callable[[], int] = lambda: 0) -> None:
        self.queued = queued
        self._sandboxes: dict[int, _Slice | None] = {}
        self._gone = 0
        self._done = 0
        self._earned = 0.0
        self._turn = 0

    def __call__(self, notice: Notice) -> None:
        match notice:
            case SandboxReady(sandbox):
                self._sandboxes[sandbox] = None
            case SliceStarted(sandbox, key, name):
                now = time.monotonic()
                self._sandboxes[sandbox] = _Slice(key, name, now, now)
            case SliceProgress(sandbox, share):
                if running := self._sandboxes.get(sandbox):
                    running.share, running.told = share, time.monotonic()
            case SliceEnded(sandbox):
                self._done += notice.how == "completed"
                if sandbox in self._sandboxes:
                    self._sandboxes[sandbox] = None
            case SandboxGone(sandbox):
                self._gone += self._sandboxes.pop(sandbox, self) is not self
            case Paid(_, amount):
                self._earned += amount

    def report(self) -> str:
        """As npm's worker prints it."""
        running = {number: one for number, one in self._sandboxes.items() if one}
        ready = len(self._sandboxes) - len(running)
        lines = [_RULE, f"{datetime.now().astimezone():%a %b %d %Y %H:%M:%S GMT%z}", "Sandboxes:"]
        lines += [f"  {name:<12} {count}" for name, count in (("Working:", len(running)), ("Ready:", ready))]
        lines += [f"  {'Terminated:':<12} {self._gone}", f"  * ALL:       {len(self._sandboxes)}", "Progress:"]
        lines += [_progress(number, one, time.monotonic()) for number, one in sorted(running.items())]
        lines += ["Slices:", f"  working:     {len(running)}", f"  queued:      {self.queued()}", _RULE]
        return "\n".join(lines)

    def status(self) -> str:
        """In one line, which changes a little each time."""
        self._turn = (self._turn + 1) % len(_TURNS)
        running = [one for one in self._sandboxes.values() if one]
        known = [one.share for one in running if one.share is not None]
        share = f", {sum(known) / len(known):.0%}" if known else ""
        counts = f"{len(running)} slices working{share}, {self.queued()} queued, {self._done} completed"
        return f" {_TURNS[self._turn]} {counts}, {self._earned:.3f} DCC"


def _progress(number: int, one: _Slice, now: float) -> str:
    share = "ind" if one.share is None else f"{one.share * 100:2.0f}%"
    stale = "" if now - one.told < _STALE else f"(stale: {_interval(now - one.told)})"
    name = plain(one.job_name)[:34]
    return f" {number:>4}: {plain(one.key.job[:22])} {name:<34} {_interval(now - one.started)} {share} {stale}".rstrip()


def _interval(seconds: float) -> str:
    return f"{int(seconds // 60)}:{int(seconds % 60):02}"
