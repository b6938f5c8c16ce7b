"""Where all requests come in: slowed where they are too many, counted, and let end before the scheduler does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from dcp_protocol import IncomingRequest
from dcp_protocol.connection.connection import RequestHandler
from dcp_protocol.errors import ProtocolError

from ..observation.counters import Counters
from .admission import Admission

_UNKNOWN = "unknown"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Visit:
    """What somebody wants. ``operation``: of a known name. ``peer``: an identity, empty where it is not known yet;
    ``address``: of its machine; ``size``: bytes.
    """

    operation: str
    peer: str
    address: str
    size: int


class Door:
    """``answer``: of the services."""

    def __init__(self, answer: RequestHandler, admission: Admission, counters: Counters) -> None:
        self._answer = answer
        self._admission = admission
        self._counters = counters
        self._inside = 0
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._is_closed = False

    async def answer(self, request: IncomingRequest) -> object:
        """The reply. Raises ProtocolError. What comes after ``close`` gets no answer: its peer asks again elsewhere."""
        connection = request.connection
        visit = Visit(request.operation, str(connection.peer), connection.remote, len(request.message.payload))
        return await self.let_in(visit, lambda: self._answer(request))

    async def let_in(self, visit: Visit, answer: Callable[[], Awaitable[T]]) -> T:
        """What ``answer`` returns and raises, once it may be asked. Raises RefusedError, ``EBUSY``."""
        if self._is_closed:
            await asyncio.Future()
        self._inside += 1
        self._is_empty.clear()
        try:
            return await self._counted(visit, answer)
        finally:
            self._inside -= 1
            if not self._inside:
                self._is_empty.set()

    async def pace(self, peer: str, address: str, size: int) -> None:
        """Returns when a request of so many bytes may be answered. ``peer``, ``address``: empty where it does not
        count. Raises RefusedError, ``EBUSY``.
        """
        if wait := self._admission.wait(peer, address, size, time.monotonic()):
            await asyncio.sleep(wait)

    async def close(self, seconds: float) -> bool:
        """Lets nobody in, and waits so long for those who are inside; whether all came out."""
        self._is_closed = True
        try:
            async with asyncio.timeout(seconds):
                await self._is_empty.wait()
        except TimeoutError:
            return False
        return True

    async def _counted(self, visit: Visit, answer: Callable[[], Awaitable[T]]) -> T:
        operation, outcome, begun = visit.operation, "failed", time.perf_counter()
        try:
            await self.pace(visit.peer, visit.address, visit.size)
            reply = await answer()
            outcome = "ok"
            return reply
        except ProtocolError as error:
            outcome = error.code
            if outcome == "ENOSYS":
                operation = _UNKNOWN  # names that peers make up are no labels
            raise
        finally:
            self._counters.answered(operation, outcome, time.perf_counter() - begun)
