"""Results of all workers, on their way into the database."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from ..model.measured import Rates
from ..model.work_request import SliceResult
from ..store.database import Database
from .acceptance import accept
from .results import Accepted, Answer

_PAUSE = 0.03
"""Seconds between transactions, of which each costs as much as many results more in it."""
_MOST = 500
_MOST_CHARACTERS = 64 << 20


@dataclass(frozen=True, slots=True)
class _Sent:
    result: SliceResult
    answer: asyncio.Future[Accepted]

    def settle(self, answer: Answer | Exception) -> None:
        if self.answer.done():
            return
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


class Intake:
    """Results that come while others are being written go into the next transaction together. For one event loop."""

    def __init__(self, database: Database, rates: Rates) -> None:
        self._database = database
        self._rates = rates
        self._waiting: deque[_Sent] = deque()
        self._writing: asyncio.Task[None] | None = None

    async def accept(self, result: SliceResult) -> Accepted:
        """Once that is committed. Raises RefusedError."""
        loop = asyncio.get_running_loop()
        sent = _Sent(result, loop.create_future())
        self._waiting.append(sent)
        if self._writing is None:
            self._writing = loop.create_task(self._write_all())
        return await sent.answer

    async def _write_all(self) -> None:
        """The first at once; others wait for more."""
        clock = asyncio.get_running_loop().time
        try:
            while batch := self._next():
                begun = clock()
                await self._write(batch)
                await asyncio.sleep(begun + _PAUSE - clock())
        finally:
            self._writing = None

    def _next(self) -> list[_Sent]:
        batch: list[_Sent] = []
        size = 0
        while self._waiting and len(batch) < _MOST and size < _MOST_CHARACTERS:
            sent = self._waiting.popleft()
            if not sent.answer.done():  # somebody waits for it
                batch.append(sent)
                size += len(sent.result.uri)
        return batch

    async def _write(self, batch: Sequence[_Sent]) -> None:
        results = [sent.result for sent in batch]
        try:
            answers: Sequence[Answer | Exception] = await self._database.write(
                lambda transaction: accept(transaction, results, self._rates)
            )
        except Exception as error:
            if len(batch) > 1:  # the others can do without the one that fails
                for sent in batch:
                    await self._write([sent])
                return
            answers = [error]
        for sent, answer in zip(batch, answers, strict=True):
            sent.settle(answer)
