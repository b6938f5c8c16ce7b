"""What the dashboard's tables hold: cells of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..control.status import Job, Sandbox, WorkerStatus
from ..views.words import clock, dcc, plain, sandbox_job, share

SANDBOX_COLUMNS: Final = ("sandbox", "job", "slice", "time", "progress")
JOB_COLUMNS: Final = ("job", "working", "queued", "done", "failed", "earned")
_BAR: Final = 14

Row = tuple[str, Sequence[str]]
"""Its key, and its cells."""


def sandbox_rows(status: WorkerStatus, now: float) -> list[Row]:
    return [(str(one.number), _sandbox(one, now)) for one in status.sandboxes]


def job_rows(status: WorkerStatus) -> list[Row]:
    return [(one.id, _job(one)) for one in status.jobs]


def _sandbox(one: Sandbox, now: float) -> Sequence[str]:
    number = f"{one.number}{' GPU' if one.uses_gpu else ''}"
    name = plain(sandbox_job(one), 30)
    if one.began is None:
        return number, name, "", "", one.state
    slice_number = "" if one.slice is None else str(one.slice)
    return number, name, slice_number, clock(now - one.began), bar(one)


def bar(one: Sandbox) -> str:
    """Readable without colour."""
    if one.progress is None:
        return "works" if one.reported is None else "works, reports"
    full = round(min(1.0, max(0.0, one.progress)) * _BAR)
    return f"{share(one):>4} {'█' * full}{'░' * (_BAR - full)}"


def _job(one: Job) -> Sequence[str]:
    name = plain(one.name or one.id, 32)
    counts = (one.working, one.queued, one.completed, one.failed)
    return name, *map(str, counts), dcc(one.earned)
