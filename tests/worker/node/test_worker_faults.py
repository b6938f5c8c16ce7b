"""dcp-worker while its scheduler restarts, is away, is silent, and while there is no place for its state."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from scheduler_stand_in import Job, stand_in
from scheduler_stand_in.stand_in import StandIn
from scheduler_stand_in.workers import PROGRAMS, SCHEDULERS, WorkerProcess, own_program, running

pytestmark = pytest.mark.any_engine

WORK = "async (x) => { progress(); await new Promise((resolve) => setTimeout(resolve, 20)); return x; }"


@asynccontextmanager
async def worker_of(network: StandIn, home: Path, dialect: str, **settings: Any) -> AsyncIterator[WorkerProcess]:
    program = own_program(PROGRAMS[dialect])
    program.environment["DCP_CONFIG_WORKER"] = json.dumps(settings)
    async with running(program, home, network, ["-c", "2,0"]) as worker:
        try:
            yield worker
        except BaseException:
            print(worker.said())
            raise
        if not worker.has_ended:
            assert await worker.stop() == 0, worker.said()
    lines = worker.said().splitlines()
    assert not [line for line in lines if "Traceback" in line or "exception" in line], lines


Test = Callable[[StandIn], Awaitable[None]]


def play(dialect: str, test: Test, **options: Any) -> None:
    async def main() -> None:
        async with stand_in(SCHEDULERS[dialect], by_relay=True, task_size=20, **options) as network:
            await test(network)
            assert not network.faults

    asyncio.run(main())


def results(job: Job) -> int:
    return sum(bool(one.results) for one in job.slices.values())


async def until_done(network: StandIn) -> None:
    """With a scheduler that takes back what nobody has told of for long, such as a task that was lost on its way."""
    done = asyncio.create_task(network.until_done())
    while not done.done():
        await asyncio.wait([done], timeout=5)
        network.release(5)
    await done


async def more_results(network: StandIn, job: Job) -> None:
    had = results(job)
    await network.until(lambda: job.is_done or results(job) > had)


def test_a_scheduler_that_restarts(tmp_path: Path, dialect: str) -> None:
    async def test(network: StandIn) -> None:
        job = network.add(Job(work=WORK, data=list(range(100))))
        async with worker_of(network, tmp_path, dialect):
            for share in (10, 50):
                await network.until(lambda share=share: results(job) >= share)
                await network.door.restart()
            await until_done(network)
        network.assert_one_result_each()

    play(dialect, test)


def test_connections_that_are_cut_again_and_again(tmp_path: Path, dialect: str) -> None:
    async def test(network: StandIn) -> None:
        job = network.add(Job(work=WORK, data=list(range(200))))
        async with worker_of(network, tmp_path, dialect):
            done = asyncio.create_task(until_done(network))
            while not done.done():
                await asyncio.wait([done], timeout=0.3)
                network.relay.cut()
                await more_results(network, job)  # a connection takes longer than that on a busy machine
            await done
        network.assert_one_result_each()
        assert network.relay.cuts > 3
        assert results(job) == 200

    play(dialect, test)


def test_results_wait_for_a_scheduler_that_is_away(tmp_path: Path, dialect: str) -> None:
    async def test(network: StandIn) -> None:
        job = network.add(Job(work=WORK, data=list(range(40))))
        async with worker_of(network, tmp_path, dialect):
            await network.until(lambda: results(job))
            network.relay.is_open = False
            network.relay.cut()
            await asyncio.sleep(2)
            had = results(job)
            assert had < 40
            network.relay.is_open = True
            await until_done(network)
        network.assert_one_result_each()

    play(dialect, test)


def test_a_stop_while_the_scheduler_is_away_leaves_results_for_the_next_start(tmp_path: Path, dialect: str) -> None:
    async def test(network: StandIn) -> None:
        network.silent.add("result")
        job = network.add(Job(work=WORK, data=list(range(4))))
        async with worker_of(network, tmp_path, dialect, cleanupTimeout=3) as worker:
            await network.until(lambda: all(one.begins for one in job.slices.values()))
            await asyncio.sleep(1)
            assert await worker.stop() == 0
            assert "4 results are not submitted yet" in worker.said()
        network.silent.clear()
        network.relay.cut()
        assert results(job) == 0
        job.is_open = False
        async with worker_of(network, tmp_path, dialect):
            await network.until(lambda: results(job) == 4)
        network.assert_one_result_each()

    play(dialect, test)


def test_a_hard_stop_while_the_scheduler_is_silent_ends_at_once(tmp_path: Path, dialect: str) -> None:
    async def test(network: StandIn) -> None:
        network.silent |= {"result", "status"}
        job = network.add(Job(work=WORK, data=list(range(4))))
        async with worker_of(network, tmp_path, dialect) as worker:
            await network.until(lambda: network.counts["requestTask"] + network.counts["requestTask@3"] > 0)
            await asyncio.sleep(1)
            began = time.monotonic()
            worker.signal(signal.SIGINT)
            await asyncio.sleep(0.2)
            worker.signal(signal.SIGINT)
            assert await worker.wait() == 0
            assert time.monotonic() - began < 20  # of the 30 that it takes otherwise
        assert results(job) == 0

    play(dialect, test)


def in_the_way(home: Path) -> Path:
    folder = home / "worker" / ".local" / "state" / "dcp-worker"
    folder.parent.mkdir(parents=True)
    return folder


def test_without_a_place_for_its_state_it_works_in_memory(tmp_path: Path, dialect: str) -> None:
    async def test(network: StandIn) -> None:
        in_the_way(tmp_path).write_text("no folder")
        network.add(Job(work=WORK, data=list(range(20))))
        async with worker_of(network, tmp_path, dialect) as worker:
            await network.until_done()
        network.assert_one_result_each()
        assert worker.said().count("in memory") == 1

    play(dialect, test)


def test_a_store_that_is_broken_is_set_aside(tmp_path: Path, dialect: str) -> None:
    async def test(network: StandIn) -> None:
        folder = in_the_way(tmp_path)
        folder.mkdir(mode=0o700)
        (folder / "results.db").write_text("nothing that SQLite knows" * 1000)
        network.add(Job(work=WORK, data=list(range(4))))
        async with worker_of(network, tmp_path, dialect) as worker:
            await network.until_done()
        network.assert_one_result_each()
        assert "was broken" in worker.said()

    play(dialect, test)


def test_two_workers_of_one_user(tmp_path: Path, dialect: str) -> None:
    """They have the same home, and thus the same folder for what they keep."""

    async def test(network: StandIn) -> None:
        work = "async (x) => { progress(); await new Promise((resolve) => setTimeout(resolve, 200)); return x; }"
        job = network.add(Job(work=work, data=list(range(200))))
        async with worker_of(network, tmp_path, dialect):
            await network.until(lambda: results(job) > 2)
            async with worker_of(network, tmp_path, dialect) as second:
                await network.until(lambda: "another worker" in second.said() and len(network.workers) == 2)
                await network.until_done()
        network.assert_one_result_each()

    play(dialect, test)


def test_a_scheduler_that_lets_nobody_listen_gets_results_and_events(tmp_path: Path, dialect: str) -> None:
    async def run() -> None:
        async with stand_in(SCHEDULERS[dialect]) as network:
            for operation in ("subscribe", "subscribeMany"):
                network.without(operation)
            job = network.add(Job(work="async (x) => { progress(); work.emit('mine', x); return x; }", data=[1, 2]))
            async with worker_of(network, tmp_path, dialect) as worker:
                await network.until(lambda: job.is_done and len(network.emitted("custom")) == 2)
            assert job.results == [1, 2]
            assert "lets nobody listen to its commands" in worker.said()

    asyncio.run(run())
