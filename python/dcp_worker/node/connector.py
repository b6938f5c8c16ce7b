"""Services of a scheduler: connections that are made when they are first needed, and again whenever they have ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from dcp_protocol import Connection
from dcp_protocol.errors import ConnectionEndedError

_PAUSE, _MOST_PAUSE = 0.5, 30.0


class Connector:
    """One service. ``opened`` is called with each new connection before anything else uses it."""

    def __init__(
        self,
        open_connection: Callable[[], Awaitable[Connection]],
        opened: Callable[[Connection], Awaitable[None]] | None = None,
    ) -> None:
        self._open = open_connection
        self._opened = opened
        self._opening: asyncio.Task[Connection] | None = None
        self._pause = 0.0
        self._closed = False

    async def connection(self) -> Connection:
        """Raises ConnectionEndedError where there is none now."""
        opening = self._opening
        if opening is None or (opening.done() and self.open_connection is None):
            if self._closed:
                raise ConnectionEndedError("EPIPE", "the worker has closed its connections")
            opening = self._opening = asyncio.create_task(self._connect())
        return await asyncio.shield(opening)

    @property
    def open_connection(self) -> Connection | None:
        """Without waiting for one."""
        opening = self._opening
        if opening is None or not opening.done() or opening.cancelled() or opening.exception():
            return None
        connection = opening.result()
        return None if connection.end else connection

    async def request(self, operation: str, data: object) -> Any:
        """The service's answer. Raises ConnectionEndedError, RemoteError, MessageError."""
        connection = await self.connection()
        return await connection.request(operation, data)

    async def close(self) -> None:
        self._closed = True
        opening = self._opening
        if opening is None:
            return
        if not opening.done():
            opening.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionEndedError):
            connection = await opening
            await connection.close()

    async def _connect(self) -> Connection:
        """Waits longer from failure to failure, so that a scheduler that is down is not flooded when it comes back."""
        await asyncio.sleep(self._pause)
        try:
            connection = await self._open()
        except ConnectionEndedError as error:
            self._pause = min(_MOST_PAUSE, max(_PAUSE, 2 * self._pause))
            if error.is_permanent:
                self._pause = _MOST_PAUSE
            raise
        self._pause = 0.0
        if self._opened:
            try:
                await self._opened(connection)
            except BaseException:
                await connection.close()
                raise
        return connection
