"""npm's workers, unmodified, from their start to their end, earn on this evaluator: dcp-worker 3.3.19, and the class
DistributiveWorker of dcp-client 5.6.1. The stand-in of a scheduler that they work for is held against them, too.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from scheduler_stand_in import (
    PAYMENT_ADDRESS,
    Group,
    Job,
    Location,
    Program,
    StandIn,
    own_program,
    running,
    stand_in,
)

# These look at what workers and schedulers say to each other: one engine is enough.
on_one_engine = pytest.mark.any_engine

TWICE = "async (x) => { progress(); return 2 * x; }"


def is_npms(program: Program) -> bool:
    return program.name.startswith("npm's")


def faults(network: StandIn, program: Program, *of_npm: str) -> list[str]:
    """What was wrong with requests, but what npm's worker is known for, and ``of_npm``.

    A request that it repeats for a new transport has no groups: it hashes them when it sends first. A busy machine may
    lose a transport in any test.
    """
    known = ("workerComputeGroups is no array", *of_npm) if is_npms(program) else ()
    return [fault for fault in network.faults if not any(part in fault for part in known)]


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())


def test_a_job_with_arguments_modules_events_and_an_error(tmp_path: Path, program: Program) -> None:
    job = Job(
        work="""async (x, factor) => {
          progress();
          console.log("slice", x);
          work.emit("mine", { x });
          if (x === 4) throw new RangeError("too many");
          return x * factor * require("tens/ten.js").ten;
        }""",
        arguments=[3],
        dependencies=["tens/ten.js"],
        modules={"tens": {"ten.js": "module.declare([], (require, exports) => { exports.ten = 10; });"}},
        data=[0, 1, 4],
        payment=0.5,
    )

    async def test() -> None:
        async with stand_in(program.kind, task_size=2) as network:
            network.add(job)
            async with running(program, tmp_path, network) as worker:
                await network.until_done()
                assert await worker.stop() == 0, worker.said()
            said = worker.said()
        assert faults(network, program) == []
        network.assert_one_result_each()
        assert [job.slices[number].result for number in (1, 2)] == [0, 30]
        assert job.slices[3].result.properties["name"] == "RangeError"
        for one in job.slices.values():
            assert len(one.hand_outs) == len(one.begins) == 1
            assert not one.returns
            assert one.results[0].data["paymentAddress"] == PAYMENT_ADDRESS
        for event, numbers in {"console": [1, 2, 3], "custom": [1, 2, 3], "error": [3]}.items():
            assert sorted(data["slice"] for data in network.emitted(event)) == numbers
        assert all(one.results[0].data["metrics"]["CPUTime"] > 0 for one in job.slices.values())
        asked = network.requests_for_work[0]
        if program.kind == "4.4.29":
            assert asked["capabilities"]["environment"] == {"webgpu": True, "offscreenCanvas": False, "fdlibm": True}
        else:
            assert asked["capabilities"] == 16 | 32 | 64
        assert {worktime["name"] for worktime in asked["worktimes"]} == {"map-basic", "pyodide"}
        assert network.all("fetchModuleURL") == [{"modules": ["tens/ten.js"]}]
        assert [event["payload"]["message"] for event in network.emitted("error")] == ["too many"]
        assert "0.500" in said
        if program.name == "npm's dcp-worker":
            assert "WebGPU available" in said
            assert "Worker has stopped" in said

    run(test)


@on_one_engine
def test_jobs_of_groups_ranges_and_estimation(tmp_path: Path, program: Program) -> None:
    private = Group("group-1", "mine", "a secret")
    other = Group("group-2", "other", "another")

    async def test() -> None:
        async with stand_in(program.kind) as network:
            ranged = network.add(Job(work=TWICE, data=3, input_set={"start": 10, "end": 12, "step": 1}, name="range"))
            estimated = network.add(Job(work=TWICE, data=[1, 2, 3], estimation=1, name="estimated", group=private))
            closed = network.add(Job(work=TWICE, data=[1], name="closed", group=other))
            async with running(program, tmp_path, network, ["--join=mine,a secret"]) as worker:
                await network.until_done(ranged, estimated)
                assert await worker.stop() == 0
        assert faults(network, program) == []
        assert ranged.results == [20, 22, 24]
        assert estimated.results == [2, 4, 6]
        assert not closed.slices[1].hand_outs

    run(test)


@on_one_engine
def test_fetched_data_that_is_missing_or_late(tmp_path: Path, program: Program) -> None:
    async def test() -> None:
        async with stand_in(program.kind) as network:
            code = network.web.put("/code.js", TWICE, "application/javascript")
            there = network.web.put("/data/1", "21", "application/json")
            gone = network.web.origin + "/data/2"
            late = network.web.put("/data/3", "4", "application/json", failures=1)
            job = network.add(Job(work="", code=code, data=[Location(there), Location(gone), Location(late)]))
            async with running(program, tmp_path, network) as worker:
                await network.until(lambda: job.slices[1].results and job.slices[2].returns and job.slices[3].results)
                job.is_open = False
                assert await worker.stop() == 0
        assert faults(network, program) == []
        assert [job.slices[1].result, job.slices[3].result] == [42, 8]
        assert job.slices[2].returns[0].data["reason"]
        assert not job.slices[2].results

    run(test)


@on_one_engine
def test_results_that_are_uploaded(tmp_path: Path, program: Program) -> None:
    async def test() -> None:
        async with stand_in(program.kind) as network:
            upload = network.web.origin + "/upload"
            job = network.add(Job(work=TWICE, data=[4], upload=upload, upload_fields={"bucket": "b"}))
            async with running(program, tmp_path, network) as worker:
                await network.until_done()
                assert await worker.stop() == 0
        assert faults(network, program) == []
        (sent,) = network.web.uploads
        assert (sent["bucket"], sent["element"], sent["content"]) == ("b", "1", "8")
        assert job.results == ["stored"]

    run(test)


@on_one_engine
@pytest.mark.parametrize(("command", "status"), [("kill", 130), ("reload", 13)])
def test_commands_that_end_a_worker(tmp_path: Path, program: Program, command: str, status: int) -> None:
    async def test() -> None:
        async with stand_in(program.kind) as network, running(program, tmp_path, network) as worker:
            await network.until(lambda: len(network.subscriptions) == 2 and network.requests_for_work)
            assert await network.command("announce", {"message": "to all who work"}) == ["success"]
            asked = asyncio.create_task(network.command(command, {"temporary": True}))
            assert await worker.wait() == status
            asked.cancel()
            assert "to all who work" in worker.said()
            assert faults(network, program) == []

    run(test)


@on_one_engine
def test_a_slice_that_is_returned_goes_to_another_worker(tmp_path: Path, program: Program) -> None:
    slow = "async (x) => { progress(); await new Promise((done) => setTimeout(done, 1000)); return x; }"

    async def test() -> None:
        async with stand_in(program.kind, task_size=3) as network:
            job = network.add(Job(work=slow, data=[1, 2, 3]))
            async with running(program, tmp_path, network) as first:
                await network.until(lambda: any(one.begins for one in job.slices.values()))
                assert await first.stop() == 0
            # The slice that was begun is finished, the others go back.
            assert [len(one.results) for one in job.slices.values()] == [len(one.begins) for one in job.slices.values()]
            assert job.missing == len([one for one in job.slices.values() if one.returns]) == 2
            async with running(program, tmp_path, network, name="second"):
                await network.until_done()
        assert faults(network, program) == []
        network.assert_one_result_each()
        assert len(network.workers) == 2
        assert sorted(len(one.hand_outs) for one in job.slices.values()) == [1, 2, 2]

    run(test)


@on_one_engine
def test_lost_transports_and_a_scheduler_that_starts_again(tmp_path: Path, program: Program) -> None:
    async def test() -> None:
        async with stand_in(program.kind, task_size=1, by_relay=True) as network:
            network.delays |= {"requestTask": 0.3, "requestTask@3": 0.3}
            job = network.add(Job(work=TWICE, data=[1, 2, 3, 4]))
            async with running(program, tmp_path, network):
                await network.until(lambda: job.missing <= 3)
                network.relay.cut()
                await network.until(lambda: job.missing <= 2)
                await network.door.restart()
                await network.until_done(patience=10)
        network.assert_one_result_each()
        assert faults(network, program, "cannot be answered") == []

    run(test)


@on_one_engine
@pytest.mark.parametrize("program", ["npm_4", "own_5"], indirect=True)
def test_a_slice_that_is_handed_out_twice_is_worked_once(tmp_path: Path, program: Program) -> None:
    """The second is returned at once, by npm's worker too."""
    slow = "async (x) => { progress(); await new Promise((done) => setTimeout(done, 10_000)); return x; }"

    async def test() -> None:
        async with stand_in(program.kind, task_size=1) as network:
            job = network.add(Job(work=slow, data=[1]))
            async with running(program, tmp_path, network, ["-c", "2,0"]) as worker:
                await network.until(lambda: job.slices[1].begins)
                job.hand_out_again(1)
                await network.until(lambda: job.slices[1].returns)
                job.is_open = False
                await network.until_done()
                assert await worker.stop() == 0, worker.said()
        assert faults(network, program) == []
        assert job.results == [1]
        assert len(job.slices[1].begins) == 1

    run(test)


@on_one_engine
@pytest.mark.parametrize("program", ["npm_5", "own_4"], indirect=True)
def test_two_workers_share_a_job(tmp_path: Path, program: Program) -> None:
    async def test() -> None:
        async with stand_in(program.kind, task_size=2) as network:
            slow = "async (x) => { progress(); await new Promise((done) => setTimeout(done, 300)); return 2 * x; }"
            job = network.add(Job(work=slow, data=range(40)))
            async with (
                running(program, tmp_path, network, name="first") as first,
                running(program, tmp_path, network, name="second") as second,
            ):
                await network.until_done(patience=10)
                assert [await worker.stop() for worker in (first, second)] == [0, 0]
        network.assert_one_result_each()
        assert job.results == [2 * x for x in range(40)]
        assert {one.results[0].data["worker"] for one in job.slices.values()} == network.workers.keys()
        assert len(network.workers) == 2
        assert faults(network, program) == []

    run(test)


@on_one_engine
@pytest.mark.parametrize("program", ["npm_4", "own_4", "own_5"], indirect=True)
def test_a_scheduler_that_is_another_all_at_once_gets_nothing(tmp_path: Path, program: Program) -> None:
    async def test() -> None:
        async with stand_in(program.kind, task_size=1) as network:
            network.delays |= {"requestTask": 0.3, "requestTask@3": 0.3}
            job = network.add(Job(work=TWICE, data=range(100)))
            async with running(program, tmp_path, network) as worker:
                await network.until(lambda: job.missing <= 98)
                await network.door.restart(as_another=True)
                await asyncio.sleep(0.5)  # longer than the delay: what came before is counted by then
                before = len(network.requests_for_work), job.missing
                async with asyncio.timeout(60):
                    while "peer address" not in worker.said():
                        await asyncio.sleep(0.1)
                assert (len(network.requests_for_work), job.missing) == before

    run(test)


@on_one_engine
def test_a_result_that_npms_worker_does_not_send_again(tmp_path: Path, npm_4: Program) -> None:
    async def test() -> None:
        async with stand_in("4.4.29") as network:
            job = network.add(Job(work=TWICE, data=[1, 2], refusals={1: 1}))
            async with running(npm_4, tmp_path, network) as worker:
                await network.until(lambda: job.slices[1].refused and job.slices[2].results)
                worker.signal(signal.SIGKILL)
        assert job.slices[1].refused[0].value == 2
        assert job.without_result == [1]

    run(test)


@on_one_engine
@pytest.mark.parametrize("group", ["dcp", "dcp5"])
def test_a_result_that_is_refused_is_sent_again_and_at_last_returned(tmp_path: Path, group: str) -> None:
    program = own_program(group)

    async def test() -> None:
        async with stand_in(program.kind) as network:
            job = network.add(Job(work=TWICE, data=[1, 2], refusals={1: 1, 2: 100}))
            async with running(program, tmp_path, network) as worker:
                await network.until(lambda: job.slices[1].results and job.slices[2].returns)
                job.is_open = False
                assert await worker.stop() == 0, worker.said()
        assert network.faults == []
        assert [len(job.slices[1].refused), job.slices[1].result] == [1, 2]
        assert len(job.slices[2].refused) > 1

    run(test)
