"""The stand-in of the scheduler in both dialects, with a small worker in Python: what it hands out, takes, refuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from dcp_protocol.canonical_json import encode
from dcp_protocol.errors import RemoteError
from scheduler_stand_in import Group, Job, StandIn, stand_in
from scheduler_stand_in.small_worker import SmallWorker

pytestmark = pytest.mark.any_engine

KINDS = [("4.4.29", 4), ("5.6.1", 5), ("ours", 4), ("ours", 5)]
of_all_kinds = pytest.mark.parametrize(("kind", "dialect"), KINDS)


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())


@asynccontextmanager
async def both(kind: str, dialect: int, **options: Any) -> AsyncIterator[tuple[StandIn, SmallWorker]]:
    async with stand_in(kind, **options) as network, SmallWorker(network.door.location, dialect) as worker:
        yield network, worker


@of_all_kinds
def test_each_slice_gets_its_result(kind: str, dialect: int) -> None:
    async def test() -> None:
        async with both(kind, dialect) as (network, worker):
            jobs = [network.add(Job(work="", data=[1, 2, 3], payment=0.25)), network.add(Job(work="", data=[5] * 9))]
            assert await worker.work(lambda x: 2 * x) == 12
            assert network.faults == []
            network.assert_one_result_each()
            assert jobs[0].results == [2, 4, 6]
            assert all(len(one.begins) == 1 for job in jobs for one in job.slices.values())

    run(test)


@of_all_kinds
def test_messages_of_jobs_and_slices(kind: str, dialect: int) -> None:
    """What they have in the one dialect or the other."""

    async def test() -> None:
        async with both(kind, dialect, origins={"group": {"fetchData": ["https://data.example"]}}) as (network, worker):
            job = network.add(Job(work="x", data=[1], needs=16, estimation=1, worktime_range=">=1 <2"))
            reply = await worker.request_task()
            ((name, told),) = reply["body"]["newJobs"].items()
            (one,) = reply["body"]["task"][name]
            assert one["isEstimationSlice"]
            assert reply["auth"]["authSlices"] == {name: [1]}
            if dialect == 4:
                assert name == told["address"] == one["jobAddress"] == job.address
                assert told["requirements"]["environment"] == {"fdlibm": True}
                assert told["worktime"] == {"name": "map-basic", "version": "1.0.0"}
                assert "computeGroupOrigins" not in reply["body"]
            else:
                assert name == told["jobId"] == one["jobId"] == job.id
                assert told["jobCgId"] == f"{job.id}-public-group"
                assert told["needCapabilities"] == 16
                assert told["worktime"] == {"name": "map-basic", "version": ">=1 <2"}
                assert reply["body"]["computeGroupOrigins"] == {"group": {"fetchData": ["https://data.example"]}}

    run(test)


@of_all_kinds
def test_groups_load_and_capabilities_decide_what_is_handed_out(kind: str, dialect: int) -> None:
    async def test() -> None:
        async with both(kind, dialect) as (network, worker):
            network.add(Job(work="", data=[1], group=Group("group-1", "mine", "a secret")))
            gpu = network.add(Job(work="", data=[1], needs=32))
            other = network.add(Job(work="", data=[1], worktime=("pyodide", "0.26.0")))
            assert (await worker.request_task())["body"] == {}
            assert other.waiting
            plain = network.add(Job(work="", data=[1, 2]))
            assert (await worker.request_task(targetLoad={"cpu": 0, "gpu": 0, "longSlices": 0}))["body"] == {}
            names = [plain.address if dialect == 4 else plain.id]
            assert (await worker.request_task(rejectedJobs=names))["body"] == {}
            assert (await worker.request_task(unresolvedJobs=names))["body"] == {}
            assert list((await worker.request_task())["body"]["newJobs"]) == names
            assert gpu.waiting
            assert network.faults == []

    run(test)


@of_all_kinds
def test_what_is_refused_is_in_the_ledger(kind: str, dialect: int) -> None:
    async def test() -> None:
        async with both(kind, dialect) as (network, worker):
            job = network.add(Job(work="", data=[1], refusals={1: 1}))
            reply = await worker.request_task()
            ((name, _),) = reply.pop("body")["task"].items()
            for authorization, code in ((reply, "EFAULT"), ({**reply, "auth": {}}, "EPERM")):
                with pytest.raises(RemoteError) as refused:
                    await worker.submit(name, 1, encode(authorization), 0)
                assert refused.value.code == code
            await worker.submit(name, 1, encode(reply), 0)
            with pytest.raises(RemoteError) as refused:
                await worker.submit(name, 1, encode(reply), 0)
            assert refused.value.code == "EEXIST"
            assert [len(job.slices[1].results), len(job.slices[1].refused)] == [1, 3]
            with pytest.raises(RemoteError):
                await worker.connection.request("requestWork", {})
            assert network.faults == ["there is no operation requestWork"]

    run(test)


@of_all_kinds
def test_a_request_of_another_shape_is_a_fault(kind: str, dialect: int) -> None:
    async def test() -> None:
        async with both(kind, dialect) as (network, worker):
            await worker.request_task(fetchState=True, minimumWage={"CPU": 0, "GPU": 0, "in": 0}, more=1)
            name = "requestTask" if dialect == 4 else "requestTask@3"
            expected = ["data.more is unknown", "data.minimumWage.out is missing", "data.fetchState is True"]
            assert {f"{name}: {problem}" for problem in expected} <= set(network.faults)

    run(test)


@of_all_kinds
def test_returned_slices_are_handed_out_again(kind: str, dialect: int) -> None:
    async def test() -> None:
        async with both(kind, dialect, task_size=2) as (network, worker):
            job = network.add(Job(work="", data=[1, 2, 3]))
            reply = await worker.request_task()
            ((name, slices),) = reply.pop("body")["task"].items()
            assert [one["sliceNumber"] for one in slices] == [1, 2]
            await worker.tell(name, 2, encode(reply), status="return", isEstimationSlice=False, reason="tired")
            job.hand_out_again(1)
            again = await worker.request_task()
            assert again["auth"]["authSlices"] == {name: [1, 2]}
            assert len(job.slices[1].holders) == 2
            assert [told.data["reason"] for told in job.slices[2].returns] == ["tired"]
            assert network.faults == []

    run(test)


@pytest.mark.parametrize("kind", ["5.6.1", "ours"])
def test_a_worker_that_starts_again_has_no_slices_in_dialect_5(kind: str) -> None:
    async def test() -> None:
        async with both(kind, 5) as (network, worker):
            job = network.add(Job(work="", data=[1, 2]))
            await worker.request_task()
            assert not job.waiting
            await worker.connection.request(
                "requestTask@3",
                {"paymentAddress": "0x" + "2" * 40, "fetchState": 16, "returnAllSlices": worker.sealed()},
            )
            assert len(job.waiting) == 2
            async with SmallWorker(network.door.location, 5, "a") as impostor:
                await worker.request_task()
                await worker.request_task(returnAllSlices=impostor.sealed())
            assert network.faults == ["returnAllSlices is signed by another than the request"]

    run(test)


@of_all_kinds
def test_commands_reach_those_who_have_subscribed(kind: str, dialect: int) -> None:
    async def test() -> None:
        async with both(kind, dialect) as (network, worker):
            labels = ["schedmsg::broadcast", "schedmsg::command"]
            if dialect == 4:
                for label in labels:
                    await worker.connection.request("subscribe", {"label": label, "options": {}})
            else:
                reply = await worker.connection.request("subscribeMany", {"schedmsgEvents": labels, "options": {}})
                assert [pair["event"] for pair in reply["tokens"]] == labels
            assert await network.command("announce", {"message": "hello"}) == ["success"]
            (event,) = worker.events
            assert event == {
                "eventName": "schedmsg::broadcast", "command": "announce", "payload": {"message": "hello"}
            }  # fmt: skip
            assert network.faults == []

    run(test)


@of_all_kinds
def test_a_cut_network_and_slow_answers_lose_nothing(kind: str, dialect: int) -> None:
    async def test() -> None:
        async with stand_in(kind, by_relay=True) as network:
            job = network.add(Job(work="", data=list(range(20))))
            network.delays["result"] = 0.05
            async with SmallWorker(network.relay.location, dialect) as worker:
                work = asyncio.create_task(worker.work(lambda x: x))
                for left in (16, 8):
                    await network.until(lambda left=left: job.missing <= left)
                    network.relay.cut()
                assert await work == 20
            network.assert_one_result_each()
            assert network.faults == []

    run(test)
