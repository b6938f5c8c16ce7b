"""One client of the control socket, seen from the worker."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from ..errors import WorkerError
from .log import LogLine, LogQueue, RecentLog
from .methods import Method, Status, Subscribe
from .protocol import FAILED, Called, ServerMachine
from .status import WorkerStatus

_READ: Final = 1 << 12
_LOG_PAUSE: Final = 0.1
_PATIENCE: Final = 30.0
"""Seconds until a client that reads nothing is left."""


class Connection:
    """``run`` lasts until the client leaves; it raises OSError and TimeoutError where that goes wrong."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answer: Callable[[Method], Awaitable[object]],
        status: Callable[[], WorkerStatus],
        log: RecentLog,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._do = answer
        self._status = status
        self._log = log
        self._machine = ServerMachine()
        self._calls: set[asyncio.Task[None]] = set()
        self._subscription: asyncio.Task[None] | None = None
        self._untold = LogQueue("error")
        """Lines for the client."""
        self._sending = asyncio.Lock()

    async def run(self) -> None:
        try:
            while not self._machine.is_over and (data := await self._reader.read(_READ)):
                for called in self._machine.receive(data):
                    self._begin(called)
                await self._send()
                await asyncio.sleep(0)  # lets others do their work, however fast it talks
            while self._calls:  # it has said all, and waits for answers
                await asyncio.wait(self._calls)
        finally:
            for task in (*self._calls, *([self._subscription] if self._subscription else [])):
                task.cancel()
            if self._untold:  # the last lines say why the worker ends
                self._machine.notify("log", self._untold.take())
                self._writer.write(self._machine.take_output())

    def _begin(self, called: Called) -> None:
        match called.method:
            case Status():
                self._machine.answer(called.id, self._status())
            case Subscribe() as wanted:
                self._machine.answer(called.id, None)
                if self._subscription:
                    self._subscription.cancel()
                self._untold = LogQueue(wanted.log or "error")
                self._subscription = asyncio.create_task(self._tell(wanted))
            case _:
                task = asyncio.create_task(self._answer(called))
                self._calls.add(task)
                task.add_done_callback(self._calls.discard)

    async def _answer(self, called: Called) -> None:
        try:
            self._machine.answer(called.id, await self._do(called.method))
        except WorkerError as error:
            self._machine.refuse(called.id, str(error))
        except Exception as error:
            self._machine.refuse(called.id, "the worker has failed at it; its log says more", FAILED)
            context = {"message": "a call at the control socket failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
        try:
            await self._send()
        except (OSError, TimeoutError):  # it has left, or does not read
            self._writer.transport.abort()

    async def _tell(self, wanted: Subscribe) -> None:
        """Ends with the connection."""
        try:
            async with asyncio.TaskGroup() as group:
                if wanted.interval is not None:
                    group.create_task(self._tell_status(wanted.interval))
                if wanted.log is not None:
                    group.create_task(self._tell_log(self._untold, wanted.backlog))
        except* (OSError, TimeoutError):
            self._writer.transport.abort()

    async def _tell_status(self, interval: float) -> None:
        told = None
        while True:
            status = self._status()
            if told is None or status.differs(told):
                self._machine.notify("status", status)
                await self._send()
                told = status
            await asyncio.sleep(interval)

    async def _tell_log(self, queue: LogQueue, backlog: int) -> None:
        came = asyncio.Event()

        def add(line: LogLine) -> None:
            queue.add(line)
            came.set()

        for line in self._log.last(backlog):
            add(line)
        unlisten = self._log.listen(add)
        try:
            while await came.wait():
                came.clear()
                if queue:
                    self._machine.notify("log", queue.take())
                    await self._send()
                await asyncio.sleep(_LOG_PAUSE)  # what comes meanwhile is told together
        finally:
            unlisten()

    async def _send(self) -> None:
        """Waits while the client is slow; what comes up meanwhile waits with it."""
        async with self._sending:
            if output := self._machine.take_output():
                self._writer.write(output)
                async with asyncio.timeout(_PATIENCE):
                    await self._writer.drain()
