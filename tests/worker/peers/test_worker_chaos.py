"""Programs are killed, connections are lost at random: each slice has one result at the scheduler, nothing is left."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dcp_protocol.kvin import JSError
from line_peer import TcpEvaluator
from scheduler_stand_in import Job, Program, StandIn, own_program, stand_in
from scheduler_stand_in.chaos import Chaos, Rates

# The engine has no part in it.
pytestmark = pytest.mark.any_engine

_TWICE = "async (x) => { progress(); return 2 * x; }"
_ON_GPU = """async (x) => {
  progress();
  const device = await (await navigator.gpu.requestAdapter()).requestDevice();
  const buffer = device.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(buffer, 0, new Uint32Array([2 * x]));
  await buffer.mapAsync(GPUMapMode.READ);
  await new Promise((done) => setTimeout(done, 20));
  const [value] = new Uint32Array(buffer.getMappedRange());
  device.destroy();
  return value;
}"""


def run(job: Job, chaos_of: Callable[[StandIn], Chaos], within: float, **options: Any) -> tuple[StandIn, Chaos]:
    """Until each slice has its result; what the scheduler and the chaos know then."""

    async def work() -> tuple[StandIn, Chaos]:
        async with stand_in("ours", by_relay=True, **options) as network:
            network.add(job)
            chaos = chaos_of(network)
            await chaos.run(within)
            return network, chaos

    network, chaos = asyncio.run(work())
    network.assert_one_result_each()
    assert chaos.ended_by_itself == []
    return network, chaos


@pytest.mark.timeout(420)
@pytest.mark.parametrize(("group", "dialect"), [("dcp", 4), ("dcp5", 5)])
def test_ten_thousand_slices_have_one_result_each(tmp_path: Path, group: str, dialect: int) -> None:
    job = Job(work=_TWICE, data=range(10_000))

    def chaos_of(network: StandIn) -> Chaos:
        return Chaos(network, own_program(group), tmp_path, seed=dialect, options=["-c", "2,0"])

    network, chaos = run(job, chaos_of, 400, dialect=dialect, task_size=100)
    assert job.results == [2 * x for x in range(10_000)]
    assert network.faults == []
    # The next start of a worker gives back what it finds; only what was on its way to one that was killed is forgotten.
    assert network.released <= 100 * chaos.done["worker"]
    refusals = Counter(told.refusal for one in job.slices.values() for told in one.refused)
    # On a busy machine, patience also takes slices from a worker that still works.
    assert refusals.pop("the worker does not have the slice", 0) <= network.released
    assert refusals.keys() <= {"the slice has its result"}
    assert chaos.done["worker"] + chaos.done["dcp-sandbox"] + chaos.done["transports"] > 0


def test_gpu_hosts_that_are_killed(tmp_path: Path) -> None:
    """A slice whose device is lost throws, and that is its result, as of any work function that throws."""
    job = Job(work=_ON_GPU, data=range(400), needs=32)
    rates = Rates(worker=0.1, gpu_host=1, sandbox=0.3, zygote=0.05, transports=0.3)

    def chaos_of(network: StandIn) -> Chaos:
        program = own_program(worker={"bannedGPUs": []})
        return Chaos(network, program, tmp_path, seed=5, options=["-c", "2,1"], rates=rates)

    network, chaos = run(job, chaos_of, 100, task_size=20)
    wrong = [value for x, value in enumerate(job.results) if value != 2 * x]
    assert network.faults == []
    assert all(isinstance(value, JSError) for value in wrong)
    assert len(wrong) <= 2 * chaos.done["dcp-gpu-host"], wrong


def test_npms_worker(tmp_path: Path, npm_4: Program, evaluator_4: TcpEvaluator) -> None:
    """The driver is held against it, and finds what npm's worker forgets."""
    job = Job(work=_TWICE, data=range(20))
    rates = Rates(worker=0.1, sandbox=0.5, zygote=0, transports=0.3)

    def chaos_of(network: StandIn) -> Chaos:
        evaluator = evaluator_4.process.pid
        return Chaos(network, npm_4, tmp_path, seed=1, rates=rates, patience=5, evaluator=evaluator)

    _, chaos = run(job, chaos_of, 100)
    assert job.results == [2 * x for x in range(20)]
    assert chaos.done.total() > 0
