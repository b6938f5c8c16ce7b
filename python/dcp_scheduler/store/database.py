"""The database: one thread that writes, many operations in one transaction; readers beside it."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from ..errors import SchedulerError
from . import migrations
from .contents import Contents
from .transaction import Transaction

_MOST_AT_ONCE = 500
_READERS = 4

T = TypeVar("T")
Operation = Callable[[Transaction], T]


@dataclass(slots=True)
class _Asked:
    operation: Operation[Any]
    reply: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    outcome: Any = None
    error: BaseException | None = None


class Database:
    """``await write(operation)`` and ``await read(function)``, from an event loop. ``close`` it.

    What an operation raises is undone, and nothing else; the others of its transaction stay. Whoever waits hears when
    all is on disk. ``on_commit`` is called in the writing thread with each transaction that has changed something.
    """

    def __init__(self, url: str, folder: Path, on_commit: Callable[[Transaction], None] | None = None) -> None:
        """``folder``: for contents. Raises SchedulerError where the database cannot be opened or is too new."""
        self.contents = Contents(folder)
        self._on_commit = on_commit or (lambda transaction: None)
        try:
            self._engine = _engine(url)
            with self._engine.begin() as connection:
                migrations.upgrade(connection)
        except SQLAlchemyError as error:
            raise SchedulerError(f"the database {_shown(url)} cannot be opened: {error}") from None
        self._asked: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(_READERS, "dcp-scheduler-read")
        self._writer = threading.Thread(target=self._write_all, name="dcp-scheduler-write", daemon=True)
        self._writer.start()

    async def write(self, operation: Operation[T]) -> T:
        """What it returns, once that is committed. Raises what it raises, and SQLAlchemyError."""
        loop = asyncio.get_running_loop()
        reply: asyncio.Future[T] = loop.create_future()
        self._asked.put(_Asked(operation, reply, loop))
        return await reply

    async def read(self, function: Callable[[Connection], T]) -> T:
        """What it returns, of what is committed."""

        def run() -> T:
            with self._engine.connect() as connection:
                return function(connection)

        return await asyncio.get_running_loop().run_in_executor(self._readers, run)

    def close(self) -> None:
        """What was asked before is done."""
        self._asked.put(None)
        self._writer.join()
        self._readers.shutdown()
        self._engine.dispose()

    def _write_all(self) -> None:
        while (first := self._asked.get()) is not None:
            batch, ended = [first], False
            while len(batch) < _MOST_AT_ONCE and not self._asked.empty():
                if (another := self._asked.get()) is None:
                    ended = True
                    break
                batch.append(another)
            self._commit(batch)
            if ended:
                return

    def _commit(self, batch: Sequence[_Asked]) -> None:
        transaction = None
        try:
            with self._engine.begin() as connection:
                transaction = Transaction(connection, self.contents, time.time())
                for asked in batch:
                    _run(asked, transaction)
            self._on_commit(transaction)
        except Exception as error:
            for asked in batch:
                asked.error = asked.error or error
        for loop in {asked.loop for asked in batch}:
            loop.call_soon_threadsafe(_settle, [asked for asked in batch if asked.loop is loop])


def _run(asked: _Asked, transaction: Transaction) -> None:
    savepoint = transaction.connection.begin_nested()
    try:
        asked.outcome = asked.operation(transaction)
        savepoint.commit()
    except Exception as error:
        asked.error = error
        savepoint.rollback()


def _settle(batch: Sequence[_Asked]) -> None:
    for asked in batch:
        if asked.reply.done():
            continue
        if asked.error is not None:
            asked.reply.set_exception(asked.error)
        else:
            asked.reply.set_result(asked.outcome)


def _engine(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    """The driver must not begin transactions by itself: savepoints would not hold."""
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 10000", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _shown(url: str) -> str:
    """Without a password."""
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True)
