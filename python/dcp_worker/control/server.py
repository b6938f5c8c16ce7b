"""The control socket of a worker: clients call, and are told what they have subscribed to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final

from ..errors import WorkerError
from .connection import Connection
from .log import RecentLog
from .methods import Method
from .sockets import is_allowed, listening
from .status import WorkerStatus

MOST_CLIENTS: Final = 32


class ControlServer:
    """``answer`` does what a client asks for, and gives what it is answered; it raises WorkerError to refuse.

    ``status`` and ``log``: what clients may subscribe to. ``path`` is where it listens, once it does.
    """

    def __init__(
        self,
        answer: Callable[[Method], Awaitable[object]],
        status: Callable[[], WorkerStatus],
        log: RecentLog,
    ) -> None:
        self._answer = answer
        self._status = status
        self._log = log
        self._clients: set[asyncio.Task[None]] = set()
        self.path: Path | None = None

    @contextlib.asynccontextmanager
    async def listening(self, path: Path, group: str | None = None) -> AsyncIterator[None]:
        """While this lasts. ``group``: whose members may use the socket, beside the worker's user and root.

        Raises ControlError.
        """
        with listening(path, group) as (listener, place):
            self.path = place
            accepting = asyncio.create_task(self._accept(listener, group))
            try:
                yield
            finally:
                self.path = None
                await _ended({accepting, *self._clients})

    async def _accept(self, listener: socket.socket, group: str | None) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _ = await loop.sock_accept(listener)
            except OSError:  # no descriptor is left, for example
                await asyncio.sleep(1)
                continue
            if len(self._clients) >= MOST_CLIENTS or not _may_call(client, group):
                client.close()
                continue
            task = asyncio.create_task(self._serve(client))
            self._clients.add(task)
            task.add_done_callback(self._clients.discard)

    async def _serve(self, client: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=client)
        try:
            await Connection(reader, writer, self._answer, self._status, self._log).run()
        except (OSError, TimeoutError):  # it has left, or does not read
            pass
        finally:
            writer.transport.abort()


def _may_call(client: socket.socket, group: str | None) -> bool:
    try:
        return is_allowed(client, group)
    except (OSError, WorkerError):
        return False


async def _ended(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
