"""SQLite: a file of one process."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from .backend import Backend

_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 10000", "foreign_keys = ON")


class Sqlite(Backend):
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
