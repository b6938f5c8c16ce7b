"""Metrics of dcp-worker at work, as a monitoring reads them."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest

from process_tree import children
from scheduler_stand_in import Job, stand_in
from scheduler_stand_in.workers import PROGRAMS, SCHEDULERS, WorkerProcess, own_program, running
from scrape import ask, scrape


async def metrics(worker: WorkerProcess) -> dict[str, float]:
    async with asyncio.timeout(60):
        while not (found := re.search(r"Metrics are at http://127\.0\.0\.1:(\d+)/metrics", worker.said())):
            await asyncio.sleep(0.05)
    return await asyncio.to_thread(scrape, int(found[1]))


async def until(worker: WorkerProcess, name: str, value: float) -> dict[str, float]:
    async with asyncio.timeout(60):
        while (read := await metrics(worker)).get(name, 0.0) < value:
            await asyncio.sleep(0.05)
    return read


def test_a_monitoring_sees_what_becomes_of_slices(tmp_path: Path, dialect: str) -> None:
    job = Job(
        work="""async (x) => {
          progress();
          const until = Date.now() + 50;
          while (Date.now() < until);
          if (x === 3) work.reject("not this one");
          if (x === 2) throw new Error("no");
          return x;
        }""",
        data=[0, 1, 2],
        payment=0.25,
    )
    refused = Job(work="(x) => { progress(); work.reject('not here'); }", data=[0])

    async def run() -> None:
        async with stand_in(SCHEDULERS[dialect]) as network:
            network.add(job)
            async with running(own_program(PROGRAMS[dialect]), tmp_path, network, ("--metrics", "0")) as worker:
                await network.until(lambda: job.is_done)
                read = await until(worker, "dcp_worker_payments_total", 3)
                assert read['dcp_worker_slices_total{outcome="completed"}'] == 3
                assert read['dcp_worker_slices_total{outcome="failed"}'] == 0
                assert read["dcp_worker_slice_seconds_count"] == 3
                assert read["dcp_worker_slice_seconds_sum"] >= 0.15
                assert read["dcp_worker_slice_cpu_seconds_total"] > 0
                assert read["dcp_worker_results_submitted_total"] == 3
                assert read["dcp_worker_earned_dcc_total"] == pytest.approx(0.75)
                assert read["dcp_worker_slices_fetched_total"] == 3
                assert read['dcp_worker_fetches_total{outcome="work"}'] >= 1
                assert read['dcp_worker_resource_allowed{resource="cpu"}'] == 1
                assert read['dcp_worker_resource_limit{resource="cpu"}'] == 1
                assert read["dcp_worker_up"] == 1
                assert read["dcp_worker_jobs_total"] == 1
                assert sum(value for name, value in read.items() if name.startswith("dcp_worker_state{")) == 1
                assert read["dcp_evaluator_sandboxes_started_total"] >= 1
                assert read["process_resident_memory_bytes"] > 0
                network.add(refused)
                read = await until(worker, 'dcp_worker_slices_total{outcome="rejected"}', 1)
                assert (await until(worker, "dcp_worker_slices_returned_total", 1))["dcp_worker_jobs_total"] == 2
                assert await worker.stop() == 0

    asyncio.run(run())


def test_ends_of_sandboxes_and_of_the_evaluator_are_counted(tmp_path: Path, dialect: str) -> None:
    job = Job(work="async (x) => { progress(); await new Promise(() => 0); }", data=[0])

    async def run() -> None:
        async with stand_in(SCHEDULERS[dialect]) as network:
            network.add(job)
            async with running(own_program(PROGRAMS[dialect]), tmp_path, network, ("--metrics", "0")) as worker:
                read = await until(worker, "dcp_worker_slices_working", 1)
                assert read["dcp_worker_sandbox_deaths_total"] == read["dcp_worker_evaluator_restarts_total"] == 0
                for zygote in children(worker.pid):
                    os.kill(zygote, signal.SIGKILL)
                await until(worker, "dcp_worker_evaluator_restarts_total", 1)
                read = await until(worker, "dcp_worker_sandbox_deaths_total", 1)
                assert read['dcp_worker_messages_total{level="warning"}'] >= 1
                await until(worker, "dcp_evaluator_zygote_restarts_total", 1)

    asyncio.run(run())


@pytest.mark.any_engine
def test_a_port_that_is_taken_keeps_nobody_from_working(tmp_path: Path) -> None:
    job = Job(work="(x) => { progress(); return x; }", data=[1])

    async def run() -> None:
        async with stand_in(SCHEDULERS["4"]) as network:
            network.add(job)
            taken = network.location.rstrip("/").rpartition(":")[2]
            async with running(own_program(PROGRAMS["4"]), tmp_path, network, ("--metrics", taken)) as worker:
                await network.until(lambda: job.is_done)
                assert await worker.stop() == 0
            assert f"metrics cannot be served on 127.0.0.1 port {taken}: Address already in use" in worker.said()

    asyncio.run(run())


@pytest.mark.any_engine
def test_the_configuration_names_a_port_too(tmp_path: Path) -> None:
    async def run() -> None:
        async with stand_in(SCHEDULERS["4"]) as network:
            program = own_program(PROGRAMS["4"], node={"metrics": "127.0.0.1:0"})
            async with running(program, tmp_path, network) as worker:
                assert (await metrics(worker))["dcp_worker_up"] == 1
                port = int(re.search(r"Metrics are at http://127\.0\.0\.1:(\d+)/", worker.said())[1])  # type: ignore[index]
                assert (await asyncio.to_thread(ask, port, host="evil.example"))[0] == 403
                assert await worker.stop() == 0

    asyncio.run(run())
