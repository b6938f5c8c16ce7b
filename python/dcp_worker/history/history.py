"""What a worker does is written down while it does it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

from ..logs.lines import plain
from ..logs.notices import Notice, Paid, SliceEnded, Submitted
from ..tasks.work import Work
from .database import DAYS, HistoryDatabase, HistoryError
from .report import Place, Report

_DELAY: Final = 5.0
"""Seconds for which changes are collected: so much is lost if the worker is killed."""
_RETRY: Final = 60.0
_MOST: Final = 2000
"""Jobs and days that are not written yet; beyond it jobs are not kept apart."""


class History:
    """For asyncio; hears notices. Made by ``open``."""

    def __init__(self, database: HistoryDatabase, warn: Callable[[str], None]) -> None:
        self._database = database
        self._warn = warn
        self._new: dict[Place, tuple[str, Work]] = {}
        self._lock = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._is_failing = False

    @classmethod
    async def open(cls, folder: Path | None, warn: Callable[[str], None]) -> History:
        """``folder``: of this worker alone. Where nothing can be kept there, all is in memory; ``warn`` hears why."""
        database = HistoryDatabase(folder)
        try:
            if note := await asyncio.to_thread(database.open):
                warn(note)
        except HistoryError as error:
            warn(f"what is done is kept in memory only: {error}")
            database = HistoryDatabase(None)
            database.open()
        return cls(database, warn)

    def __call__(self, notice: Notice) -> None:
        match notice:
            case SliceEnded(key=key, job_name=name):
                self._add(key.job, name, notice.work())
            case Submitted(key):
                self._add(key.job, "", Work(submitted=1))
            case Paid(key, amount):
                self._add(key.job, "", Work(earned=amount))

    async def report(self, since: str | None = None, days: int = 30) -> Report:
        """From the day ``since`` (``YYYY-MM-DD``, UTC) on, or of the last ``days``. Raises HistoryError."""
        await self._write()
        async with self._lock:
            return await asyncio.to_thread(self._database.report, first_day(since, days))

    async def close(self) -> None:
        """Writes what is not written yet."""
        if self._timer:
            self._timer.cancel()
        await self._write()
        async with self._lock:
            await asyncio.to_thread(self._database.close)

    def _add(self, job: str, name: str, work: Work) -> None:
        place = Place(_today(), plain(job))
        if place not in self._new and len(self._new) >= _MOST:
            place = Place(place.day, "")
        known, sums = self._new.get(place, ("", Work()))
        sums.add(work)
        self._new[place] = (plain(name) or known, sums)
        self._write_in(_DELAY)

    def _write_in(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._begin_to_write)

    def _begin_to_write(self) -> None:
        self._timer = None
        self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        async with self._lock:
            if not self._new:
                return
            work, self._new = self._new, {}
            try:
                await asyncio.to_thread(self._database.add, work)
            except HistoryError as error:
                self._failed(work, error)
            else:
                self._is_failing = False

    def _failed(self, work: dict[Place, tuple[str, Work]], error: HistoryError) -> None:
        """It is tried again."""
        for place, (name, sums) in self._new.items():
            known, before = work.get(place, ("", Work()))
            before.add(sums)
            work[place] = (name or known, before)
        self._new = work
        if not self._is_failing:
            self._warn(f"what is done cannot be written down for now: {error}")
        self._is_failing = True
        self._write_in(_RETRY)


def first_day(since: str | None, days: int) -> str:
    """Of a report: ``since``, or that of the last ``days``, today's among them."""
    first = datetime.now(UTC).date() - timedelta(days=min(days, DAYS) - 1)
    return since or first.isoformat()


def _today() -> str:
    return _day(int(time.time() // 86_400))


@lru_cache(2)
def _day(number: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=number)).isoformat()
