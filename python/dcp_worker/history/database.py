"""The file of a worker's history. All of it blocks."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..configuration.safety import make_own
from ..errors import WorkerError
from ..tasks.work import FIELDS, Work
from .report import Day, JobWork, Place, Report

NAME: Final = "history.db"
DAYS: Final = 366
"""So many days are kept, of those on which there was work."""
JOBS: Final = 500
"""So many jobs of a day are kept apart."""
_SHOWN_JOBS: Final = 1000
_APPLICATION: Final = 0x64637068  # dcph
_BROKEN: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
MIGRATIONS: Final = (
    """
    CREATE TABLE work (
      day TEXT NOT NULL, job TEXT NOT NULL, name TEXT NOT NULL,
      completed INTEGER NOT NULL, failed INTEGER NOT NULL, rejected INTEGER NOT NULL, submitted INTEGER NOT NULL,
      cpu_seconds REAL NOT NULL, gpu_seconds REAL NOT NULL, earned REAL NOT NULL,
      PRIMARY KEY (day, job)
    ) WITHOUT ROWID
    """,
)
"""Each brings a file to the next version, of which the first has number 1."""

_SUMS: Final = ", ".join(f"sum({name})" for name in FIELDS)
_DAYS: Final = f"SELECT day, {_SUMS} FROM work WHERE day >= ? GROUP BY day ORDER BY day"
_JOBS: Final = (
    f"SELECT job, max(name), min(day), max(day), {_SUMS} FROM work WHERE day >= ? GROUP BY job "
    "ORDER BY sum(cpu_seconds) + sum(gpu_seconds) DESC, job LIMIT ?"
)
_ADD: Final = (
    f"INSERT INTO work VALUES (?, ?, ?, {', '.join('?' * len(FIELDS))}) ON CONFLICT (day, job) DO UPDATE SET "
    "name = CASE excluded.name WHEN '' THEN name ELSE excluded.name END, "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in FIELDS)
)
_FORGET: Final = "DELETE FROM work WHERE day NOT IN (SELECT DISTINCT day FROM work ORDER BY day DESC LIMIT ?)"


class HistoryError(WorkerError):
    """The history cannot be read or kept; the message says why."""


class HistoryDatabase:
    """For one thread at a time. ``folder``: where its file is; None keeps all in memory."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / NAME if folder else None
        self._connection: sqlite3.Connection | None = None

    def open(self) -> str:
        """Makes or migrates the file. Raises HistoryError. A broken one is set aside: what is returned says so."""
        with _told(self._path), contextlib.ExitStack() as stack:
            stack.callback(self.close)  # unless all goes well
            note = self._open()
            stack.pop_all()
        return note

    def add(self, work: Mapping[Place, tuple[str, Work]]) -> None:
        """With the names of jobs. Of the days on which there was work, the last ``DAYS`` stay. Raises HistoryError."""
        with _told(self._path), self._opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            for place, (name, done) in work.items():
                count = _count(connection, place.day)
                kept = place.job if count < JOBS or _is_known(connection, place) else ""
                row = (place.day, kept, name if kept else "", *(getattr(done, field) for field in FIELDS))
                connection.execute(_ADD, row)
                if count == 0:
                    connection.execute(_FORGET, (DAYS,))

    def report(self, since: str) -> Report:
        """From that day (``YYYY-MM-DD``) on. Raises HistoryError."""
        with _told(self._path), self._opened() as connection:
            days = connection.execute(
                f"SELECT day, {_SUMS} FROM work WHERE day >= ? GROUP BY day ORDER BY day", (since,)
            )
            found = tuple(Day(day=day, work=_work(sums)) for day, *sums in days)
            jobs = connection.execute(
                f"SELECT job, max(name), min(day), max(day), {_SUMS} FROM work WHERE day >= ? GROUP BY job "
                "ORDER BY sum(cpu_seconds) + sum(gpu_seconds) DESC, job LIMIT ?",
                (since, _SHOWN_JOBS),
            )
            total = Work()
            for day in found:
                total.add(day.work)
            return Report(
                since=since,
                total=total,
                days=found,
                jobs=tuple(
                    JobWork(id=job, name=name, first=first, last=last, work=_work(sums))
                    for job, name, first, last, *sums in jobs
                ),
            )

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    # Inside

    @contextlib.contextmanager
    def _opened(self) -> Any:
        if self._connection is None:
            raise sqlite3.OperationalError("it is closed")
        with self._connection:
            yield self._connection

    def _open(self) -> str:
        if self._path:
            if trouble := make_own(self._path.parent):
                raise HistoryError(trouble)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        try:
            self._connect()
        except sqlite3.DatabaseError as error:
            if self._path is None or _code(error) not in _BROKEN:
                raise
            return self._begin_anew(self._path)
        return ""

    def _connect(self) -> None:
        connection = self._connection = sqlite3.connect(
            self._path or ":memory:", timeout=5.0, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode = WAL")
        # A crash of the program loses nothing that was written; one of the machine may lose the last moments.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            self._migrate(connection)

    def _migrate(self, connection: sqlite3.Connection) -> None:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        is_new = (application, version, tables) == (0, 0, 0)
        if not is_new and (application != _APPLICATION or version > len(MIGRATIONS)):
            raise HistoryError(
                f"{self._path} is no history of this version of dcp-worker, and is left alone: move it away"
            )
        if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise _malformed()
        for migration in MIGRATIONS[version:]:
            connection.execute(migration)
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _begin_anew(self, path: Path) -> str:
        self.close()
        aside = path.with_name(f"{NAME}.broken-{time.time_ns()}")
        path.rename(aside)
        for suffix in ("-wal", "-shm"):
            path.with_name(f"{NAME}{suffix}").unlink(missing_ok=True)
        self._connect()
        return f"the history was broken, and is a new one now; it was renamed to {aside}"


@contextlib.contextmanager
def _told(path: Path | None) -> Any:
    try:
        yield
    except sqlite3.Error as error:
        raise HistoryError(f"{path or 'the history'} cannot be used: {error}") from error
    except OSError as error:
        raise HistoryError(f"{path or 'the history'} cannot be used: {error.strerror}") from error


def _count(connection: sqlite3.Connection, day: str) -> int:
    """How many jobs that day has."""
    (count,) = connection.execute("SELECT count(*) FROM work WHERE day = ?", (day,)).fetchone()
    return int(count)


def _is_known(connection: sqlite3.Connection, place: Place) -> bool:
    return connection.execute("SELECT 1 FROM work WHERE day = ? AND job = ?", place).fetchone() is not None


def _work(sums: list[Any]) -> Work:
    return Work(**dict(zip(FIELDS, sums, strict=True)))


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _malformed() -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError("the database is malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error
