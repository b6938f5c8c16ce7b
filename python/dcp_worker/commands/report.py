"""``dcp-worker report``: what a worker has done and earned, by day or job."""

from __future__ import annotations

import argparse
import asyncio
import csv
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Final

import msgspec

from ..configuration.load import load
from ..control import methods
from ..control.client import Client
from ..errors import NoWorkerError
from ..history.database import DAYS, NAME, HistoryDatabase
from ..history.history import first_day
from ..history.report import Report
from ..logs.lines import plain
from ..node.state_folder import state_folder
from ..tasks.work import FIELDS, Work
from .controlling import find_socket
from .options import PROGRAM
from .parser import Parser

_DESCRIPTION: Final = """\
Shows what a worker has done and earned. A running worker is asked; else what the last one has written is read."""
_HEAD: Final = ("completed", "failed", "CPU h", "GPU h", "DCC")


def run(arguments: Sequence[str]) -> int:
    """Raises UsageError, WorkerError."""
    options = _parse(arguments)
    report = _report(options)
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    elif options.csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows(_table(report, options.by))
    else:
        print("\n".join(_lines(report, options.by)))
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(f"{PROGRAM} report", _DESCRIPTION)
    parser.option(
        "--since", type=_day, metavar="DAY", help="from that day on: 2026-01-31, or 30d for the last 30 (default: 30d)"
    )
    parser.option("--by", choices=("day", "job"), default="day", help="what a row is of (default: day)")
    parser.option("--csv", action="store_true", help="for spreadsheets")
    parser.option("--json", action="store_true", help="days and jobs, for programs")
    parser.option("--socket", metavar="PATH", type=Path, help="the control socket of the worker")
    return parser.parse(arguments)


def _day(text: str) -> str:
    """A kind of arguments. Days are UTC."""
    if text.endswith("d") and text[:-1].isdecimal() and 1 <= int(text[:-1]) <= DAYS:
        return first_day(None, int(text[:-1]))
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day, such as 2026-01-31 or 30d") from None


def _report(options: argparse.Namespace) -> Report:
    since = options.since or first_day(None, 30)
    try:
        return asyncio.run(_asked(options.socket or find_socket(), since))
    except NoWorkerError:
        if options.socket:
            raise
    return _read(since)


async def _asked(socket: Path, since: str) -> Report:
    async with Client.connect(socket) as client:
        return await client.call(methods.Report(since=since), Report)


def _read(since: str) -> Report:
    """What is on disk. Raises WorkerError."""
    folder = state_folder(load(None).settings.node.state_folder)
    if folder is None or not (folder / NAME).exists():
        raise NoWorkerError("no worker runs, and none has written down here what it has done")
    database = HistoryDatabase(folder)
    try:
        database.open()
        return database.report(since)
    finally:
        database.close()


def _table(report: Report, by: str) -> Iterator[Sequence[object]]:
    if by == "day":
        yield ("day", *FIELDS)
        yield from ((one.day, *_values(one.work)) for one in report.days)
    else:
        yield ("job", "name", "first", "last", *FIELDS)
        yield from ((_cell(one.id), _cell(one.name), one.first, one.last, *_values(one.work)) for one in report.jobs)


def _cell(text: str) -> str:
    """Of foreign text, which spreadsheets must not take for a formula."""
    return f"'{plain(text)}" if text[:1] in ("=", "+", "-", "@") else plain(text)


def _lines(report: Report, by: str) -> Iterator[str]:
    yield f"{'':<34}" + "".join(f"{name:>11}" for name in _HEAD)
    if by == "day":
        rows = [(one.day, one.work) for one in report.days]
    else:
        rows = [
            (f"{plain(one.id)[:8]} {plain(one.name)[:24]}" if one.id else "others", one.work) for one in report.jobs
        ]
    for name, work in (*rows, (f"since {report.since}", report.total)):
        yield f"{name:<34}" + _row(work)


def _row(work: Work) -> str:
    failed = work.failed + work.rejected
    hours = f"{work.cpu_seconds / 3600:>11.2f}{work.gpu_seconds / 3600:>11.2f}"
    return f"{work.completed:>11}{failed:>11}{hours}{work.earned:>11.3f}"


def _values(work: Work) -> list[object]:
    return [getattr(work, name) for name in FIELDS]
