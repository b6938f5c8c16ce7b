"""One service of a scheduler: a connection that is made when it is needed, and again when it has ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from dcp_protocol import Connection, connect
from dcp_protocol.connection.connection import RequestHandler
from dcp_protocol.connection.identity_cache import IdentityCache
from dcp_protocol.errors import PERMANENT, ConnectionEndedError
from dcp_protocol.keys.private_key import PrivateKey

from ..errors import NetworkError

_PAUSE, _MOST_PAUSE = 0.5, 10.0
_PATIENCE = 7200.0
"""Seconds without a scheduler after which a job is given up, as npm's client does."""


class Link:
    """``lost``: called when the connection has ended that ``connection`` gave; ``away`` with what keeps it from one."""

    def __init__(
        self,
        location: str,
        key: PrivateKey,
        identities: IdentityCache,
        on_request: RequestHandler,
        lost: Callable[[], object],
        away: Callable[[str], object],
    ) -> None:
        self._location = location
        self._key = key
        self._identities = identities
        self._on_request = on_request
        self._lost = lost
        self._away = away
        self._opening: asyncio.Task[Connection] | None = None
        self._watching: asyncio.Task[None] | None = None

    async def connection(self) -> Connection:
        """Waits for one, for two hours. Raises NetworkError where there will be none."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._connect())
        return await asyncio.shield(self._opening)

    async def close(self) -> None:
        for task in (self._watching, self._opening):
            if task is not None and not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, NetworkError):
                    await task
        if (opening := self._opening) is not None and not opening.cancelled() and not opening.exception():
            await opening.result().close()

    async def _connect(self) -> Connection:
        clock, pause = asyncio.get_running_loop().time, _PAUSE
        begun = clock()
        while True:
            try:
                connection = await connect(
                    self._location, self._key, identities=self._identities, on_request=self._on_request
                )
            except ConnectionEndedError as error:
                if error.is_permanent:
                    reason = f"the scheduler at {self._location} cannot be used: {PERMANENT[error.code]}"
                    raise NetworkError(reason, code=error.code) from None
                if clock() - begun > _PATIENCE:
                    reason = f"the scheduler at {self._location} stays away: {error}"
                    raise NetworkError(reason, code=error.code) from None
                self._away(str(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, _MOST_PAUSE)
            else:
                self._watching = asyncio.create_task(self._watch(connection))
                return connection

    async def _watch(self, connection: Connection) -> None:
        await connection.wait_closed()
        self._opening = None
        self._lost()
