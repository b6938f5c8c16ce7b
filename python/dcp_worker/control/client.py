"""A client of a worker's control socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, TypeVar

from ..errors import ControlError
from .log import LogLines
from .methods import Method, SelfTest, Status, Subscribe
from .protocol import Answered, ClientMachine, Failed, Notified, read
from .sockets import connected
from .status import WorkerStatus

T = TypeVar("T")
Event = WorkerStatus | LogLines
_EVENTS: Final[dict[str, type[WorkerStatus] | type[LogLines]]] = {"status": WorkerStatus, "log": LogLines}
_READ: Final = 1 << 16
_WAITING: Final = 1000
PATIENCE: Final = 30.0
"""Seconds in which a worker has to answer."""
_LONGEST_TEST: Final = 400.0


class Client:
    """Made by ``connect``. All methods raise ControlError where the worker refuses, or has ended."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._machine = ClientMachine()
        self._calls: dict[int, asyncio.Future[bytes]] = {}
        self._events: asyncio.Queue[Event | None] = asyncio.Queue(_WAITING)
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(cls, path: Path) -> AsyncIterator[Client]:
        """Raises NoWorkerError where none listens, ControlError."""
        reader, writer = await asyncio.open_connection(sock=connected(path))
        client = cls(reader, writer)
        try:
            yield client
        finally:
            client._listening.cancel()
            await asyncio.wait([client._listening])
            writer.close()

    async def status(self) -> WorkerStatus:
        return await self.call(Status(), WorkerStatus)

    async def call(self, method: Method, kind: type[T]) -> T:
        """``kind``: of the result. Lists and objects as they come are ``list`` and ``dict``."""
        return read(await self.ask(method), kind)

    async def ask(self, method: Method) -> bytes:
        """The result as JSON."""
        if self._listening.done():
            raise _has_ended()
        number, text = self._machine.call(method)
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._calls[number] = answer
        try:
            async with asyncio.timeout(_LONGEST_TEST if isinstance(method, SelfTest) else PATIENCE):
                self._writer.write(text)
                await self._writer.drain()
                return await answer
        except TimeoutError:
            raise ControlError(
                f"the worker has not answered for {PATIENCE:.0f} s: it hangs, or was stopped by a signal"
            ) from None
        except OSError:
            raise _has_ended() from None
        finally:
            self._calls.pop(number, None)

    async def subscribe(self, wanted: Subscribe | None = None) -> AsyncIterator[Event]:
        """What comes until the worker ends. One who reads too slowly misses what came meanwhile."""
        await self.ask(wanted or Subscribe())
        while (event := await self._events.get()) is not None:
            yield event

    async def wait_ended(self) -> None:
        """Until the worker has closed the connection."""
        await asyncio.wait([self._listening])

    async def _listen(self) -> None:
        reason: ControlError = _has_ended()
        try:
            while data := await self._reader.read(_READ):
                for message in self._machine.receive(data):
                    self._take(message)
        except ControlError as error:
            reason = error
        except OSError:
            pass
        finally:
            self._offer(None)
            for answer in self._calls.values():
                if not answer.done():
                    answer.set_exception(reason)

    def _take(self, message: Answered | Failed | Notified) -> None:
        match message:
            case Answered(number, result):
                if (answer := self._calls.get(number)) and not answer.done():
                    answer.set_result(result)
            case Failed(number, _, text):
                if number is None:
                    raise ControlError(text)
                if (answer := self._calls.get(number)) and not answer.done():
                    answer.set_exception(ControlError(text))
            case Notified(name, parameters) if name in _EVENTS:
                self._offer(read(parameters, _EVENTS[name]))

    def _offer(self, event: Event | None) -> None:
        if self._events.full():
            self._events.get_nowait()
        self._events.put_nowait(event)


def _has_ended() -> ControlError:
    return ControlError("the worker has ended, or has closed the control socket")
