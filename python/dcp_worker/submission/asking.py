"""Requests to the result submitter, and what their failures mean."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from dcp_protocol.errors import ConnectionEndedError, ProtocolError

from ..dialects.dialect import Message
from ..errors import WorkerError

Request = Callable[[Message], Awaitable[Any]]
"""A request, which may wait for a connection. Raises ProtocolError."""

_NETWORK: Final = frozenset(
    {"EPIPE", "ECONNRESET", "ECONNREFUSED", "ECONNABORTED", "ETIMEDOUT", "ENOTCONN", "EBUSY", "DCPC-1014"}
)
"""Codes that say nothing of what was sent."""


class NoAnswerError(WorkerError):
    """The scheduler may have got it or not: it goes again."""


class RefusedError(WorkerError):
    """The scheduler has got it, and does not want it. ``code`` may be empty."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Asking:
    """``seconds``: for how long an answer is waited for."""

    def __init__(self, request: Request, seconds: float) -> None:
        self._request = request
        self._seconds = seconds

    async def ask(self, message: Message) -> Any:
        """The answer. Raises NoAnswerError, RefusedError."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._request(message)
        except TimeoutError:
            raise NoAnswerError("the scheduler does not answer") from None
        except ProtocolError as error:
            if isinstance(error, ConnectionEndedError) or error.code in _NETWORK:
                raise NoAnswerError(str(error)) from error
            raise RefusedError(error.code, str(error)) from error
