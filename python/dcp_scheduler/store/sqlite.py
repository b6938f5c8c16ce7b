"""SQLite: a file of one process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from ..errors import SchedulerError
from .backend import Backend

_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 10000", "foreign_keys = ON")


class Sqlite(Backend):
    @contextmanager
    def alone(self) -> Iterator[None]:
        """The kernel takes the lock from a process that was killed; the file stays."""
        path = f"{self.url.database}.lock"
        try:
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SchedulerError(f"{path} cannot be opened: {error.strerror}") from None
        try:
            self._take(lock)
            yield
        finally:
            os.close(lock)

    def _take(self, lock: int) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            told = f"another scheduler has {self.url.database}"
            raise SchedulerError(f"{told}: end it, give --state, or use PostgreSQL for several processes") from None

    def engine(self) -> Engine:
        engine = create_engine(self.url)
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "begin", _begin)
        return engine


def _set_up(connection: Any, _record: Any) -> None:
    """The driver must not begin transactions by itself: savepoints would not hold."""
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
