"""Tells the scheduler which slices have begun, and which go back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from ..dialects.dialect import Dialect
from ..dialects.slice_status import Returned, Status
from ..tasks.slices import Slice, SliceKey
from .asking import Asking, NoAnswerError, RefusedError
from .background import Alarm, Background
from .status_queue import StatusQueue


class StatusTeller:
    """``on_returned`` hears of slices that the scheduler has back, or does not take back."""

    def __init__(
        self,
        asking: Asking,
        dialect: Dialect,
        worker: str,
        background: Background,
        queue: StatusQueue,
        *,
        on_returned: Callable[[Sequence[Slice]], None],
        on_warning: Callable[[str], None],
        on_change: Callable[[], None],
    ) -> None:
        self._asking = asking
        self._dialect = dialect
        self._worker = worker
        self._background = background
        self._queue = queue
        self._on_returned = on_returned
        self._on_warning = on_warning
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._alarm = Alarm(self.pump)
        self._unstarted = 0
        """Messages whose tasks have not run yet."""

    @property
    def is_idle(self) -> bool:
        return self._queue.is_idle

    def add(self, statuses: Iterable[Status]) -> None:
        self._queue.add(statuses)
        self.pump()

    def connected(self) -> None:
        self._queue.connected()
        self.pump()

    async def told_of_beginning(self, of: SliceKey) -> None:
        """Until the message has gone that says so: a slice begins before it has a result."""
        while self._queue.has_begun_waiting(of):
            statuses = self._queue.take(self._loop.time(), at_once=True)
            if not statuses:
                break
            self._start(statuses)
        while self._unstarted:
            await asyncio.sleep(0)

    def pump(self) -> None:
        while statuses := self._queue.take(self._loop.time()):
            self._start(statuses)
        self._alarm.set(self._queue.deadline())
        self._on_change()

    def _start(self, statuses: list[Status]) -> None:
        self._unstarted += 1
        self._background.start(self._tell(statuses))

    async def _tell(self, statuses: list[Status]) -> None:
        self._unstarted -= 1
        try:
            await self._asking.ask(self._dialect.status(self._worker, statuses))
        except NoAnswerError:
            self._queue.interrupted(statuses, self._loop.time())
        except RefusedError as error:
            if self._queue.refused(statuses, self._loop.time()):
                self._on_warning(f"the scheduler refuses what it is told of {len(statuses)} slices: {error}")
                self._returned(statuses)
        else:
            self._queue.told()
            self._returned(statuses)
        self.pump()

    def _returned(self, statuses: list[Status]) -> None:
        slices = [status.slice for status in statuses if isinstance(status, Returned)]
        if slices:
            self._on_returned(slices)
