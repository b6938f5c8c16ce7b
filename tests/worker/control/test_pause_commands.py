"""``dcp-worker pause`` and ``resume``: the owner's pauses, of which some outlive a restart."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from controlled import command, succeed, until

from scheduler_stand_in import Job, own_program, running, stand_in

pytestmark = pytest.mark.any_engine

QUICK = "async (x) => { progress(); return x; }"


def is_paused(told: dict[str, Any]) -> bool:
    return bool(told["state"] == "paused")


def is_idle(told: dict[str, Any]) -> bool:
    return bool(told["state"] == "idle")


def test_a_paused_worker_works_when_it_is_resumed(tmp_path: Path) -> None:
    async def test() -> None:
        async with stand_in("ours") as network, running(own_program("dcp"), tmp_path, network) as worker:
            await until(worker, is_idle)
            await succeed(worker, "pause")
            told = await until(worker, is_paused)
            (cpu, *_) = told["resources"]
            assert cpu["reasons"] == [{"rule": "manual", "text": "paused by its owner", "until": None}]
            job = network.add(Job(work=QUICK, data=[1]))
            assert "  cpu        paused by its owner" in await succeed(worker, "status")
            status, _, error = await command(worker, "resume", "cpu")
            assert (status, error) == (1, "dcp-worker: cpu stays paused, as what is wider is: all; resume that\n")
            assert not job.is_done
            await succeed(worker, "resume")
            await network.until_done(job)
            assert await worker.stop() == 0

    asyncio.run(test())


def test_pauses_with_an_end_and_those_to_be_kept_outlive_a_restart(tmp_path: Path) -> None:
    async def test() -> None:
        async with stand_in("ours") as network:
            async with running(own_program("dcp"), tmp_path, network) as worker:
                await until(worker, is_idle)
                await succeed(worker, "pause", "--for", "1h")
                assert await worker.stop() == 0
            async with running(own_program("dcp"), tmp_path, network) as worker:
                told = await until(worker, is_paused)
                assert 0 < told["resources"][0]["reasons"][0]["until"] - time.time() <= 3600
                await succeed(worker, "resume")
                await succeed(worker, "pause", "cpu")
                await until(worker, is_paused)
                assert await worker.stop() == 0
            async with running(own_program("dcp"), tmp_path, network) as worker:
                await until(worker, is_idle)
                await succeed(worker, "pause", "cpu", "--keep")
                assert await worker.stop() == 0
            async with running(own_program("dcp"), tmp_path, network) as worker:
                await until(worker, is_paused)
                assert await worker.stop() == 0

    asyncio.run(test())


def test_a_pause_ends_by_itself(tmp_path: Path) -> None:
    async def test() -> None:
        async with stand_in("ours") as network, running(own_program("dcp"), tmp_path, network) as worker:
            await until(worker, is_idle)
            await succeed(worker, "pause", "--for", "1s")
            async with asyncio.timeout(60):
                while " . CPU works again\n" not in worker.said():
                    await asyncio.sleep(0.1)
            assert " . CPU rests: paused by its owner\n" in worker.said()
            await until(worker, is_idle)
            assert await worker.stop() == 0

    asyncio.run(test())


def test_what_is_not_there_cannot_be_paused(tmp_path: Path) -> None:
    async def test() -> None:
        async with stand_in("ours") as network, running(own_program("dcp"), tmp_path, network) as worker:
            await until(worker, is_idle)
            status, _, error = await command(worker, "pause", "gpu7")
            assert (status, error) == (
                1,
                "dcp-worker: there is nothing of that name to pause; there are all, cpu\n",
            )
            assert await worker.stop() == 0

    asyncio.run(test())
