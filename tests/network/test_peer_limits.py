"""Whoever wants too much is refused or slowed, in words that npm's clients show; others go on."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from clients import client
from hypothesis import given
from hypothesis import strategies as st
from strangers import deployed, peer, refusal, submission, taken, worker

from dcp_protocol import IncomingRequest, kvin
from dcp_protocol.errors import ConnectionEndedError
from dcp_protocol.keys.private_key import PrivateKey
from dcp_scheduler.administration.office import Office
from dcp_scheduler.administration.operations import perform
from dcp_scheduler.commands.limits_file import read_limits
from dcp_scheduler.errors import RefusedError, SchedulerError
from dcp_scheduler.jobs import workers
from dcp_scheduler.model.limits import Limits
from dcp_scheduler.model.pace import Pace
from dcp_scheduler.server.server import Server
from dcp_scheduler.services.admission import LONGEST_WAIT, Admission

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(240)]

_DOCUMENT = Path(__file__).parents[2] / "docs" / "network.md"


@pytest.mark.parametrize("version", ["4.4.29", "5.6.1"])
def test_npm_clients_tell_their_users(run, tmp_path: Path, version: str) -> None:
    async def main() -> None:
        async with (
            Server(tmp_path / "scheduler", limits=Limits(deployed_bytes_per_identity=10)) as server,
            client(version, server.location, tmp_path / "home", range=[1, 3], work="(x) => x") as program,
        ):
            ended = await program.end()
            assert (ended["event"], ended["code"]) == ("failed", "EDQUOT"), ended
            assert "more than 10 bytes that are deployed; wait until some jobs are over" in ended["message"]

    run(main())


def test_jobs_of_one_identity_account_or_address(run, tmp_path: Path) -> None:
    key = PrivateKey.generate()
    limits = Limits(open_jobs_per_identity=2, open_jobs_per_account=1, open_jobs_per_address=3, own_machine=True)

    async def main() -> None:
        async with Server(tmp_path, limits=limits) as server, peer(server, key) as first, peer(server) as second:
            paid = {"absoluteSlicePayment": 1, "paymentAccount": str(key.address)}
            told = submission(**paid)
            await first.request("submit@5", told, authorize=[key])
            await first.request("submit@5", told, authorize=[key])  # the same again
            with pytest.raises(Exception, match="this account would have more than 1 jobs"):
                await first.request("submit@5", submission(**paid), authorize=[key])
            job = await deployed(first)
            assert await refusal(first, "submit@5", submission()) == "EDQUOT"
            await deployed(second)
            assert await refusal(second, "submit@5", submission()) == "EDQUOT"  # by its address
            await first.request("cancelJob", {"job": job})
            await deployed(second)

    run(main())


def test_data_of_one_identity(run, tmp_path: Path) -> None:
    limits = Limits(values_per_identity=5, deployed_bytes_per_identity=20_000)

    async def main() -> None:
        async with Server(tmp_path, limits=limits) as server, peer(server) as owner:
            jobs = [await deployed(owner, None) for _ in range(2)]
            await owner.request("addSliceData", _data(jobs[0], [1, 2, 3]))
            assert await refusal(owner, "addSliceData", _data(jobs[1], [1, 2, 3])) == "EDQUOT"
            await owner.request("addSliceData", _data(jobs[1], [1, 2]))
            assert await refusal(owner, "addSliceData", _data(jobs[1], ["x" * 20_000])) == "EDQUOT"
            report = await owner.request("fetchJobReport", {"job": jobs[1]})
            assert report["totalSlices"] == 2

    run(main())


def _data(job: str, values: list[Any]) -> dict[str, Any]:
    return {"job": job, "dataValues": kvin.marshal(values, 9)}


def test_who_asks_for_too_much_is_refused_and_others_are_not(run, tmp_path: Path) -> None:
    limits = Limits(bytes_per_second_per_identity=100)

    async def main() -> None:
        async with Server(tmp_path, limits=limits) as server, peer(server) as greedy, peer(server) as other:
            assert await refusal(greedy, "countJobs", {"x": "x" * 3000}) == "EBUSY"
            assert await refusal(greedy, "countJobs", {}) == ""
            assert await refusal(other, "countJobs", {}) == ""

    run(main())


def test_groups_of_one_identity(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with Server(tmp_path, limits=Limits(groups_per_identity=1)) as server, peer(server) as owner:
            told = [{"joinDescriptor": {"joinKey": name, "joinHash": "eh1-0"}} for name in "ab"]
            await owner.request("createGroup", told[0])
            assert await refusal(owner, "createGroup", told[1]) == "EDQUOT"
            await owner.request("deleteGroup", {"descriptor": {"joinKey": "a"}})
            await owner.request("createGroup", told[1])

    run(main())


def test_workers_are_forgotten(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with Server(tmp_path) as server, worker(server) as first:
            for name in ("old", "b", "c"):
                first.id = name
                await first.request_task()
            asked = server.database
            await asked.write(lambda each: each.connection.exec_driver_sql(
                "UPDATE workers SET seen = seen - 2700000 WHERE id = 'old'"
            ) and None)  # fmt: skip
            for most, left in ((10, ["b", "c"]), (1, ["c"])):
                monkeypatch.setattr(workers, "MOST", most)
                await asked.write(workers.forget)
                found = await perform(Office(asked), "worker.list", {})
                assert sorted(each["worker"] for each in found) == left

    run(main())


def test_sessions_of_one_identity(run, tmp_path: Path) -> None:
    key = PrivateKey.generate()

    async def main() -> None:
        async with Server(tmp_path, limits=Limits(sessions_per_identity=2)) as server, peer(server, key) as first:
            async with peer(server, key):
                with pytest.raises(ConnectionEndedError):
                    async with peer(server, key, seconds=1.0):
                        pass
                async with peer(server) as other:
                    assert await refusal(other, "countJobs", {}) == ""
            async with peer(server, key) as again:
                assert await refusal(again, "countJobs", {}) == await refusal(first, "countJobs", {}) == ""

    run(main())


def test_connections_of_one_address(run, tmp_path: Path) -> None:
    async def main() -> None:
        limits = Limits(connections_per_address=1, own_machine=True)
        async with Server(tmp_path, limits=limits) as server:
            port = int(server.location.rpartition(":")[2].strip("/"))
            for _ in range(2):  # the place is free again
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                others, other = await asyncio.open_connection("127.0.0.1", port)
                assert await others.read() == b""
                writer.write(b"GET /etc/dcp-config.kvin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert (await reader.read()).startswith(b"HTTP/1.1 200")
                for each in (writer, other):
                    each.close()
                    await each.wait_closed()

    run(main())


def test_events_of_a_job_and_of_a_slow_client(run, tmp_path: Path) -> None:
    """Who takes no events holds nobody up; beyond the limit they are dropped, and counted."""
    limits = Limits(events_waiting_per_client=2, events_per_job=5, event_bytes=1000)

    async def main() -> None:
        heard: list[Any] = []
        never = asyncio.Event()

        async def deaf(request: IncomingRequest) -> str:
            heard.append(request.data)
            await never.wait()
            return "success"

        async with Server(tmp_path, limits=limits) as server, peer(server) as owner, worker(server) as ours:
            owner.on_request(deaf)
            job = await deployed(owner)
            await owner.request("subscribeMany", {"optionalEvents": ["console"], "options": {"filter": {"job": job}}})
            slices, _ = await taken(ours)
            event = {"worker": ours.id, "job": job, "slice": slices[0][1], "eventName": "console"}
            for size in (2000, 1, 1, 1, 1, 1, 1, 1):
                assert await ours.connection.request("workEmit", {**event, "payload": {"message": "x" * size}}) is True
            counted = server.network.counters.registry
            outcomes = {
                name: counted.get_sample_value("dcp_scheduler_events_total", {"outcome": name})
                for name in ("told", "dropped")
            }
            assert outcomes == {"told": 2.0, "dropped": 6.0}
            assert await refusal(owner, "countJobs", {}) == ""

    run(main())


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 50)), max_size=50))
def test_nobody_has_more_than_its_rate(asked: list[tuple[float, int]]) -> None:
    pace, now, spent = Pace(rate=10, burst=2), 0.0, 0.0
    for after, tokens in asked:
        now += after
        wait = pace.wait("a", tokens, now)
        spent += tokens
        assert spent <= 20 + 10 * (now + wait) + 1e-6
    assert pace.wait("b", 20, now) == 0.0


def test_who_would_wait_too_long_is_refused_and_owes_nothing() -> None:
    admission = Admission(Limits(requests_per_second_per_identity=1))
    waits = [admission.wait("0xa", "127.0.0.1", 1, 0.0) for _ in range(20)]
    assert waits[:10] == [0.0] * 10
    assert waits[-1] == LONGEST_WAIT
    for _ in range(5):
        with pytest.raises(RefusedError, match="asks for too much"):
            admission.wait("0xa", "127.0.0.1", 1, 0.0)
    assert admission.wait("0xa", "127.0.0.1", 1, 1.0) == LONGEST_WAIT
    assert admission.wait("0xb", "127.0.0.1", 1, 0.0) == 0.0


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("127.0.0.1", None), ("::1", None), ("::ffff:127.0.0.1", None), ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80::/64"),
        ("", None),
    ],
)  # fmt: skip
def test_places(address: str, place: str | None) -> None:
    assert Limits().place(address) == place


def test_a_file_of_limits(tmp_path: Path) -> None:
    file = tmp_path / "limits.toml"
    file.write_text("open_jobs_per_identity = 3\nown_machine = true\n")
    assert read_limits(file) == Limits(open_jobs_per_identity=3, own_machine=True)
    for wrong, told in (
        ("open_jobs = 3", "unknown field `open_jobs`"), ("events_per_job = 0", "events_per_job"), ("x =", "no TOML"),
    ):  # fmt: skip
        file.write_text(wrong)
        with pytest.raises(SchedulerError, match=told):
            read_limits(file)
    with pytest.raises(SchedulerError, match="cannot be read"):
        read_limits(tmp_path / "none")


def test_the_document_has_all_limits_and_their_defaults() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\w ]+) \|", _DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    told = {name: value.replace(" ", "") for name, value in rows}
    defaults = {name: value for name, value in msgspec.structs.asdict(Limits()).items() if name != "own_machine"}
    assert {name: int(told[name]) for name in defaults} == defaults
    assert told["own_machine"] == "false"
