"""``dcp-worker status`` and the like, against a worker that works for the stand-in scheduler."""

from __future__ import annotations

import asyncio
import json
import signal
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from controlled import begin, command, succeed, until

from dcp_worker.control import methods
from dcp_worker.control.client import Client
from dcp_worker.control.status import SCHEMA_FILE
from dcp_worker.errors import ControlError
from scheduler_stand_in import Job, own_program, running, stand_in

pytestmark = pytest.mark.any_engine

LONG = "async (x) => { for (;;) { progress(0.5); await new Promise((resolve) => setTimeout(resolve, 50)); } }"
SLOW = "async (x) => { progress(); await new Promise((resolve) => setTimeout(resolve, 3000)); return x; }"
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
                assert "  Working; started " in text
                assert "the long one, slice 1, 50% 0:" in text
                await succeed(worker, "stop", "--hard", "--wait")
                assert await worker.wait() == 0
                ended, out, error = await command(worker, "status")
            assert (ended, out) == (3, "")
            assert error.startswith("dcp-worker: no worker runs: there is no socket ")

    asyncio.run(test())


def test_finish_does_what_is_here_and_nothing_else(tmp_path: Path) -> None:
    async def test() -> None:
        async with stand_in("ours") as network:
            job = network.add(Job(work=SLOW, data=[1, 2, 3]))
            async with running(own_program("dcp"), tmp_path, network) as worker:
                await until(worker, lambda told: told["queue"]["working"] and told["queue"]["queued"])
                job.is_open = False
                await succeed(worker, "finish")
                late = network.add(Job(work=QUICK, data=[1]))
                assert await worker.wait() == 0
                assert "It ends because its owner has had it finish" in worker.said()
            assert not any(one.results for one in late.slices.values())
            assert len([one for one in job.slices.values() if one.results]) > 1
            assert not [one for one in job.slices.values() if one.returns]

    asyncio.run(test())


def test_a_worker_ends_once_there_is_no_work(tmp_path: Path) -> None:
    async def test() -> None:
        async with stand_in("ours") as network:
            job = network.add(Job(work=QUICK, data=[1, 2, 3]))
            async with running(own_program("dcp"), tmp_path, network, ["--exit-when-done"]) as worker:
                assert await worker.wait() == 0
                assert job.results == [1, 2, 3]
                assert "It ends because the scheduler has no work for it" in worker.said()
            async with running(own_program("dcp"), tmp_path, network) as worker:
                await until(worker, lambda told: told["state"] == "idle")
                await succeed(worker, "exit-when-done")
                assert await worker.wait() == 0

    asyncio.run(test())


def test_the_log_is_shown_and_followed(tmp_path: Path) -> None:
    async def test() -> None:
        async with stand_in("ours") as network, running(own_program("dcp"), tmp_path, network) as worker:
            await until(worker, lambda told: told["state"] == "idle")
            lines = [json.loads(line) for line in (await succeed(worker, "logs", "--json", "-n", "500")).splitlines()]
            assert " * Ready." in [line["text"] for line in lines]
            socket = str(worker.home / "dcp-worker" / "control")
            following = await begin(worker, "logs", "-f", "--level", "info", "--socket", socket)
            watching = await begin(worker, "status", "--watch", "0.1", "--socket", socket)
            assert following.stdout
            assert watching.stdout
            first = (await watching.stdout.readline()).decode()
            assert " Waiting for work: the scheduler has no work for it just now; 0 working" in first
            while not (await following.stdout.readline()).endswith(b" * Ready.\n"):
                pass
            assert await worker.stop() == 0
            assert b" Worker is stopping\n" in (await following.communicate())[0]
            await watching.communicate()
            assert (following.returncode, watching.returncode) == (0, 0)

    asyncio.run(test())


def test_the_configuration_of_a_running_worker_is_shown_without_secrets(tmp_path: Path) -> None:
    async def test() -> None:
        options = ["--join", "rabbits,carrot"]
        async with stand_in("ours") as network, running(own_program("dcp"), tmp_path, network, options) as worker:
            await until(worker, lambda told: told["state"] == "idle")
            text = await succeed(worker, "config", "--running")
            assert "carrot" not in text
            assert json.loads(text)["worker"]["computeGroups"][0]["joinKey"] == "rabbits"
            assert await succeed(worker, "config", "--running", "worker.cores.cpu") == "1\n"
            status, _, error = await command(worker, "config", "--running", "worker.nothing")
            assert (status, error.startswith("dcp-worker: there is nothing called worker.nothing")) == (1, True)

    asyncio.run(test())


def test_the_report_outlives_sigkill(tmp_path: Path) -> None:
    async def test() -> None:
        async with stand_in("ours") as network:
            job = network.add(Job(work=QUICK, data=[1, 2], payment=0.25, name="=1+1"))
            async with running(own_program("dcp"), tmp_path, network) as worker:
                await network.until_done(job)
                await until(worker, lambda told: told["totals"]["earned"] == 0.5)
                report = json.loads(await succeed(worker, "report", "--json", "--since", "2020-01-01"))
                worker.signal(signal.SIGKILL)
                await worker.wait()
            assert json.loads(await succeed(worker, "report", "--json", "--since", "2020-01-01")) == report
            total = report["total"]
            assert (total["completed"], total["submitted"], total["earned"]) == (2, 2, 0.5)
            assert total["cpu_seconds"] > 0
            head, row = (await succeed(worker, "report", "--csv", "--by", "job")).splitlines()
            assert head.startswith("job,name,first,last,completed,")
            assert row.split(",")[1] == "'=1+1"
            assert "since" in await succeed(worker, "report")

    asyncio.run(test())


def test_a_client_asks_for_the_probe_of_the_machine(tmp_path: Path) -> None:
    async def test() -> None:
        async with stand_in("ours") as network, running(own_program("dcp"), tmp_path, network) as worker:
            await until(worker, lambda told: told["state"] == "idle")
            async with Client.connect(worker.home / "dcp-worker" / "control") as client:
                first = asyncio.create_task(client.call(methods.SelfTest(), dict))
                await asyncio.sleep(0)
                with pytest.raises(ControlError, match="is being tested already"):
                    await client.call(methods.SelfTest(), dict)
                assert (await first)["schema"]["name"] == "dcp-evaluator-probe"

    asyncio.run(test())


def test_a_folder_that_cannot_be_used_is_passed_over_and_without_any_a_warning_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")

    async def test() -> None:
        program = own_program("dcp")
        program = replace(program, environment={**program.environment, "RUNTIME_DIRECTORY": str(tmp_path / "file")})
        async with stand_in("ours") as network:
            async with running(program, tmp_path, network) as worker:
                await until(worker, lambda told: told["state"] == "idle")
                assert await worker.stop() == 0
            program = own_program("dcp", node={"controlSocket": str(tmp_path / "file" / "control")})
            before = len(network.requests_for_work)
            async with running(program, tmp_path, network) as worker:
                await network.until(lambda: len(network.requests_for_work) > before)
                assert await worker.stop() == 0
            assert "this worker cannot be controlled: the control socket" in worker.said()

    asyncio.run(test())
