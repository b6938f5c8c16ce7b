"""A worker tells the service manager that has started it what becomes of it."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest

from scheduler_stand_in import Job, own_program, running, stand_in
from service_manager import StandInManager

pytestmark = pytest.mark.any_engine


def test_it_is_ready_lives_and_stops(tmp_path: Path) -> None:
    async def test(manager: StandInManager) -> None:
        program = own_program("dcp")
        environment = {**program.environment, **manager.environment, "WATCHDOG_USEC": "400000"}
        async with stand_in("ours") as network:
            job = network.add(Job(work="async (x) => { progress(); return x; }", data=[1], payment=0.25))
            async with running(dataclasses.replace(program, environment=environment), tmp_path, network) as worker:
                await asyncio.to_thread(manager.wait_for, "STATUS=starting (it starts): 0 slices working")
                await asyncio.to_thread(manager.wait_for, "READY=1", "WATCHDOG=1")
                await network.until_done(job)
                done = "0 slices working, 0 queued, 1 completed, 0.250 DCC"
                idle = f"STATUS=idle (the scheduler has no work for it just now): {done}"
                await asyncio.to_thread(manager.wait_for, idle)
                manager.told.clear()
                await asyncio.to_thread(manager.wait_for, "WATCHDOG=1")
                stopping = asyncio.create_task(worker.stop())
                await asyncio.to_thread(manager.wait_for, "STOPPING=1", "EXTEND_TIMEOUT_USEC=")
                assert await stopping == 0
                assert "It ends because SIGINT has come" in worker.said()

    with StandInManager(tmp_path) as manager:
        asyncio.run(test(manager))
