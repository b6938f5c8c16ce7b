"""A worker that is killed loses what it has when its connection is lost for a while, not when it is silent for long."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from clients import client
from networks import network
from sqlalchemy import func, select

from dcp_scheduler.services.network import Rules
from dcp_scheduler.store.schema import hand_outs
from scheduler_stand_in.workers import own_program, running

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(240)]

OPTIONS = ("--dialect", "5")


def test_its_slices_go_to_another(run, tmp_path: Path) -> None:
    work = "async (x) => { progress(); await new Promise((done) => setTimeout(done, 300)); return x; }"

    async def main() -> None:
        async with network(tmp_path, workers=0, rules=Rules(gone_seconds=1.0)) as server:
            program = own_program("dcp5")
            async with client("5.6.1", server.location, tmp_path / "home", range=[1, 8], work=work) as job:
                async with running(program, tmp_path, server, OPTIONS, name="killed") as worker:  # type: ignore[arg-type]
                    await job.until("result")
                    worker.signal(signal.SIGKILL)
                    await worker.wait()
                async with asyncio.timeout(60):
                    while await server.database.read(
                        lambda each: each.execute(select(func.count(hand_outs.c.job))).scalar()
                    ):
                        await asyncio.sleep(0.1)
                async with running(program, tmp_path, server, OPTIONS, name="another"):  # type: ignore[arg-type]
                    assert await job.end() == {"event": "done", "results": list(range(1, 9))}

    run(main())
