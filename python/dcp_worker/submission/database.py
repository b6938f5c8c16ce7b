"""The files of the store: SQLite, and large bodies beside it. All of it blocks."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dcp_protocol.messages.bodies import JsonText
from dcp_protocol.messages.json_parts import Text

from ..configuration.safety import make_own
from ..errors import WorkerError
from ..tasks.slices import Authorization, Slice, SliceKey
from .bodies import Body, ResultText, Upload
from .journal import Batch, Held, Put

_APPLICATION: Final = 0x64637057  # dcpW
_VERSION: Final = 2
_LARGE: Final = 1 << 16
"""Bytes from which a body is a file of its own: SQLite would write it twice."""
_MAIN: Final = "results.db"
_BROKEN: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_SCHEMA: Final = """
CREATE TABLE authorizations (id INTEGER PRIMARY KEY, text BLOB NOT NULL UNIQUE);
CREATE TABLE slices (
  job TEXT NOT NULL, number INTEGER NOT NULL, authorization INTEGER NOT NULL, estimation INTEGER NOT NULL,
  result INTEGER NOT NULL, size INTEGER NOT NULL,
  url TEXT NOT NULL, grp TEXT NOT NULL, head BLOB NOT NULL, body BLOB, checksum INTEGER NOT NULL,
  PRIMARY KEY (job, number)
) WITHOUT ROWID;
"""
_FROM_1: Final = ("ALTER TABLE slices DROP COLUMN name", "DROP TABLE payments")
"""To version 2: payments are in the history."""
_PUT: Final = "INSERT OR REPLACE INTO slices VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_UNUSED: Final = "DELETE FROM authorizations WHERE id NOT IN (SELECT authorization FROM slices)"


class StoreError(WorkerError):
    """The folder cannot keep results; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Opened:
    """``note`` tells of a store that was broken and had to be set aside."""

    held: list[Held]
    note: str = ""


class Database:
    """For one thread at a time. A process that has it open keeps others out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bodies = folder / "bodies"
        self._connection: sqlite3.Connection | None = None
        self._authorizations: dict[bytes, int] = {}
        self._files: set[int] = set()
        self._written = 0

    def open(self) -> Opened:
        """What is there. Raises StoreError; a file that is broken is set aside for a new one."""
        try:
            for part in (self._folder, self._bodies):
                if trouble := make_own(part):
                    raise StoreError(trouble)
            _make_private(self._folder / _MAIN)
            try:
                return Opened(self._load())
            except sqlite3.DatabaseError as error:
                if _code(error) not in _BROKEN:
                    raise
                return Opened(*self._start_anew())
        except sqlite3.Error as error:
            self.close()
            raise StoreError(f"{self._folder / _MAIN} cannot keep results: {_cause(error)}") from error
        except OSError as error:
            raise StoreError(f"{self._folder} cannot keep results: {error.strerror}") from error

    def apply(self, batch: Batch) -> None:
        """All of it or nothing. Raises sqlite3.Error, OSError."""
        connection = self._open_connection()
        for put in batch.put:
            self._write_file(put)
        try:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("DELETE FROM slices WHERE job = ? AND number = ?", batch.deleted)
                connection.executemany(_PUT, [self._row(connection, put) for put in batch.put])
        except BaseException:
            self._authorizations.clear()
            raise
        for number in batch.stale:
            self._delete_file(number)
        self._written += len(batch.put)
        if self._written > 10_000:
            self._written = 0
            self._authorizations.clear()
            with connection:
                connection.execute(_UNUSED)

    def body(self, key: SliceKey) -> Body | None:
        """Of a result; None where there is none, or its file is not whole. Raises sqlite3.Error, OSError."""
        columns = "SELECT result, url, grp, head, body, checksum FROM slices WHERE job = ? AND number = ?"
        row = self._open_connection().execute(columns, key).fetchone()
        if row is None or not row[0]:
            return None
        number, url, group, head, body, checksum = row
        body = self._read_file(number) if body is None else body
        if body is None or zlib.crc32(body) != checksum:
            return None
        return Upload(url, group, head, body) if url else ResultText(body)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    # Inside

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.OperationalError("the store is closed")
        return self._connection

    def _load(self) -> list[Held]:
        connection = sqlite3.connect(
            self._folder / _MAIN, timeout=1.0, isolation_level=None, check_same_thread=False, cached_statements=32
        )
        self._connection = connection
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        # A crash of the program loses nothing; one of the machine may lose what came in its last moments.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._check_version(connection)
            if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise _broken()
            connection.execute(_UNUSED)
            held = self._read_held(connection)
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        self._sweep()
        return held

    def _check_version(self, connection: sqlite3.Connection) -> None:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if (application, version, tables) == (0, 0, 0):
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        elif (application, version) == (_APPLICATION, 1):
            for statement in _FROM_1:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        elif application != _APPLICATION or version != _VERSION:
            raise StoreError(
                f"{self._folder / _MAIN} is no store of this version of dcp-worker, and is left alone: move it away"
            )

    def _read_held(self, connection: sqlite3.Connection) -> list[Held]:
        texts = {row: Authorization(JsonText(text)) for row, text in connection.execute("SELECT * FROM authorizations")}
        columns = "SELECT job, number, authorization, estimation, result, size, body IS NULL FROM slices"
        held = []
        for job, number, authorization, estimation, result, size, is_file in connection.execute(columns):
            if authorization not in texts:
                raise _broken()
            one = Slice(key=SliceKey(job, number), is_estimation=bool(estimation), authorization=texts[authorization])
            if result and is_file:
                self._files.add(result)
            held.append(Held(one, result, size))
        return held

    def _start_anew(self) -> tuple[list[Held], str]:
        self.close()
        aside = f"{_MAIN}.broken-{time.time_ns()}"
        for suffix in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                (self._folder / f"{_MAIN}{suffix}").rename(self._folder / f"{aside}{suffix}")
        _make_private(self._folder / _MAIN)
        return self._load(), f"the store of results was broken, and is a new one now; it was renamed to {aside}"

    def _row(self, connection: sqlite3.Connection, put: Put) -> tuple[Any, ...]:
        one, body = put.slice, put.body
        key = (*one.key, self._authorization(connection, one.authorization), one.is_estimation)
        if body is None:
            return (*key, 0, 0, "", "", b"", b"", 0)
        text = _text(body)
        kept = None if len(text) >= _LARGE else text
        upload = (body.url, body.group, body.head) if isinstance(body, Upload) else ("", "", b"")
        return (*key, put.number, put.size, *upload, kept, zlib.crc32(text))

    def _authorization(self, connection: sqlite3.Connection, authorization: Authorization) -> int:
        text = bytes(authorization.text.text)
        if text not in self._authorizations:
            if len(self._authorizations) > 100:
                self._authorizations.clear()
            connection.execute("INSERT OR IGNORE INTO authorizations (text) VALUES (?)", (text,))
            (row,) = connection.execute("SELECT id FROM authorizations WHERE text = ?", (text,)).fetchone()
            self._authorizations[text] = row
        return self._authorizations[text]

    def _file(self, number: int) -> Path:
        return self._bodies / f"{number}"

    def _write_file(self, put: Put) -> None:
        if put.body is None or len(text := _text(put.body)) < _LARGE:
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        self._files.add(put.number)
        with os.fdopen(os.open(self._file(put.number), flags, 0o600), "wb", buffering=0) as file:
            file.write(text)

    def _read_file(self, number: int) -> bytes | None:
        with contextlib.suppress(FileNotFoundError):
            return self._file(number).read_bytes()
        return None

    def _delete_file(self, number: int) -> None:
        if number in self._files:
            self._files.discard(number)
            with contextlib.suppress(OSError):
                self._file(number).unlink()

    def _sweep(self) -> None:
        """Deletes bodies that no result has."""
        for path in self._bodies.iterdir():
            if not path.name.isdecimal() or int(path.name) not in self._files:
                with contextlib.suppress(OSError):
                    path.unlink()


def _text(body: Body) -> Text:
    return body.form if isinstance(body, Upload) else body.text


def _make_private(path: Path) -> None:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _broken() -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError("the database is malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _cause(error: sqlite3.Error) -> str:
    match _code(error):
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return "another worker uses it: give each worker a state folder of its own"
        case sqlite3.SQLITE_FULL:
            return "the disk is full"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN:
            return "it may not be written"
    return str(error)
