"""``dcp-worker status`` and the like, against a worker that works for the stand-in scheduler."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import jsonschema
import pytest
from controlled import command, succeed, until

from dcp_worker.control.status import SCHEMA_FILE
from scheduler_stand_in import Job, own_program, running, stand_in

pytestmark = pytest.mark.any_engine

LONG = "async (x) => { for (;;) { progress(0.5); await new Promise((resolve) => setTimeout(resolve, 50)); } }"
QUICK = "async (x) => { progress(); return x; }"


def test_status_tells_of_sandboxes_jobs_and_earnings(tmp_path: Path) -> None:
    async def test() -> None:
        async with stand_in("ours") as network:
            quick = network.add(Job(work=QUICK, data=[1, 2], payment=0.25))
            async with running(own_program("dcp"), tmp_path, network) as worker:
                await network.until_done(quick)
                network.add(Job(work=LONG, data=[1], name="the long one"))
                told = await until(worker, lambda told: [one for one in told["sandboxes"] if one["progress"] == 0.5])
                jsonschema.validate(told, json.loads(SCHEMA_FILE.read_text()))
                assert (told["pid"], told["state"], told["account"]) == (worker.pid, "working", "0x" + "2" * 40)
                assert told["totals"]["completed"] == told["totals"]["submitted"] == 2
                assert told["totals"]["earned"] == 0.5
                names = [job["name"] for job in told["jobs"] if job["working"]]
                assert names == ["the long one"]
                text = await succeed(worker, "status")
                assert "working, for 0:" in text
                assert "the long one slice 1, 50%" in text
                await succeed(worker, "stop", "--hard", "--wait")
                assert await worker.wait() == 0
                ended, out, error = await command(worker, "status")
            assert (ended, out) == (3, "")
            assert error.startswith("dcp-worker: no worker runs: there is no socket ")

    asyncio.run(test())
