"""SIGHUP: a worker at work reads its files anew, those in JavaScript too, and goes on."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from scheduler_stand_in import Job, own_program, running, stand_in

pytestmark = pytest.mark.any_engine


async def until_said(worker: object, text: str, times: int = 1) -> None:
    async with asyncio.timeout(60):
        while worker.said().count(text) < times:  # type: ignore[attr-defined]
            await asyncio.sleep(0.05)


def test_files_are_read_anew_and_a_wrong_one_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "worker" / ".dcp" / "dcp-worker" / "dcp-config.js"
    path.parent.mkdir(parents=True)

    async def test() -> None:
        path.write_text("{ worker: { cores: { cpu: 1, gpu: 0 } } }")
        async with stand_in("ours") as network:
            job = network.add(Job(work="async (x) => { progress(); return x; }", data=[1]))
            async with running(own_program("dcp"), tmp_path, network, ["-c", ","]) as worker:
                await network.until_done(job)
                path.write_text("{ worker: { cores: { cpu: 0.5 + 1.5, gpu: 0 } } }")
                worker.signal(signal.SIGHUP)
                await until_said(worker, "The configuration was read again")
                await network.until(lambda: network.requests_for_work[-1].get("targetLoad", {}).get("cpu") == 2)
                path.write_text("{ worker: { cores: { cpu: 'many' } } }")
                worker.signal(signal.SIGHUP)
                await until_said(worker, "the configuration stays as it was")
                assert f'{path}:1: worker.cores.cpu: it is "many"' in worker.said()
                again = network.add(Job(work="async (x) => { progress(); return x + 1; }", data=[1]))
                await network.until_done(again)
                assert await worker.stop() == 0
        assert again.results == [2]

    asyncio.run(test())
