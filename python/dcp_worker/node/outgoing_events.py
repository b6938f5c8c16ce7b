"""Events of work functions, on their way to the scheduler."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

from ..dialects.work_events import WorkEvent
from ..tasks.slices import SliceKey

_PATIENCE = 2.0
"""Seconds for which a result waits: events may be lost, results not."""

_Sending = set[asyncio.Task[bool]]


class OutgoingEvents:
    """They and results go over connections of their own, and a scheduler takes events of a slice from who has it. So
    the result of a slice waits until its events have been answered.
    """

    def __init__(self, emit: Callable[[WorkEvent], Coroutine[Any, Any, bool]], patience: float = _PATIENCE) -> None:
        self._emit = emit
        self._patience = patience
        self._sending: dict[SliceKey, _Sending] = {}

    def send(self, of: SliceKey, event: WorkEvent) -> None:
        sending = self._sending.setdefault(of, set())
        task = asyncio.create_task(self._emit(event))
        sending.add(task)
        task.add_done_callback(lambda task: self._answered(of, sending, task))

    async def told(self, of: SliceKey) -> None:
        """Until the scheduler has answered those of this slice, or has taken too long."""
        if sending := self._sending.get(of):
            await asyncio.wait(tuple(sending), timeout=self._patience)

    async def close(self) -> None:
        tasks = list(itertools.chain.from_iterable(self._sending.values()))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _answered(self, of: SliceKey, sending: _Sending, task: asyncio.Task[bool]) -> None:
        sending.discard(task)
        if not sending:
            self._sending.pop(of, None)
