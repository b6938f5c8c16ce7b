"""The database: one thread that writes, many operations in one transaction; readers beside it.

Nothing of this knows which database it is. A transaction that fails since the database is away, or since another was in
its way, is run again: operations change nothing but the tables and contents, which are named for what is in them.
"""

from __future__ import annotations

import asyncio
import queue
import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from ..errors import RefusedError, SchedulerError
from . import migrations, notices
from .backend import reason
from .backends import backend_of
from .contents import ContentsAwayError
from .patience import Patience
from .places import contents_at
from .transaction import Transaction

_MOST_AT_ONCE = 500
_MOST_WAITING = 20_000
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


@dataclass(slots=True)
class _Batch:
    """What is committed together. ``mark``: of the last attempt of which it is unknown whether it was committed."""

    asked: Sequence[_Asked]
    transaction: Transaction | None = None
    mark: str = ""


class Database:
    """``await write(operation)`` and ``await read(function)``, from an event loop. ``close`` it.

    What an operation raises is undone, and nothing else; the others of its transaction stay. Whoever waits hears when
    all is on disk. ``on_commit`` is called in the writing thread with each transaction that has changed something.
    """

    def __init__(self, url: str, contents: Path | str, on_commit: Callable[[Transaction], None] | None = None) -> None:
        """``contents``: where they are, a folder or ``s3://BUCKET/PREFIX``. Raises SchedulerError where the database
        cannot be opened or is too new, or contents cannot be used.
        """
        self.contents = contents_at(contents)
        self.name = secrets.token_hex(8)
        """Of this process, among those that share the database."""
        self.backend = backend_of(url)
        self._on_commit = on_commit or (lambda transaction: None)
        self._patience = Patience(
            f"the database {self.backend.shown}", passes=self._passes, conflicts=self.backend.conflicts
        )
        self._engine = self.backend.engine()
        try:
            self._upgrade()
        except BaseException:
            self._engine.dispose()
            raise
        self._for_reading = self.backend.for_reading(self._engine)
        self._asked: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(_READERS, "dcp-scheduler-read")
        self._writer = threading.Thread(target=self._write_all, name="dcp-scheduler-write", daemon=True)
        self._writer.start()

    async def write(self, operation: Operation[T]) -> T:
        """What it returns, once that is committed. Raises what it raises, ``EBUSY``, and SQLAlchemyError.

        It may be called several times, and only what the last call has done stays.
        """
        if self._asked.qsize() >= _MOST_WAITING:
            raise RefusedError("EBUSY", "the network's database is away, or does not keep up; try again later")
        loop = asyncio.get_running_loop()
        reply: asyncio.Future[T] = loop.create_future()
        self._asked.put(_Asked(operation, reply, loop))
        return await reply

    async def read(self, function: Callable[[Connection], T]) -> T:
        """What it returns, of what is committed."""

        def run() -> T:
            with self._for_reading.connect() as connection:
                return function(connection)

        return await asyncio.get_running_loop().run_in_executor(self._readers, self._patience.until_done, run)

    def hurry(self) -> None:
        """From now on nobody waits for a database or contents that are away: what was asked fails."""
        self._patience.end()
        self.contents.hurry()

    def close(self) -> None:
        """What was asked before is done, unless the database is away."""
        self.hurry()
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
            self._commit(_Batch(batch))
            if ended:
                return

    def _commit(self, batch: _Batch) -> None:
        try:
            self._on_commit(self._patience.until_done(partial(self._attempt, batch)))
        except Exception as error:
            for asked in batch.asked:
                asked.error = asked.error or error
        for loop in {asked.loop for asked in batch.asked}:
            loop.call_soon_threadsafe(_settle, [asked for asked in batch.asked if asked.loop is loop])

    def _attempt(self, batch: _Batch) -> Transaction:
        with self._engine.begin() as connection:
            begun = self.backend.begin(connection)
            if batch.mark and batch.transaction and self.backend.was_committed(connection, batch.mark):
                return batch.transaction
            transaction = batch.transaction = Transaction(connection, self.contents.for_transactions(), begun.now)
            for asked in batch.asked:
                self._run(asked, transaction)
            if self.backend.is_shared:
                notices.tell(connection, self.name, transaction)
            batch.mark = begun.mark
        return transaction

    def _run(self, asked: _Asked, transaction: Transaction) -> None:
        """Raises what may pass."""
        asked.error = None
        savepoint = transaction.connection.begin_nested()
        try:
            asked.outcome = asked.operation(transaction)
            savepoint.commit()
        except Exception as error:
            if self._passes(error):
                raise
            asked.error = error
            savepoint.rollback()

    def _passes(self, error: BaseException) -> bool:
        return isinstance(error, ContentsAwayError) or self.backend.passes(error)

    def _upgrade(self) -> None:
        """Raises SchedulerError."""
        try:
            with self._engine.begin() as connection:
                self.backend.begin(connection)  # of several processes that start, one does it
                migrations.upgrade(connection)
        except SQLAlchemyError as error:
            raise SchedulerError(f"the database {self.backend.shown} cannot be opened: {reason(error)}") from None


def _settle(answered: Sequence[_Asked]) -> None:
    for asked in answered:
        if asked.reply.done():
            continue
        if asked.error is not None:
            asked.reply.set_exception(asked.error)
        else:
            asked.reply.set_result(asked.outcome)
