"""A network of one's own: slices a second, how long workers wait for their tasks, memory, and deploys.

The scheduler is a program of its own, on SQLite. Workers are ours, or simulated ones in a process of their own; where
both share the machine's cores with the scheduler, its CPU time of a slice says what it could do alone.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "network"))

from clients import client
from network_program import SECRET, Scheduler, check_ledger, scheduler

from dcp_protocol import connect
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.transport import paths
from dcp_protocol.transport.options import ConnectOptions
from process_tree import cpu_seconds, descendants
from scheduler_stand_in.workers import own_program, running

pytestmark = pytest.mark.full

_SIMULATED = Path(__file__).with_name("simulated_workers.py")
_DEPLOY = Path(__file__).with_name("deploy.js")


@pytest.fixture
def once(benchmark) -> Callable[[Awaitable[Any]], Any]:
    """Runs a coroutine to its end, which is the whole benchmark."""
    return lambda work: benchmark.pedantic(lambda: asyncio.run(work), rounds=1, iterations=1)


def test_slices_of_our_workers(once, measure, tmp_path) -> None:
    """Handed out, computed and paid: a trivial work function, four workers of ours, each with a job of its own.

    Of one job, whoever comes first would take the work of twenty seconds, which is nearly all.
    """
    count, groups = 10_000, [f"group{number}" for number in range(4)]

    async def main() -> tuple[float, float, float]:
        async with AsyncExitStack() as stack:
            network = await stack.enter_async_context(scheduler(tmp_path / "state", slices=count, groups=groups))
            pids = []
            for group in groups:
                options = ("--dialect", "5", "-g", f"{group},{SECRET}")
                program = running(own_program("dcp5"), tmp_path, network, options, name=group)
                pids.append((await stack.enter_async_context(program)).pid)
            rate = await network.rate(count // 10, count - count // 10, lambda: sum(map(_cpu, pids)))
            await check_ledger(network)
            return rate

    rate, cpu, others = once(main())
    measure("slices of four workers of ours, computed and paid", rate, "slices/s", ">= 1,000")
    measure("  CPU time of the scheduler for one", cpu, "ms")
    measure("  CPU time of workers and evaluators for one", others, "ms")


def test_slices_of_simulated_workers(once, measure, tmp_path) -> None:
    """The scheduler alone: 16 workers that compute nothing."""
    count = 40_000

    async def main() -> tuple[float, float, float]:
        async with scheduler(tmp_path / "state", slices=count) as network:
            workers = asyncio.create_task(_simulated("work", network.location, "16"))
            rate = await network.rate(count // 10, count - count // 10)
            assert (await workers)["slices"] == count
            await check_ledger(network)
            return rate

    rate, cpu, _ = once(main())
    measure("slices of 16 simulated workers, paid", rate, "slices/s", ">= 2,000")
    measure("  CPU time of the scheduler for one", cpu, "ms")


def test_a_thousand_workers(once, measure, tmp_path) -> None:
    """Each asks once a minute, gets work for three minutes, and sends its results."""
    count = 1000

    async def main() -> tuple[float, Sequence[float], float]:
        async with scheduler(tmp_path / "state", slices=1_000_000) as network:
            before = network.memory
            process = await asyncio.create_subprocess_exec(
                sys.executable, _SIMULATED, "crowd", network.location, str(count), "30",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 26,
            )  # fmt: skip
            assert process.stdin
            assert process.stdout
            assert await process.stdout.readline() == b"connected\n"
            memory = network.memory - before
            said, _ = await process.communicate(b"\n")
            told = json.loads(said)
            await check_ledger(network)
            return memory, told["waited"], told["slices"]

    memory, waited, slices = once(main())
    milliseconds = 1000 * np.quantile(waited, [0.5, 0.99])
    measure("requests for work of 1,000 workers, 99 of 100 are answered in", milliseconds[1], "ms", "< 50")
    measure("  median", milliseconds[0], "ms")
    measure("  requests meanwhile", len(waited) / 30, "1/s")
    measure("  results meanwhile", slices / 30, "1/s")
    measure("  memory of a connected worker", 1024 * memory / count, "KiB", "<= 100")


def test_memory_of_a_large_job(once, measure, tmp_path) -> None:
    """By range, before it is handed out."""

    async def memory(slices: int) -> float:
        async with scheduler(tmp_path / str(slices)) as network:
            await _submit(network, 10)
            before = network.memory
            for _ in range(10):
                await _submit(network, slices)
            return 1024 * (network.memory - before) / 10

    async def main() -> tuple[float, float]:
        return await memory(1000), await memory(1_000_000)

    small, large = once(main())
    measure("memory of a job of 1,000,000 slices by range", large, "KiB", f"of 1,000 slices: {small:.0f}")


def test_deploy(once, measure, tmp_path) -> None:
    """10,000 slices of 1 kB by npm's dcp-client 5.6.1, from ``exec`` until it is accepted."""

    async def main() -> list[dict[str, float]]:
        found = []
        async with scheduler(tmp_path / "state") as network:
            for number in range(5):
                before = network.cpu
                job = {"slices": 10_000, "characters": 1000}
                home = tmp_path / f"home{number}"
                async with client("5.6.1", network.location, home, program=_DEPLOY, **job) as program:
                    found.append({**await program.end(), "scheduler": 1000 * (network.cpu - before)})
        return found

    found = once(main())
    took, cpu, own = (float(np.median([each[name] for each in found])) for name in ("took", "cpu", "scheduler"))
    measure("deploy of 10,000 slices of 1 kB by npm's dcp-client", took, "ms")
    measure("  CPU time of the client", cpu, "ms")
    measure("  CPU time of the scheduler", own, "ms")
    measure("  to the client's own", took / cpu, "x", "<= 1.2")


async def _simulated(*arguments: str) -> Any:
    process = await asyncio.create_subprocess_exec(
        sys.executable, _SIMULATED, *arguments, stdout=asyncio.subprocess.PIPE, limit=1 << 26
    )
    said, _ = await process.communicate()
    return json.loads(said)


async def _submit(network: Scheduler, slices: int) -> None:
    key = PrivateKey.generate()
    options = ConnectOptions(dialect=paths.V5)
    async with await connect(f"{network.location}dcp/", key, transport=options) as connection:
        job = {
            "job": key.secret().hex()[:22], "paymentAccount": str(key.address), "workFunctionURI": "data:,(x)=>x",
            "worktime": {"name": "map-basic", "version": "^1.0.0"}, "requirements": 64,
            "dataRange": {"start": 1, "end": slices, "step": 1},
        }  # fmt: skip
        assert (await connection.request("submit@5", job))["lastSliceNumber"] == slices


def _cpu(pid: int) -> float:
    return cpu_seconds(pid) + sum(map(cpu_seconds, descendants(pid)))
