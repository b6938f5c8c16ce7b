"""Where all requests come in: slowed where they are too many, counted, and let end before the scheduler does."""

from __future__ import annotations

import asyncio
import time

from dcp_protocol import IncomingRequest
from dcp_protocol.connection.connection import RequestHandler
from dcp_protocol.errors import ProtocolError

from ..observation.counters import Counters
from .admission import Admission

_UNKNOWN = "unknown"


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
        if self._is_closed:
            await asyncio.Future()
        self._inside += 1
        self._is_empty.clear()
        try:
            return await self._counted(request)
        finally:
            self._inside -= 1
            if not self._inside:
                self._is_empty.set()

    async def close(self, seconds: float) -> bool:
        """Lets nobody in, and waits so long for those who are inside; whether all came out."""
        self._is_closed = True
        try:
            async with asyncio.timeout(seconds):
                await self._is_empty.wait()
        except TimeoutError:
            return False
        return True

    async def _counted(self, request: IncomingRequest) -> object:
        operation, outcome, begun = request.operation, "failed", time.perf_counter()
        try:
            if wait := self._wait(request):
                await asyncio.sleep(wait)
            reply = await self._answer(request)
            outcome = "ok"
            return reply
        except ProtocolError as error:
            outcome = error.code
            if outcome == "ENOSYS":
                operation = _UNKNOWN  # names that peers make up are no labels
            raise
        finally:
            self._counters.answered(operation, outcome, time.perf_counter() - begun)

    def _wait(self, request: IncomingRequest) -> float:
        connection, size = request.connection, len(request.message.payload)
        return self._admission.wait(str(connection.peer), connection.remote, size, time.monotonic())
