"""dcp-worker from its start to its end, on the schedulers of both dialects."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from scheduler_stand_in import PAYMENT_ADDRESS, Group, Job, Location, stand_in
from scheduler_stand_in.stand_in import StandIn
from scheduler_stand_in.workers import PROGRAMS, SCHEDULERS, WorkerProcess, own_program, running

Test = Callable[[StandIn, WorkerProcess], Awaitable[None]]


def at_work(home: Path, dialect: str, jobs: list[Job], test: Test, *options: str, kind: str = "") -> list[str]:
    """Runs a test on a worker that works, and stops it. The lines of its console."""

    async def run() -> None:
        async with stand_in(kind or SCHEDULERS[dialect]) as network:
            for job in jobs:
                network.add(job)
            async with running(own_program(PROGRAMS[dialect]), home, network, options) as worker:
                try:
                    await test(network, worker)
                except BaseException:
                    print(worker.log.read_text())
                    raise
                if worker.process.returncode is None:
                    assert await worker.stop() == 0, worker.log.read_text()
            assert not network.faults
            network.assert_one_result_each()

    asyncio.run(run())
    lines = (home / "worker.log").read_text().splitlines()
    assert not [line for line in lines if "Traceback" in line or "exception" in line], lines
    return lines


async def done(network: StandIn, worker: WorkerProcess) -> None:
    await network.until_done()


def test_it_works_the_slices_of_a_job_and_submits_their_results(tmp_path: Path, dialect: str) -> None:
    job = Job(
        work="""async (x, factor) => {
          progress(0.5);
          console.log("slice", x);
          work.emit("mine", { x });
          if (x === 4) throw new RangeError("too many");
          return x * factor * require("tens/ten.js").ten;
        }""",
        arguments=[3],
        dependencies=["tens/ten.js"],
        modules={"tens": {"ten.js": "module.declare([], (require, exports) => { exports.ten = 10; });"}},
        data=[0, 1, 2, 3, 4],
        payment=0.25,
    )
    lines = at_work(tmp_path, dialect, [job], done)
    assert job.results[:4] == [0, 30, 60, 90]
    assert job.results[4].name == "RangeError"
    assert all(one.begins for one in job.slices.values())
    for one in job.slices.values():
        (told,) = one.results
        assert told.data["paymentAddress"] == PAYMENT_ADDRESS
        assert told.data["metrics"]["CPUTime"] > 0
        assert 0 < told.data["metrics"]["CPUDensity"] <= 1
        assert told.data["metrics"]["InDataSize"] > 0
    assert any("Worktime map-basic@1.0.0" in line for line in lines)
    assert any("Payment: 0.250" in line for line in lines)
    assert "Worker has stopped" in lines


def test_it_tells_the_owner_what_a_work_function_says(tmp_path: Path, dialect: str) -> None:
    job = Job(
        work="""async (x) => {
          progress();
          console.warn("a", [x]);
          work.emit("mine", { x });
          if (x) throw new TypeError("no");
        }""",
        data=[0, 1],
    )

    async def told(network: StandIn, worker: WorkerProcess) -> None:
        await network.until(lambda: job.is_done and network.counts["workEmit"] >= 5)
        kinds = sorted(event["eventName"] for event in network.all("workEmit"))
        assert kinds == ["console", "console", "custom", "custom", "error"]

    at_work(tmp_path, dialect, [job], told)


def test_a_stop_finishes_what_runs_and_returns_the_rest(tmp_path: Path, dialect: str) -> None:
    job = Job(
        work="""async (x) => {
          progress();
          work.emit("begun", x);
          await new Promise((resolve) => setTimeout(resolve, 1000));
          return x;
        }""",
        data=range(30),
    )

    async def run() -> None:
        async with stand_in(SCHEDULERS[dialect]) as network:
            network.add(job)
            async with running(own_program(PROGRAMS[dialect]), tmp_path, network) as worker:
                await network.until(lambda: network.counts["workEmit"])
                assert await worker.stop() == 0
            begun = {event["slice"] for event in network.all("workEmit")}
            assert begun == {number for number, one in job.slices.items() if one.results}
            returned = {number: one.returns[0].data["reason"] for number, one in job.slices.items() if one.returns}
            assert set(returned.values()) == {"stopAndShutdown"}
            assert returned.keys().isdisjoint(begun)

    asyncio.run(run())


def test_after_sigkill_results_are_submitted_and_slices_returned_by_the_next_start(
    tmp_path: Path, dialect: str
) -> None:
    quick = Job(work="async (x) => { progress(); return x; }", data=[1], refusals={1: 1_000_000})
    endless = Job(work="async (x) => { progress(); work.emit('begun', x); await new Promise(() => {}); }", data=[1])

    async def run() -> None:
        async with stand_in(SCHEDULERS[dialect]) as network:
            network.add(quick)
            async with running(own_program(PROGRAMS[dialect]), tmp_path, network, ["-c", "2,0"]) as worker:
                await network.until(lambda: network.counts["result"])
                network.add(endless)
                await network.until(lambda: network.counts["workEmit"])
                worker.signal(signal.SIGKILL)
                await worker.wait()
            quick.refusals.clear()
            assert not quick.is_done
            endless.is_open = False
            async with running(own_program(PROGRAMS[dialect]), tmp_path, network, ["-c", "2,0"]) as worker:
                await network.until(lambda: quick.is_done and endless.slices[1].returns)
                assert await worker.stop() == 0
            assert quick.results == [1]

    asyncio.run(run())


def test_jobs_of_groups_are_done_by_who_knows_the_secret(tmp_path: Path, dialect: str) -> None:
    group = Group("g1", "rabbits", "carrot")
    job = Job(work="async (x) => { progress(); return x; }", data=[7], group=group)
    at_work(tmp_path, dialect, [job], done, "--join", "rabbits,carrot", "--leavePublicGroup")
    assert job.results == [7]
    at_work(
        tmp_path,
        dialect,
        [again := Job(work=job.work, data=[8], group=group)],
        done,
        "-g",
        f"rabbits,{group.join_hash}",
    )
    assert again.results == [8]


def test_elements_of_ranges_fetched_data_and_uploads(tmp_path: Path, dialect: str) -> None:
    async def run() -> None:
        async with stand_in(SCHEDULERS[dialect]) as network:
            network.web.put("/data/1", "[1, 2, 3]", "application/json", failures=1)
            network.web.put("/code.js", "async (x) => { progress(); return x.length; }", "text/plain")
            fetched = network.add(
                Job(work="", code=f"{network.location}code.js", data=[Location(f"{network.location}data/1")])
            )
            counted = network.add(
                Job(
                    work="async (x) => { progress(); return x; }",
                    data=3,
                    input_set={"start": 10, "end": 14, "step": 2},
                )
            )
            async with running(own_program(PROGRAMS[dialect]), tmp_path, network) as worker:
                await network.until_done()
                assert await worker.stop() == 0
            assert fetched.results == [3]
            assert counted.results == [10, 12, 14]
            assert not network.faults

    asyncio.run(run())


def test_data_that_is_not_there_returns_the_slice(tmp_path: Path, dialect: str) -> None:
    async def run() -> None:
        async with stand_in(SCHEDULERS[dialect]) as network:
            job = network.add(
                Job(
                    work="async (x) => { progress(); return x; }",
                    data=[Location(f"{network.location}missing"), Location("http://127.0.0.2:9/forbidden"), 3],
                )
            )
            async with running(own_program(PROGRAMS[dialect]), tmp_path, network) as worker:
                await network.until(lambda: job.slices[3].results and job.slices[1].returns and job.slices[2].returns)
                assert await worker.stop() == 0

    asyncio.run(run())


def test_a_result_that_is_refused_once_is_sent_again(tmp_path: Path, dialect: str) -> None:
    job = Job(work="async (x) => { progress(); return x; }", data=[1, 2], refusals={1: 1})
    at_work(tmp_path, dialect, [job], done)
    assert job.results == [1, 2]


def test_the_scheduler_ends_a_worker_and_has_it_started_again(tmp_path: Path, dialect: str) -> None:
    async def order(command: str, payload: dict[str, Any], name: str) -> int:
        async with stand_in(SCHEDULERS[dialect]) as network:
            async with running(own_program(PROGRAMS[dialect]), tmp_path, network, name=name) as worker:
                await network.until(lambda: len(network.subscriptions) == 2)
                await network.command("announce", {"message": "hello workers"})
                await network.command(command, payload)
                status = await worker.wait()
            assert "hello workers" in worker.log.read_text()
            return status

    assert asyncio.run(order("kill", {"temporary": True}, "killed")) == 130
    assert asyncio.run(order("reload", {}, "reloaded")) == 13


def test_a_worker_that_ends_listens_no_more(tmp_path: Path, dialect: str) -> None:
    async def test() -> None:
        async with stand_in(SCHEDULERS[dialect]) as network:
            async with running(own_program(PROGRAMS[dialect]), tmp_path, network) as worker:
                await network.until(lambda: len(network.subscriptions) == 2)
                assert await network.command("announce", {"message": "once it has its tokens"}) == ["success"]
                assert await worker.stop() == 0
            await network.until(lambda: not network.subscriptions)
            assert network.faults == []

    asyncio.run(test())


def test_a_worker_that_was_ended_for_good_starts_only_if_its_owner_wants_that(tmp_path: Path, dialect: str) -> None:
    async def run(to_be_killed: bool) -> int:
        async with (
            stand_in(SCHEDULERS[dialect]) as network,
            running(own_program(PROGRAMS[dialect]), tmp_path, network) as worker,
        ):
            if to_be_killed:
                await network.until(lambda: len(network.subscriptions) == 2)
                await network.command("kill")
            return await worker.wait()

    assert asyncio.run(run(True)) == 130
    assert asyncio.run(run(False)) == 1
    assert "the scheduler has ended this worker for good" in (tmp_path / "worker.log").read_text()
    (marker,) = tmp_path.rglob("ended-by-scheduler")
    marker.unlink()
    assert asyncio.run(run(True)) == 130


def test_large_arrays_go_both_ways(tmp_path: Path, dialect: str) -> None:
    job = Job(
        work="async (x) => { progress(); return x.map((each) => 255 - each); }",
        data=[bytes(range(256)) * 8192],
    )
    at_work(tmp_path, dialect, [job], done, kind="ours")
    assert job.results[0].tobytes() == bytes(reversed(range(256))) * 8192
