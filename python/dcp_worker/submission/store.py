"""Results and slices in flight, kept over crashes of the worker and outages of the scheduler."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from ..tasks.slices import Slice
from .bodies import Body
from .database import Database, StoreError
from .journal import Batch, Held, Journal, StoreLimits

_RETRY: Final = 10.0
"""Seconds until a disk that took nothing is tried again."""
_PAUSE: Final = 0.02
"""Seconds from one transaction to the next: each costs as much as many results in it."""
_LOADED: Final = 32 << 20
"""Bytes of results that are kept in memory although they are on disk, as they are sent in a moment."""


class ResultStore:
    """For asyncio. What changes while a transaction is written, or a moment after, goes into the next one together.

    Where nothing can be written, all is kept in memory, within its limit, and ``trouble`` says why. Made by ``open``.
    """

    def __init__(self, database: Database | None, journal: Journal, trouble: str, warn: Callable[[str], None]) -> None:
        self.trouble = trouble
        """Why results are in memory only; empty where they are on disk."""
        self._database = database
        self._journal = journal
        self._warn = warn
        self._loop = asyncio.get_running_loop()
        self._lock = asyncio.Lock()
        self._changed = asyncio.Event()
        self._next: asyncio.Future[None] = self._loop.create_future()
        self._not_before = 0.0
        self._closing = False
        self._writer = self._loop.create_task(self._write()) if database else None

    @classmethod
    async def open(
        cls, folder: Path | None, limits: StoreLimits | None = None, warn: Callable[[str], None] = lambda _: None
    ) -> ResultStore:
        """``folder``: of this worker alone; None for none. Never raises for it: see ``trouble``."""
        journal = Journal(limits)
        if folder is None:
            return cls(None, journal, "no folder is set for the worker's state", warn)
        database = Database(folder)
        try:
            opened = await asyncio.to_thread(database.open)
        except StoreError as error:
            warn(f"results are kept in memory, and are lost when the worker ends: {error}")
            return cls(None, journal, str(error), warn)
        if opened.note:
            warn(opened.note)
        journal.restore(opened.held)
        return cls(database, journal, "", warn)

    # What is here

    def in_flight(self) -> list[Slice]:
        """Slices without result; after ``open``, those of an earlier run, which are to be returned."""
        return self._journal.in_flight()

    def results(self) -> list[int]:
        """Numbers of results, by age."""
        return self._journal.results()

    def result(self, number: int) -> Held | None:
        return self._journal.result(number)

    @property
    def has_room(self) -> bool:
        """Whether there is room for results of more slices: less than that of nine tenths of the limits."""
        limits = self._journal.limits
        is_full = self._journal.stored_bytes * 10 > limits.disk * 9
        return not is_full and self._journal.unstored_bytes * 10 <= limits.memory * 9

    async def body(self, number: int) -> Body | None:
        """None where the result is gone, or was not whole on disk: then its slice has to be returned."""
        held = self._journal.result(number)
        if held is None or held.body is not None or self._database is None:
            return held.body if held else None
        async with self._lock:
            with contextlib.suppress(sqlite3.Error, OSError):
                return await asyncio.to_thread(self._database.body, held.slice.key)
        return None

    # What happens. Each waits until it is on disk, or cannot be.

    def began(self, slices: Iterable[Slice]) -> asyncio.Future[None]:
        """They are handed out to this worker."""
        self._journal.began(slices)
        return self._change()

    def finished(self, of: Slice, body: Body) -> tuple[int, list[Held], asyncio.Future[None]]:
        """The number of its result, and what had to go for it: slices that are to be returned."""
        number = self._journal.finished(of, body)
        dropped = self._journal.drop_excess()
        return number, dropped, self._change()

    def uploaded(self, number: int, body: Body) -> asyncio.Future[None]:
        self._journal.uploaded(number, body)
        return self._change()

    def acknowledged(self, number: int) -> asyncio.Future[None]:
        """The scheduler has the result."""
        self._journal.acknowledged(number)
        return self._change()

    def lost(self, number: int) -> asyncio.Future[None]:
        """There will be no result: the slice is in flight, until the scheduler has it back."""
        self._journal.lost(number)
        return self._change()

    def gone(self, slices: Iterable[Slice]) -> asyncio.Future[None]:
        """The scheduler has them back."""
        for one in slices:
            self._journal.gone(one)
        return self._change()

    def sending(self, number: int, is_sending: bool) -> None:
        """What is being sent is not dropped."""
        if held := self._journal.result(number):
            held.is_sending = is_sending

    async def close(self) -> None:
        """Writes what is left to write."""
        self._closing = True
        self._changed.set()
        if self._writer:
            await self._writer
        if self._database:
            await asyncio.to_thread(self._database.close)

    # Inside

    def _change(self) -> asyncio.Future[None]:
        if self._writer is None or not self._journal.has_changes:
            done = self._loop.create_future()
            done.set_result(None)
            return done
        self._changed.set()
        return self._next

    async def _write(self) -> None:
        begun = 0.0
        while True:
            await self._changed.wait()
            await asyncio.sleep(begun + _PAUSE - self._loop.time())
            self._changed.clear()
            if self._journal.has_changes:
                begun = self._loop.time()
                await self._write_batch()
            if self._closing:
                if self.trouble or not self._journal.has_changes:
                    return
                self._changed.set()

    async def _write_batch(self) -> None:
        future, self._next = self._next, self._loop.create_future()
        if self._loop.time() >= self._not_before or self._closing:
            batch = self._journal.take_batch()
            error = await self._apply(batch)
            if error is None:
                self._journal.written(batch)
                self._journal.release_bodies(_LOADED)
                self._recovered()
            else:
                self._journal.failed(batch)
                self._not_before = self._loop.time() + _RETRY
                self._loop.call_later(_RETRY, self._changed.set)
                self._fail(error)
        future.set_result(None)

    async def _apply(self, batch: Batch) -> Exception | None:
        assert self._database
        async with self._lock:
            try:
                await asyncio.to_thread(self._database.apply, batch)
            except (sqlite3.Error, OSError) as error:
                return error
        return None

    def _fail(self, error: Exception) -> None:
        if not self.trouble:
            self._warn(f"results cannot be written, and are kept in memory for now: {error}")
        self.trouble = str(error)

    def _recovered(self) -> None:
        if self.trouble:
            self._warn("results can be written again")
        self.trouble = ""
