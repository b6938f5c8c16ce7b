"""Copies of a network's state, made while it works. A copy is a state folder: a scheduler starts with it as it is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import SchedulerError
from ..jobs import handing
from ..store.database import Database

DATABASE, CONTENTS, KEY = "scheduler.db", "contents", "scheduler.key"
_PARTIAL = ".part"
_BESIDE = ("-wal", "-shm")
_EVER = 1e12


@dataclass(frozen=True, slots=True)
class Backup:
    """``new``: of ``contents``, those that were not there from a backup before; ``size``: bytes that were written."""

    folder: Path
    jobs: int
    contents: int
    new: int
    size: int


def back_up(state: Path, folder: Path, elsewhere: str = "") -> Backup:
    """Into ``folder``, which is made, or has an older backup in it. ``elsewhere``: where contents are, if not in the
    state; there they stay. Raises SchedulerError.

    First the database, as it is at one moment, then contents: those that it names were there before, and none is ever
    changed or removed. In the copy no slice is out: workers that answer meanwhile do not answer twice.
    """
    source = state / DATABASE
    if not source.exists():
        raise SchedulerError(f"there is no {source}: name the state's folder with --state")
    if not elsewhere and not (state / CONTENTS).exists():
        raise SchedulerError(f"there are no contents in {state}: name the bucket in which they are with --contents")
    if folder.resolve() == state.resolve():
        raise SchedulerError("a backup goes into another folder than the state's")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check(folder)
        if not elsewhere:
            (folder / CONTENTS).mkdir(mode=0o700, exist_ok=True)
        jobs = _copy_database(source, folder, elsewhere or folder / CONTENTS)
        count, new, size = (0, 0, 0) if elsewhere else _copy_contents(state / CONTENTS, folder / CONTENTS)
        _copy(state / KEY, folder / KEY)
        _sync(folder)
    except OSError as error:
        raise SchedulerError(f"the backup failed: {error.filename or folder}: {error.strerror or error}") from None
    except sqlite3.Error as error:
        raise SchedulerError(f"the backup failed: {source}: {error}") from None
    return Backup(folder, jobs, count, new, size + (folder / DATABASE).stat().st_size)


def _check(folder: Path) -> None:
    """That nothing of somebody else's is overwritten."""
    known = {DATABASE, CONTENTS, KEY, *(f"{DATABASE}{_PARTIAL}{left}" for left in ("", *_BESIDE))}
    others = {path.name for path in folder.iterdir()} - known
    if others:
        raise SchedulerError(f"{folder} is no backup, and not empty: choose another folder")


def _copy_database(source: Path, folder: Path, contents: Path | str) -> int:
    """How many jobs are in it. The whole in one step: others write meanwhile, to the log beside the database."""
    target = folder / DATABASE
    partial = target.with_name(target.name + _PARTIAL)
    for left in ("", *_BESIDE):
        partial.with_name(partial.name + left).unlink(missing_ok=True)
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with (
        contextlib.closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as live,
        contextlib.closing(sqlite3.connect(partial)) as copy,
    ):
        live.backup(copy)
    asyncio.run(_take_back(partial, contents))
    with contextlib.closing(sqlite3.connect(partial)) as copy:
        copy.execute("PRAGMA journal_mode = DELETE")
        (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise SchedulerError(f"the copy of {source} is damaged: {verdict}; is the disk?")
        (jobs,) = copy.execute("SELECT count(*) FROM jobs").fetchone()
    _sync(partial)
    for left in _BESIDE:
        target.with_name(target.name + left).unlink(missing_ok=True)
    partial.rename(target)
    return int(jobs)


async def _take_back(path: Path, contents: Path | str) -> None:
    """All slices that are out: who has them may have answered before a restored scheduler begins."""
    database = Database(f"sqlite:///{path}", contents)
    try:
        await database.write(lambda transaction: handing.take_back_silent(transaction, -_EVER))
    finally:
        database.close()


def _copy_contents(source: Path, target: Path) -> tuple[int, int, int]:
    """How many there are, how many are new, and their bytes."""
    count = new = size = 0
    for path in _contents(source):
        count += 1
        place = target / path.parent.name / path.name
        if place.exists() and place.stat().st_size == path.stat().st_size:
            continue
        place.parent.mkdir(mode=0o700, exist_ok=True)
        _copy(path, place)
        new, size = new + 1, size + place.stat().st_size
    return count, new, size


def _contents(folder: Path) -> Iterator[Path]:
    for part in sorted(folder.iterdir()):
        if part.is_dir() and len(part.name) == 2:  # the rest is being written
            yield from part.iterdir()


def _copy(source: Path, target: Path) -> None:
    """Whole, or not at all."""
    partial = target.with_name(target.name + _PARTIAL)
    partial.unlink(missing_ok=True)
    with source.open("rb") as read, partial.open("xb") as written:
        os.fchmod(written.fileno(), 0o600)
        shutil.copyfileobj(read, written, 1 << 20)
        written.flush()
        os.fsync(written.fileno())
    partial.rename(target)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
