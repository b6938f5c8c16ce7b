"""What all sandboxes do just now, in words: the report of npm's worker, and one line for a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from ..logs.lines import plain
from .ledger import Ledger, Running

_RULE: Final = "=" * 78
_STALE: Final = 2.0
_TURNS: Final = "|/-\\"


class Board:
    """``queued``: how many slices wait for a sandbox."""

    def __init__(self, ledger: Ledger, queued: Callable[[], int] = lambda: 0) -> None:
        self.queued = queued
        self._ledger = ledger
        self._turn = 0

    def report(self) -> str:
        """As npm's worker prints it."""
        running = list(self._ledger.running())
        sandboxes = len(self._ledger.sandboxes)
        lines = [_RULE, f"{datetime.now().astimezone():%a %b %d %Y %H:%M:%S GMT%z}", "Sandboxes:"]
        counts = (("Working:", len(running)), ("Ready:", sandboxes - len(running)), ("Terminated:", self._ledger.gone))
        lines += [f"  {name:<12} {count}" for name, count in counts]
        lines += [f"  * ALL:       {sandboxes}", "Progress:"]
        lines += [_progress(number, one, time.time()) for number, one in running]
        lines += ["Slices:", f"  working:     {len(running)}", f"  queued:      {self.queued()}", _RULE]
        return "\n".join(lines)

    def status(self) -> str:
        """In one line, which changes a little each time."""
        self._turn = (self._turn + 1) % len(_TURNS)
        running = [one for _, one in self._ledger.running()]
        known = [one.share for one in running if one.share is not None]
        share = f", {sum(known) / len(known):.0%}" if known else ""
        totals = self._ledger.totals
        counts = f"{len(running)} slices working{share}, {self.queued()} queued, {totals.completed} completed"
        return f" {_TURNS[self._turn]} {counts}, {totals.earned:.3f} DCC"


def _progress(number: int, one: Running, now: float) -> str:
    share = "ind" if one.share is None else f"{one.share * 100:2.0f}%"
    stale = "" if now - one.told < _STALE else f"(stale: {_interval(now - one.told)})"
    name = plain(one.job_name)[:34]
    return f" {number:>4}: {plain(one.key.job[:22])} {name:<34} {_interval(now - one.began)} {share} {stale}".rstrip()


def _interval(seconds: float) -> str:
    seconds = max(0.0, seconds)  # the clock may have been set
    return f"{int(seconds // 60)}:{int(seconds % 60):02}"
