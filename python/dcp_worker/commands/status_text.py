"""A worker's status and log in words."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

from ..control.log import LogLine
from ..control.status import Resource, Sandbox, WorkerStatus


def text(status: WorkerStatus) -> str:
    return "\n".join(_lines(status))


def line(status: WorkerStatus) -> str:
    """The same in one line."""
    counts = f"{status.queue.working} working, {status.queue.queued} queued, {status.totals.completed} completed"
    return f"{_clock(status.time)} {_state(status)}: {counts}, {status.totals.earned:.3f} DCC"


def log_line(one: LogLine) -> str:
    mark = "" if one.level in ("info", "debug") else f"{one.level}: "
    return f"{_clock(one.time)} {mark}{one.text}"


def _lines(status: WorkerStatus) -> Iterator[str]:
    yield f"Worker {status.worker or '(without a name yet)'}, process {status.pid}, version {status.version}"
    yield f"  {_state(status)}, for {_interval(status.time - status.started)}"
    if status.exit_when_done:
        yield "  it ends once the scheduler has no work"
    yield from (f"  ! {message}" for message in status.messages)
    rows = (("scheduler", status.scheduler), ("account", status.account), ("evaluator", status.evaluator))
    yield from (f"  {name:<11}{value}" for name, value in rows if value)
    yield from (_resource(one) for one in status.resources)
    queue, totals = status.queue, status.totals
    yield f"  slices     {queue.working} working, {queue.queued} queued, {queue.unsubmitted} results to submit"
    failed = f", {totals.failed + totals.rejected} failed" if totals.failed + totals.rejected else ""
    yield f"  completed  {totals.completed}{failed}, {status.rates.slices_per_hour:g} an hour"
    yield f"  earned     {totals.earned:.3f} DCC, {status.rates.earned_per_hour:.3f} an hour"
    if status.sandboxes:
        yield f"  sandboxes  {len(status.sandboxes)} of at most {status.max_sandboxes}"
    yield from (_sandbox(one, status.time) for one in status.sandboxes)


def _state(status: WorkerStatus) -> str:
    return f"{status.state} ({status.reason})" if status.reason else status.state


def _resource(one: Resource) -> str:
    used = f"{one.used:.1f} of {one.limit:g} in use"
    name = "CPU" if one.kind == "cpu" else f"{one.name} ({one.id})"
    reasons = "; ".join(reason.text + _until(reason.until) for reason in one.reasons)
    temperature = "" if one.temperature is None else f", {one.temperature:.0f} °C"
    return f"  {name:<10} {used}{temperature}" if one.allowed else f"  {name:<10} rests: {reasons}{temperature}"


def _until(time_: float | None) -> str:
    return "" if time_ is None else f" until {datetime.fromtimestamp(time_).astimezone():%Y-%m-%d %H:%M}"


def _sandbox(one: Sandbox, now: float) -> str:
    if one.began is None:
        return f"  {one.number:>9}  {one.state}"
    share = "" if one.progress is None else f" {one.progress:.0%}"
    return f"  {one.number:>9}  {one.job_name[:34]} slice {one.slice},{share} {_interval(now - one.began)}"


def _interval(seconds: float) -> str:
    minutes, seconds = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _clock(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))
