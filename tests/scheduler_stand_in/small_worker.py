"""A worker that computes in Python, with which the stand-in is tried in both dialects and measured."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from dcp_protocol import Connection, IncomingRequest, connect, kvin
from dcp_protocol.canonical_json import encode
from dcp_protocol.errors import ConnectionEndedError, RemoteError
from dcp_protocol.keys.hashes import eh1
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.messages.bodies import JsonText
from dcp_protocol.messages.sealed import seal
from dcp_protocol.transport import paths
from dcp_protocol.transport.options import ConnectOptions
from dcp_protocol.uris.data_uri import decode_data_uri

from .jobs import PUBLIC, Group

_CAPABILITIES_4 = {
    "engine": {"es7": False, "spidermonkey": False},
    "environment": {"webgpu": False, "offscreenCanvas": False, "fdlibm": True},
    "browser": {},
    "details": {"offscreenCanvas": {}},
    "discrete": True,
    "useStrict": True,
}


class SmallWorker:
    """``async with SmallWorker(network.door.location, 5) as worker: await worker.work(lambda x: 2 * x)``"""

    def __init__(self, location: str, dialect: int, name: str = "a", groups: tuple[Group, ...] = (PUBLIC,)) -> None:
        self.id = name * 22
        self.events: list[Any] = []
        self._location = location
        self._dialect = dialect
        self._groups = groups
        self._key = PrivateKey.generate()
        self._sequence = 0
        self._connecting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self.connection = await self._connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.connection.close()

    async def _connect(self) -> Connection:
        options = ConnectOptions(dialect=paths.V4 if self._dialect == 4 else paths.V5)
        connection: Connection = await connect(self._location, self._key, transport=options)
        connection.on_request(self._event)
        return connection

    async def _event(self, request: IncomingRequest) -> str:
        self.events.append(request.data["event"]["data"])
        return "success"

    def sealed(self) -> str:
        """What says that this worker has no slices any more."""
        return seal(self._key, [encode({"id": self.id})]).decode()

    async def request_task(self, **changes: Any) -> Any:
        joined = [{"joinKey": group.join_key, "joinHashHash": self._proof(group)} for group in self._groups]
        asked = {
            "targetLoad": {"cpu": 1, "gpu": 0, "longSlices": 1},
            "coreStats": {"worker": self.id, "lCores": 1, "pCores": 1, "sandbox": 1},
            "jobQuanta": {"CPU": {"0": 1}, "GPU": {"0": 1}},
            "paymentAddress": "0x" + "2" * 40,
            "workerComputeGroups": joined,
            "minimumWage": {"CPU": 0, "GPU": 0, "in": 0, "out": 0},
            "soteriaJobs": None,
            "overdueSlices": None,
            "previouslyWorkedJobs": [],
            "rejectedJobs": [],
            "unresolvedJobs": [],
            "fetchState": 1,
        }
        asked |= self._of_dialect() | changes
        return await self.connection.request("requestTask" if self._dialect == 4 else "requestTask@3", asked)

    def _of_dialect(self) -> dict[str, Any]:
        if self._dialect == 4:
            return {
                "supervisor": "2.0.0",
                "capabilities": _CAPABILITIES_4,
                "jobAddresses": [],
                "worktimes": [{"name": "map-basic", "versions": ["1.0.0"]}],
            }
        self._sequence += 1
        worktimes = [{"name": "map-basic", "version": "1.0.0"}]
        return {"capabilities": 16, "gpuSpeed": -1, "jobIds": [], "worktimes": worktimes, "seq": self._sequence}

    def _proof(self, group: Group) -> str:
        return eh1(self.connection.session + group.join_hash)

    async def work(self, function: Callable[[Any], Any], at_once: int = 50) -> int:
        """Until there is no more work; how many slices that were."""
        done = 0
        while slices := self._slices(await self.request_task()):
            for first in range(0, len(slices), at_once):
                some = slices[first : first + at_once]
                await asyncio.gather(*(self._do(one, function) for one in some))
            done += len(slices)
        return done

    def _slices(self, reply: Any) -> list[tuple[str, Any, bytes]]:
        body = reply.pop("body")
        authorization = encode(reply)
        return [(job, one, authorization) for job, slices in body.get("task", {}).items() for one in slices]

    async def _do(self, one: tuple[str, Any, bytes], function: Callable[[Any], Any]) -> None:
        job, told, authorization = one
        begun = self.tell(job, told["sliceNumber"], authorization, status="begin")
        value = function(decode_data_uri(told["datumUri"]).value)
        await asyncio.gather(begun, self.submit(job, told["sliceNumber"], authorization, value))

    async def tell(self, job: str, number: int, authorization: bytes, **status: Any) -> Any:
        told = {"sliceNumbers": [number], "job": job, **status}
        text = b'{"worker":%s,"slices":[{"authorizationMessage":%s,%s]}'
        return await self._send("status", text % (encode(self.id), authorization, encode(told)[1:]))

    async def submit(self, job: str, number: int, authorization: bytes, value: Any) -> Any:
        sent = {"string": encode(value).decode(), "method": "json", "MIMEType": "application/json"}
        metrics = {
            "CPUTime": 1, "GPUTime": 0, "CPUDensity": 1, "GPUDensity": 0, "InDataSize": 1, "OutDataSize": 1
        }  # fmt: skip
        told = {
            "slice": number,
            "job": job,
            "worker": self.id,
            "paymentAddress": "0x" + "2" * 40,
            "metrics": metrics,
            "resultV2": kvin.marshal(sent, 8 if self._dialect == 4 else 9),
        }
        return await self._send("result", b'{"authorizationMessage":%s,%s' % (authorization, encode(told)[1:]))

    async def _send(self, operation: str, text: bytes) -> Any:
        """Again in a new session, if need be: npm's Target ends one whose transport is lost while it answers."""
        connection = self.connection
        try:
            return await connection.request(operation, JsonText(text))
        except ConnectionEndedError:
            async with self._connecting:
                if self.connection is connection:
                    self.connection = await self._connect()
        try:
            return await self._send(operation, text)
        except RemoteError as error:
            if error.code != "EEXIST":
                raise
            return None  # the result had come
