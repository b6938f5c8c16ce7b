"""A worker's status and log as its commands show them."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ..control.log import LogLine
from ..control.status import Resource, Sandbox, WorkerStatus
from ..views import words


def text(status: WorkerStatus) -> str:
    return "\n".join(_lines(status))


def line(status: WorkerStatus) -> str:
    """The same in one line."""
    counts = f"{status.queue.working} working, {status.queue.queued} queued, {status.totals.completed} completed"
    return f"{_clock(status.time)} {words.state(status)}; {counts}, {words.dcc(status.totals.earned)}"


def log_line(one: LogLine) -> str:
    mark = "" if one.level in ("info", "debug") else f"{one.level}: "
    return f"{_clock(one.time)} {mark}{one.text}"


def _lines(status: WorkerStatus) -> Iterator[str]:
    yield f"Worker {status.worker or '(without a name yet)'}, process {status.pid}, version {status.version}"
    yield f"  {words.state(status)}; started {words.duration(status.time - status.started)} ago"
    if status.exit_when_done:
        yield "  It ends once the scheduler has no work"
    yield from (f"  ! {words.plain(message)}" for message in status.messages)
    rows = (("scheduler", status.scheduler), ("account", status.account), ("evaluator", status.evaluator))
    yield from (_row(name, value) for name, value in rows if value)
    yield from (_resource(one, status.time) for one in status.resources)
    queue, totals = status.queue, status.totals
    yield _row("slices", f"{queue.working} working, {queue.queued} queued, {queue.unsubmitted} results to submit")
    failed = f", {totals.failed + totals.rejected} failed" if totals.failed + totals.rejected else ""
    yield _row("completed", f"{totals.completed}{failed}, {words.count(status.rates.slices_per_hour)} an hour")
    yield _row("earned", f"{words.dcc(totals.earned)}, {words.dcc(status.rates.earned_per_hour)} an hour")
    if status.sandboxes:
        yield _row("sandboxes", f"{len(status.sandboxes)} of at most {status.max_sandboxes}")
    yield from (_sandbox(one, status.time) for one in status.sandboxes)


def _row(name: str, value: str) -> str:
    return f"  {name:<11}{value}"


def _resource(one: Resource, now: float) -> str:
    name = "" if one.id in ("cpu", "gpu") else f"{words.plain(one.name, 40)}: "
    state = words.resource_use(one) if one.allowed else words.resource_state(one, now)
    return _row(one.id, f"{name}{state}") if len(one.id) < 11 else f"  {one.id} {name}{state}"


def _sandbox(one: Sandbox, now: float) -> str:
    if one.began is None:
        return f"  {one.number:>9}  {one.state}"
    share = f" {words.share(one)}" if one.progress is not None else ""
    return f"  {one.number:>9}  {words.sandbox_job(one)}, slice {one.slice},{share} {words.clock(now - one.began)}"


def _clock(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))
