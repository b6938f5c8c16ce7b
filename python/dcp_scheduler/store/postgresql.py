"""PostgreSQL: several processes, none of them special.

One of them writes at a time, as with SQLite: a transaction that writes takes a lock first. Finer locks would not help.
Workers get slices of many jobs, so that a transaction, which has the requests of many workers, meets those of all other
processes somewhere; and the slice that is handed out next, and the end of a job, are one row for everybody. So nobody
waits in a circle, and what is read stays true until it is committed. Meanwhile others read, verify, and answer.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError

from ..errors import SchedulerError
from .backend import Backend, Begun

_LOCK = int.from_bytes(b"dcpsched", "big")
_BEGIN = text(
    "SELECT pg_advisory_xact_lock(:lock), pg_current_xact_id()::text, extract(epoch FROM clock_timestamp())::float8"
).bindparams(lock=_LOCK)
_LOOK_UP = text(
    "SELECT CASE WHEN CAST(:mark AS xid8) < pg_snapshot_xmax(pg_current_snapshot()) "
    "THEN pg_xact_status(CAST(:mark AS xid8)) END"
)  # a server that took another's place may not know it
_STALLED = "SET idle_in_transaction_session_timeout = '60s'"
"""A process that hangs in a transaction keeps others from writing for no longer."""
# A server that has vanished is noticed in half a minute.
_ALIVE = {
    "connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3,
    "tcp_user_timeout": 30_000, "application_name": "dcp-scheduler",
}  # fmt: skip
# SQLSTATEs, and classes of them.
_CONFLICT = "40"
_PASS = (_CONFLICT, "08", "57", "53100", "53300", "25006", "25P03")
"""The connection, an operator, a full disk, too many connections, a stand-by, a process that has hung."""


class Postgresql(Backend):
    is_shared = True

    def __init__(self, url: URL) -> None:
        super().__init__(url)
        self._url = url.set(drivername="postgresql+psycopg")
        self._alive = {name: value for name, value in _ALIVE.items() if name not in url.query}

    def engine(self) -> Engine:
        """Raises SchedulerError."""
        _need_driver()
        engine = create_engine(self._url, isolation_level="READ COMMITTED", connect_args=self._alive)
        event.listen(engine, "connect", _set_up)
        return engine

    def arguments(self) -> dict[str, Any]:
        """Of ``psycopg.connect``, for a connection beside those of the engine."""
        _, arguments = self._url.get_dialect()().create_connect_args(self._url)
        return {**arguments, **self._alive}

    def for_reading(self, engine: Engine) -> Engine:
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def begin(self, connection: Connection) -> Begun:
        _, mark, now = connection.execute(_BEGIN).one()
        return Begun(now, mark)

    def was_committed(self, connection: Connection, mark: str) -> bool:
        return bool(connection.execute(_LOOK_UP, {"mark": mark}).scalar() == "committed")

    def passes(self, error: BaseException) -> bool:
        """Not what a statement may be to blame for: it would be tried again for ever."""
        if not isinstance(error, DBAPIError):
            return False
        cannot_connect = isinstance(error, OperationalError) and error.statement is None
        return error.connection_invalidated or cannot_connect or _state(error).startswith(_PASS)

    def conflicts(self, error: BaseException) -> bool:
        return _state(error).startswith(_CONFLICT)


def _state(error: BaseException) -> str:
    return getattr(getattr(error, "orig", None), "sqlstate", None) or ""


def _need_driver() -> None:
    try:
        import psycopg  # noqa: F401
    except ImportError:
        remedy = "run: pip install 'dcp-evaluator[network]'"
        raise SchedulerError(f"PostgreSQL needs the driver psycopg, which is missing; {remedy}") from None


def _set_up(connection: Any, _record: Any) -> None:
    connection.autocommit = True
    connection.execute(_STALLED)
    connection.autocommit = False
