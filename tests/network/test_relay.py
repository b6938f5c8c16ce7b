"""What happens in one process of a network comes to clients of another, also when notices of it were lost."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dcp_protocol import Connection, IncomingRequest, connect, kvin
from dcp_protocol.keys.hashes import eh1
from dcp_protocol.keys.private_key import PrivateKey
from dcp_scheduler.delivery import elsewhere
from dcp_scheduler.server.server import Server
from postgresql import PostgreSQL

pytestmark = pytest.mark.any_engine

JOB, WORKER = "j" + "1" * 21, "a worker"
_SLICES = 4


class Listener:
    """A client: what it has heard, by label."""

    def __init__(self) -> None:
        self.heard: dict[str, list[Any]] = defaultdict(list)
        self._news = asyncio.Event()

    async def answer(self, request: IncomingRequest) -> str:
        event = request.data["event"]["data"]
        self.heard[event["eventName"]].append(event)
        self._news.set()
        return "success"

    async def until(self, label: str, count: int) -> list[Any]:
        async with asyncio.timeout(30):
            while len(self.heard[label]) < count:
                self._news.clear()
                await self._news.wait()
        return self.heard[label]


@asynccontextmanager
async def two_processes(folder: Path, url: str) -> AsyncIterator[tuple[Server, Server]]:
    async with Server(folder, database=url) as one, Server(folder, database=url) as other:
        yield one, other


async def connected(stack: AsyncExitStack, server: Server, key: PrivateKey, **settings: Any) -> Connection:
    return await stack.enter_async_context(await connect(f"{server.location}dcp/", key, **settings))


async def deployed(client: Connection) -> None:
    await client.request(
        "submit@5",
        {
            "paymentAccount": str(client.address), "job": JOB, "workFunctionURI": "data:,x", "requirements": 0,
            "dataRange": {"start": 1, "end": _SLICES, "step": 1}, "estimationSlices": 0,
        },
    )  # fmt: skip
    answer = await client.request("addJobToGroups", {"job": JOB, "cgArray": [{"joinKey": "public"}]})
    assert answer["success"]


async def has_taken(worker: Connection) -> list[int]:
    proof = {"joinKey": "public", "joinHashHash": eh1(worker.session + eh1("public undefined"))}
    task = await worker.request(
        "requestTask@3",
        {
            "coreStats": {"worker": WORKER}, "targetLoad": {"cpu": 4}, "fetchState": 1, "workerComputeGroups": [proof],
            "worktimes": [{"name": "map-basic", "version": "1.0.0"}], "capabilities": 0,
        },
    )  # fmt: skip
    return [each["sliceNumber"] for each in task["body"]["task"][JOB]]


async def says(worker: Connection, number: int, text: str) -> None:
    payload = {"level": "log", "message": [text]}
    event = {"worker": WORKER, "job": JOB, "slice": number, "eventName": "console", "payload": payload}
    assert await worker.request("workEmit", event) is True


async def does(worker: Connection, number: int) -> None:
    result = kvin.marshal({"string": str(number * number), "method": "json", "MIMEType": "application/json"})
    await worker.request("result", {"worker": WORKER, "job": JOB, "slice": number, "resultV2": result, "metrics": {}})


def test_a_client_hears_what_a_worker_of_another_process_does(run, tmp_path: Path, postgresql: PostgreSQL) -> None:
    url, listener, key = postgresql.database(), Listener(), PrivateKey.generate()

    async def main() -> None:
        async with two_processes(tmp_path, url) as (here, there), AsyncExitStack() as stack:
            assert here.network.key.address == there.network.key.address
            client = await connected(stack, here, key, on_request=listener.answer)
            worker = await connected(stack, there, PrivateKey.generate())
            await deployed(client)
            numbers = await has_taken(worker)
            assert numbers == list(range(1, _SLICES + 1))
            await says(worker, 1, "to nobody")
            labels = {"reliableEvents": ["stop"], "optionalEvents": ["result", "console"]}
            await client.request("subscribeMany", {**labels, "options": {"filter": {"job": JOB}}})
            odd = "\0 \ud800 é"
            await says(worker, 1, odd)
            assert [event["message"] for event in await listener.until("console", 1)] == [[odd]]
            await does(worker, 1)
            assert [event["sliceNumber"] for event in await listener.until("result", 1)] == [1]
            with psycopg.connect(url, autocommit=True) as operator:
                operator.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
            await says(worker, 2, "while nobody listened")
            for number in numbers[1:]:
                await does(worker, number)
            results = await listener.until("result", _SLICES)
            assert [event["sliceNumber"] for event in results] == numbers
            assert [event["runStatus"] for event in await listener.until("stop", 1)] == ["finished"]
            assert [event["message"][0] for event in await listener.until("console", 2)] == [
                odd,
                "while nobody listened",
            ]

    run(main())


def test_what_nobody_listens_to_elsewhere_is_not_kept(run, tmp_path: Path, postgresql: PostgreSQL) -> None:
    url, listener, key = postgresql.database(), Listener(), PrivateKey.generate()

    async def main() -> None:
        async with two_processes(tmp_path, url) as (here, there), AsyncExitStack() as stack:
            client = await connected(stack, here, key, on_request=listener.answer)
            await deployed(client)
            job = (
                await here.database.read(lambda each: each.exec_driver_sql("SELECT number FROM jobs").scalars().all())
            )[0]

            async def is_heard(server: Server) -> bool:
                return await server.database.read(lambda each: elsewhere.listens(each, server.database.name, job))

            assert [await is_heard(here), await is_heard(there)] == [False, False]
            subscription = {"reliableEvents": ["stop"], "options": {"filter": {"job": JOB}}}
            given = await client.request("subscribeMany", subscription)
            assert [await is_heard(here), await is_heard(there)] == [False, True]
            await here.database.write(here.relay.renew)
            assert await is_heard(there)
            await client.request("unsubscribe", {"label": "stop", "token": {"token": given["tokens"][0]["token"]}})
            await here.database.write(here.relay.renew)
            assert not await is_heard(there)

    run(main())
