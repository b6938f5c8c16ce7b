"""Workers that speak the protocol and compute nothing, in a process of their own. Its last line tells how it was.

``python simulated_workers.py work LOCATION COUNT``: they take all slices that there are.
``python simulated_workers.py crowd LOCATION COUNT SECONDS``: they connect, say so, wait for a line, and then each asks
for work once a minute, for so long. Each slice takes a minute, they say, and they have its result at once.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from dcp_protocol import kvin
from dcp_protocol.canonical_json import encode
from dcp_protocol.messages.bodies import JsonText
from scheduler_stand_in.small_worker import SmallWorker

_AT_ONCE = 64
"""Results that are on their way, as of our workers."""
_EVERY = 60.0
"""Seconds: each answer has three slices of a minute for them."""
_PAYEE = "0x" + "2" * 40
_VALUE = encode(kvin.marshal({"string": "2", "method": "json", "MIMEType": "application/json"}, 9))

Slice = tuple[str, int, bytes]
"""Job, number, and what the scheduler said that gave it."""


class Worker:
    """``milliseconds``: what it says that each slice took."""

    def __init__(self, small: SmallWorker, milliseconds: float) -> None:
        metrics = {"CPUTime": milliseconds, "GPUTime": 0, "CPUDensity": 1, "GPUDensity": 0}
        self._small = small
        self._head = b'{"worker":%s,"paymentAddress":"%s","metrics":%s,"resultV2":%s' % (
            encode(small.id), _PAYEE.encode(), encode({**metrics, "InDataSize": 1, "OutDataSize": 1}), _VALUE,
        )  # fmt: skip
        self.waited: list[float] = []
        """For each answer to a request for work, seconds."""

    async def take(self) -> list[Slice]:
        begun = time.perf_counter()
        reply = await self._small.request_task()
        self.waited.append(time.perf_counter() - begun)
        body = reply.pop("body")
        authorization = encode(reply)
        return [(job, each["sliceNumber"], authorization) for job, its in body.get("task", {}).items() for each in its]

    async def give(self, slices: list[Slice]) -> None:
        """That they have begun, and then their results, as our workers do."""
        room = asyncio.Semaphore(_AT_ONCE)

        async def result(job: str, number: int, authorization: bytes) -> None:
            told = b',"job":%s,"slice":%d,"authorizationMessage":%s}' % (encode(job), number, authorization)
            async with room:
                await self._small.connection.request("result", JsonText(self._head + told))

        for job, _, authorization in slices[:1]:
            numbers = [number for _, number, _ in slices]
            await self._small.tell(job, 0, authorization, sliceNumbers=numbers, status="begin")
        await asyncio.gather(*(result(*one) for one in slices))


async def work(location: str, count: int) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        workers = await connected(stack, location, count, 1.0)

        async def run(worker: Worker) -> int:
            done = 0
            while slices := await worker.take():
                await worker.give(slices)
                done += len(slices)
            return done

        return {"slices": sum(await asyncio.gather(*map(run, workers)))}


async def crowd(location: str, count: int, seconds: float) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        workers = await connected(stack, location, count, 60_000.0)
        print("connected", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        end = time.perf_counter() + seconds

        async def run(worker: Worker) -> int:
            done = 0
            await rest(random.uniform(0, _EVERY))
            while time.perf_counter() < end:
                slices = await worker.take()
                await worker.give(slices)
                done += len(slices)
                await rest(random.uniform(0.5, 1.5) * _EVERY)
            return done

        async def rest(wanted: float) -> None:
            await asyncio.sleep(max(0.0, min(wanted, end - time.perf_counter())))

        done = sum(await asyncio.gather(*map(run, workers)))
        return {"slices": done, "waited": [each for worker in workers for each in worker.waited]}


async def connected(stack: AsyncExitStack, location: str, count: int, milliseconds: float) -> list[Worker]:
    """One after the other: of several that connect to one place at a time, later ones wait long."""
    workers = []
    for number in range(count):
        small = SmallWorker(f"{location}dcp/", 5)
        small.id = f"simulated{number:013}"
        workers.append(Worker(await stack.enter_async_context(small), milliseconds))
    return workers


if __name__ == "__main__":
    kind, location, count, *seconds = sys.argv[1:]
    running = work(location, int(count)) if kind == "work" else crowd(location, int(count), float(seconds[0]))
    print(json.dumps(asyncio.run(running)))
