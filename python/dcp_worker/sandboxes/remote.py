"""An evaluator elsewhere, or on this machine but not of this program: ``dcp-evaluator -p`` or npm's."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import Collection

from dcp_evaluator.errors import reason_of
from dcp_evaluator.net.listener import prepare_connection
from dcp_evaluator.settings.settings import PEER_TIMEOUT

from ..errors import EvaluatorError
from .channels import Channel

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 4.0


class RemoteEvaluator:
    """Each connection to ``host`` and ``port`` is a sandbox.

    ``connect_timeout``: seconds for one address. ``patience``: seconds during which connecting is tried again.
    """

    def __init__(self, host: str, port: int, *, connect_timeout: float = 10.0, patience: float = 30.0) -> None:
        self.is_uniform = False  # several machines may share a name
        self._host = host
        self._port = port
        self._connect_timeout = connect_timeout
        self._patience = patience

    async def open(self) -> Channel:
        """Raises EvaluatorError."""
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + self._patience, _FIRST_PAUSE
        while True:
            try:
                return Channel(await self._connect())
            except OSError as error:
                rest = pause * random.uniform(0.5, 1.5)
                if loop.time() + rest >= until:
                    raise EvaluatorError(
                        f"no evaluator answers at {self._host} port {self._port}: {reason_of(error)}; start one there "
                        "with dcp-evaluator-start, or name another with -H and -p"
                    ) from None
            await asyncio.sleep(rest)
            pause = min(_LONGEST_PAUSE, 2 * pause)

    def withhold_gpus(self, identities: Collection[str]) -> bool:
        return False

    async def close(self) -> None:
        """Nothing: it is not ours."""

    async def _connect(self) -> socket.socket:
        """Over the first address that takes it. Raises OSError."""
        loop = asyncio.get_running_loop()
        addresses = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        failure: OSError = OSError("the name has no address")
        for family, kind, protocol, _, address in addresses:
            connection = socket.socket(family, kind, protocol)
            with contextlib.ExitStack() as unless_connected:
                unless_connected.callback(connection.close)
                connection.setblocking(False)
                try:
                    async with asyncio.timeout(self._connect_timeout):
                        await loop.sock_connect(connection, address)
                    prepare_connection(connection, PEER_TIMEOUT)
                except TimeoutError:
                    failure = OSError(f"no answer within {self._connect_timeout:g} s")
                except OSError as error:
                    failure = error
                else:
                    unless_connected.pop_all()
                    return connection
        raise failure
