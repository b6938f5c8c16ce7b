"""A client of ours in Python, in the words of dialect 5, that comes back whenever its connection is lost."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, field
from typing import Any

from dcp_protocol import Connection, IncomingRequest, connect
from dcp_protocol.errors import ConnectionEndedError
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.transport import paths
from dcp_protocol.transport.options import ConnectOptions

_PUBLIC = {"id": 1, "joinKey": "public", "joinHash": "", "opaqueId": "WHhetL7mj1w1mw1XV6dxyC"}
_LABELS = {"reliableEvents": ["stop"], "optionalEvents": ["result"]}


@dataclass
class Heard:
    """Of a job: all URIs that came as the result of each slice, and the last event."""

    results: dict[int, set[str]] = field(default_factory=dict)
    stop: dict[str, Any] | None = None


class JobClient:
    """``location``: of the services. ``heard``: by the id of each job."""

    def __init__(self, location: str, payer: PrivateKey) -> None:
        self.heard: dict[str, Heard] = {}
        self._location = location
        self._payer = payer
        self._key = PrivateKey.generate()
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()

    async def do(self, work: str, slices: int, price: float) -> Heard:
        """A job over the numbers from 1 on, until its end."""
        job = secrets.token_hex(11)
        heard = self.heard[job] = Heard()
        submission = {
            "paymentAccount": str(self._payer.address), "job": job, "workFunctionURI": f"data:,{work}",
            "mvMultSlicePayment": 0, "absoluteSlicePayment": price, "requirements": 0,
            "dataRange": {"start": 1, "end": slices, "step": 1}, "isOpen": False,
            "worktime": {"name": "map-basic", "version": "^1.0.0", "custom": False},
        }  # fmt: skip
        await self._ask("submit@5", submission, authorize=(self._payer,))
        await self._ask("addJobToGroups", {"job": job, "cgArray": [_PUBLIC]})
        while heard.stop is None:
            connection = await self._connected()
            with contextlib.suppress(ConnectionEndedError):
                await connection.request("subscribeMany", {**_LABELS, "options": {"filter": {"job": job}}})
                await self._until_stopped(connection, heard)
        return heard

    async def close(self) -> None:
        if self._connection:
            await self._connection.close()

    async def _until_stopped(self, connection: Connection, heard: Heard) -> None:
        while heard.stop is None and connection.end is None:
            await asyncio.sleep(0.1)

    async def _ask(self, operation: str, data: Any, authorize: tuple[PrivateKey, ...] = ()) -> Any:
        while True:
            with contextlib.suppress(ConnectionEndedError):
                return await (await self._connected()).request(operation, data, authorize=authorize)

    async def _connected(self) -> Connection:
        async with self._connecting:
            while self._connection is None or self._connection.end is not None:
                with contextlib.suppress(ConnectionEndedError):
                    transport = ConnectOptions(dialect=paths.V5)
                    self._connection = await connect(
                        self._location, self._key, transport=transport, on_request=self._event
                    )
            return self._connection

    async def _event(self, request: IncomingRequest) -> str:
        data = request.data["event"]["data"]
        heard = self.heard[data["job"]]
        if data["eventName"] == "stop":
            heard.stop = data
        else:
            heard.results.setdefault(data["sliceNumber"], set()).add(data["result"]["result"])
        return "success"
