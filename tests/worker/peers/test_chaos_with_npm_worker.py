"""The driver of chaos is held against npm's dcp-worker: each slice gets one result, though much is killed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from line_peer import TcpEvaluator
from scheduler_stand_in import Job, Program, stand_in
from scheduler_stand_in.chaos import Chaos, Rates


@pytest.mark.any_engine
def test_each_slice_gets_one_result(tmp_path: Path, npm_4: Program, evaluator_4: TcpEvaluator) -> None:
    async def test() -> None:
        async with stand_in("ours", by_relay=True) as network:
            job = network.add(Job(work="async (x) => { progress(); return 2 * x; }", data=range(20)))
            rates = Rates(worker=0.1, sandbox=0.5, zygote=0, transports=0.3)
            chaos = Chaos(
                network,
                npm_4,
                tmp_path,
                seed=1,
                rates=rates,
                patience=5,
                evaluator=evaluator_4.process.pid,
            )
            await chaos.run(within=100)
        network.assert_one_result_each()
        assert job.results == [2 * x for x in range(20)]
        assert chaos.ended_by_itself == []
        assert chaos.done.total() > 0

    asyncio.run(test())
