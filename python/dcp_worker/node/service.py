"""What the service manager that has started a worker is told of it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Final

from dcp_evaluator.service.manager import ServiceManager

from .ending import LONGEST
from .status import StatusSource

_PAUSE: Final = 5.0


class Service:
    """``begin`` it once the worker's loop runs; where no manager has started the worker, nothing is done."""

    def __init__(self, manager: ServiceManager, source: StatusSource) -> None:
        self._manager = manager
        self._source = source

    def begin(self, stack: AsyncExitStack) -> None:
        """Until the stack ends."""
        if self._manager.is_there:
            stack.callback(self._manager.close)
            for repeated in (self._tell(), self._live()):
                stack.callback(asyncio.create_task(repeated).cancel)

    def ready(self) -> None:
        self._manager.ready(self._text())

    def stopping(self) -> None:
        self._manager.stopping(self._text())
        self._manager.needs(2 * LONGEST)

    async def _tell(self) -> None:
        while True:
            self._manager.status(self._text())
            await asyncio.sleep(_PAUSE)

    async def _live(self) -> None:
        while interval := self._manager.watchdog_interval:
            self._manager.alive()
            await asyncio.sleep(interval)

    def _text(self) -> str:
        status = self._source()
        state = f"{status.state} ({status.reason})" if status.reason else status.state
        queue = f"{status.queue.working} slices working, {status.queue.queued} queued"
        return f"{state}: {queue}, {status.totals.completed} completed, {status.totals.earned:.3f} DCC"
