"""Programs are killed, connections are lost at random: each slice has one result at the scheduler, nothing is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from line_peer import TcpEvaluator
from scheduler_stand_in import Job, Program, StandIn, own_program, stand_in
from scheduler_stand_in.chaos import Chaos, Rates

# The engine has no part in it.
pytestmark = pytest.mark.any_engine

_TWICE = "async (x) => { progress(); return 2 * x; }"


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
    assert {told.refusal for one in job.slices.values() for told in one.refused} <= {"the slice has its result"}
    assert chaos.done["worker"] + chaos.done["dcp-sandbox"] + chaos.done["transports"] > 0


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
