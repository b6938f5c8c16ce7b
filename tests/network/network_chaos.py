"""A network whose scheduler is killed, whose connections are lost and whose workers die, at random, while jobs run."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from balancer import balancer
from job_client import Heard, JobClient
from restless_worker import RestlessWorker

from dcp_protocol.connection.identity_cache import base_href
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.transport.backoff import shared_backoff
from ports import free_port
from scheduler_stand_in.relay import Relay
from scheduler_stand_in.workers import own_program, running

WORK = "async (x) => { progress(); await new Promise((done) => setTimeout(done, 20)); return 2 * x; }"
PRICE = 0.001
_PROGRAM = Path(__file__).with_name("serve.py")
_LIVENESS = 4.0
_SAY_SECONDS = 5.0


@dataclass(frozen=True)
class Plan:
    """``slices``: of each job. ``own_workers``: programs of ours beside the simulated ones. The others are how many
    results come between two troubles, on the average: however slow the machine is, there is some progress.

    ``processes``: of the scheduler, behind one address; more than one need a database that they share.
    """

    jobs: int
    slices: int
    workers: int
    own_workers: int
    scheduler: int
    connections: int
    own_worker: int = 1000
    processes: int = 1


@dataclass
class Chaos:
    """``folder``: the state of the scheduler; ``database``: its URL. ``done`` counts the troubles."""

    plan: Plan
    seed: int
    home: Path
    database: str
    done: Counter[str] = field(default_factory=Counter)
    heard: list[Heard] = field(default_factory=list)
    workers: list[RestlessWorker] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.home / "scheduler"

    async def run(self, payers: list[PrivateKey]) -> None:
        """Until all jobs are done."""
        self._random, port = random.Random(self.seed), free_port()
        self._schedulers: dict[int, asyncio.subprocess.Process] = {}
        async with AsyncExitStack() as stack:
            self._relay = await stack.enter_async_context(Relay(f"http://127.0.0.1:{port}/"))
            ports = [free_port() for _ in range(self.plan.processes)]
            await stack.enter_async_context(balancer(port, ports))
            for each in ports:
                await self._start(each)
                stack.push_async_callback(self._end, each)
            self._clients = [JobClient(f"{self._relay.location}dcp/", payer) for payer in payers]
            for client in self._clients:
                stack.push_async_callback(client.close)
            jobs = [asyncio.create_task(self._job(number)) for number in range(self.plan.jobs)]
            others = [asyncio.create_task(work) for work in self._others()]
            stack.push_async_callback(_cancelled, [*jobs, *others])
            everything = asyncio.gather(*jobs)
            failing = asyncio.gather(*others)  # ends with an error only
            await asyncio.wait((everything, failing), return_when=asyncio.FIRST_COMPLETED)
            if failing.done():
                failing.result()
            self.heard = everything.result()

    def _others(self) -> list[Awaitable[None]]:
        simulated = [self._simulated(number) for number in range(self.plan.workers)]
        own = [self._own_worker(number) for number in range(self.plan.own_workers)]
        troubles: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (self.plan.scheduler, self._kill_scheduler), (self.plan.connections, self._cut),
        ]  # fmt: skip
        troubling = (self._again_and_again(*trouble) for trouble in troubles)
        return [*simulated, *own, *troubling, self._without_pauses(), self._say()]

    async def _job(self, number: int) -> Heard:
        return await self._clients[number % len(self._clients)].do(WORK, self.plan.slices, PRICE)

    async def _simulated(self, number: int) -> None:
        worker = RestlessWorker(f"{self._relay.location}dcp/", 4 + number % 2, "abcdefgh"[number], self.seed)
        self.workers.append(worker)
        async with worker:
            await worker.work_on()

    async def _own_worker(self, number: int) -> None:
        while True:
            async with running(own_program("dcp5"), self.home, self._relay, ["--dialect", "5"], name=f"own{number}"):  # type: ignore[arg-type]
                await self._until_more(self.plan.own_worker)
                self.done["worker killed"] += 1

    async def _again_and_again(self, mean: int, act: Callable[[], Awaitable[None]]) -> None:
        while True:
            await self._until_more(mean)
            await act()

    async def _until_more(self, mean: int) -> None:
        enough = self._results() + self._random.uniform(0.5, 1.5) * mean
        while self._results() < enough:
            await asyncio.sleep(0.05)

    def _results(self) -> int:
        return sum(len(heard.results) for client in self._clients for heard in client.heard.values())

    async def _kill_scheduler(self) -> None:
        port = self._random.choice(list(self._schedulers))
        await self._end(port)
        self.done["scheduler killed"] += 1
        await self._start(port)

    async def _without_pauses(self) -> None:
        """Peers of one process share the pauses between tries to connect, which real ones have for themselves."""
        shared = shared_backoff(base_href(f"{self._relay.location}dcp/"))
        while True:
            shared.reset()
            await asyncio.sleep(0.1)

    async def _cut(self) -> None:
        self._relay.cut()
        self.done["connections cut"] += 1

    async def _start(self, port: int) -> None:
        options = (str(self.folder), str(port), self._relay.location, str(_LIVENESS), self.database)
        process = self._schedulers[port] = await asyncio.create_subprocess_exec(
            sys.executable, _PROGRAM, *options, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout
        assert await process.stdout.readline() == b"ready\n"

    async def _end(self, port: int) -> None:
        process = self._schedulers[port]
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.communicate()

    async def _say(self) -> None:
        begun = time.monotonic()
        while True:
            await asyncio.sleep(_SAY_SECONDS)
            troubles = ", ".join(f"{what} {count} times" for what, count in sorted(self.done.items()))
            all_ = self.plan.jobs * self.plan.slices
            print(f"{time.monotonic() - begun:.0f} s: {self._results():,} of {all_:,} results; {troubles}", flush=True)


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
