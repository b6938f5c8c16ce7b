"""dcp-worker on machines that sleep, have no other network than IPv6, and get jobs of all sizes."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scheduler_stand_in import Job, stand_in
from scheduler_stand_in.messages import configuration
from scheduler_stand_in.relay import Relay
from scheduler_stand_in.stand_in import StandIn
from scheduler_stand_in.workers import PROGRAMS, SCHEDULERS, WorkerProcess, own_program, running

pytestmark = pytest.mark.any_engine

QUICK = "async (x) => { progress(); await new Promise((resolve) => setTimeout(resolve, 20)); return x; }"


@asynccontextmanager
async def worker_of(
    network: StandIn, home: Path, dialect: str, **settings: dict[str, Any]
) -> AsyncIterator[WorkerProcess]:
    program = own_program(PROGRAMS[dialect])
    variables = {f"DCP_CONFIG_{part.upper()}": json.dumps(value) for part, value in settings.items()}
    program = replace(program, environment=program.environment | variables)
    async with running(program, home, network, ["-c", "2,0"]) as worker:
        try:
            yield worker
            assert await worker.stop() == 0
        except BaseException:
            print(worker.said())
            raise
    assert "Traceback" not in worker.said()


def test_a_machine_that_sleeps(tmp_path: Path, dialect: str) -> None:
    """All connections are gone when it wakes."""

    async def main() -> None:
        async with stand_in(SCHEDULERS[dialect], by_relay=True) as network:
            network.add(job := Job(work=QUICK, data=list(range(60))))
            async with worker_of(network, tmp_path, dialect) as worker:
                await network.until(lambda: any(one.results for one in job.slices.values()))
                worker.signal(signal.SIGSTOP)
                await asyncio.sleep(0.5)
                network.relay.cut()
                await asyncio.sleep(2)
                worker.signal(signal.SIGCONT)
                done = asyncio.create_task(network.until_done())
                while not done.done():
                    await asyncio.wait([done], timeout=5)
                    network.release(5)  # as DCP does with a task that was lost on its way
                await done
            network.assert_one_result_each()
            assert not network.faults

    asyncio.run(main())


def test_ipv6_only(tmp_path: Path, dialect: str) -> None:
    async def main() -> None:
        async with (
            stand_in(SCHEDULERS[dialect]) as network,
            Relay(network.door.location, "::1") as services,
            Relay(network.web.location, "::1") as pages,
        ):
            page = configuration(pages.location, services.location, int(dialect))
            network.web.put("/etc/dcp-config.kvin", page, "application/x-kvin")
            network.web.location = pages.location
            network.web.put("/data/1", "[5]", "application/json")
            network.add(job := Job(work=QUICK, data=[1, 2, 3]))
            async with worker_of(network, tmp_path, dialect):
                await network.until_done()
            assert job.results == [1, 2, 3]
            assert not network.faults

    asyncio.run(main())


ADDER = "0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b"


def test_a_job_with_webassembly(tmp_path: Path, dialect: str) -> None:
    work = f"""async (x) => {{
      progress();
      const bytes = Uint8Array.from("{ADDER}".match(/../g), (pair) => parseInt(pair, 16));
      const {{ instance }} = await WebAssembly.instantiate(bytes);
      return instance.exports.add(x, 40);
    }}"""

    async def main() -> None:
        async with stand_in(SCHEDULERS[dialect]) as network:
            network.add(job := Job(work=work, data=[1, 2]))
            async with worker_of(network, tmp_path, dialect):
                await network.until_done()
            assert job.results == [41, 42]

    asyncio.run(main())


def test_a_result_of_64_mib(tmp_path: Path, dialect: str) -> None:
    work = "async (size) => { progress(); return new Uint8Array(size).map((_, index) => index % 127 + 1); }"

    async def main() -> None:
        async with stand_in("ours", dialect=int(dialect)) as network:
            network.add(job := Job(work=work, data=[64 << 20]))
            async with worker_of(network, tmp_path, dialect):
                await network.until_done(within=110)
            (result,) = job.results
            assert result.nbytes == 64 << 20
            assert np.array_equal(result[:254], np.arange(254) % 127 + 1)

    asyncio.run(main())


@pytest.mark.parametrize("work", ["(x) => { progress(); for (;;); }", "async (x) => { await new Promise(() => {}); }"])
def test_a_slice_that_never_ends(tmp_path: Path, dialect: str, work: str) -> None:
    async def main() -> None:
        async with stand_in(SCHEDULERS[dialect]) as network:
            endless = network.add(Job(work=work, data=[1]))
            other = network.add(Job(work=QUICK, data=[1, 2, 3]))
            async with worker_of(network, tmp_path, dialect, supervisor={"sandbox": {"progressTimeoutMs": 1500}}):
                await network.until(lambda: other.is_done and endless.slices[1].returns)
                endless.is_open = False
            assert other.results == [1, 2, 3]
            assert endless.slices[1].returns[0].data["reason"] == "ENOPROGRESS"
            kinds = [event["eventName"] for event in network.all("workEmit")]
            assert {"error", "noProgress"} <= set(kinds)

    asyncio.run(main())
