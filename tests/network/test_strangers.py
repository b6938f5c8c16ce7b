"""Nobody sees or answers what was not handed to him, and results are for the owner of their job alone."""

from __future__ import annotations

import urllib.error
import urllib.request
from asyncio import to_thread
from pathlib import Path

import pytest
from strangers import PUBLIC, deployed, peer, refusal, submission, taken, worker

from dcp_protocol.canonical_json import encode
from dcp_protocol.errors import RemoteError
from dcp_protocol.keys.private_key import PrivateKey
from dcp_scheduler.administration.office import Office
from dcp_scheduler.administration.operations import OPERATIONS, perform
from dcp_scheduler.ledger import ledger
from dcp_scheduler.server.server import Server
from dcp_scheduler.store.amount import ATTO

pytestmark = pytest.mark.any_engine


def test_a_job_is_its_owners_alone(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with Server(tmp_path) as server, peer(server) as owner, peer(server) as stranger, worker(server) as ours:
            job = await deployed(owner)
            (number,) = {number for _, number in (await taken(ours))[0]} & {1}
            asked = [
                ("fetchResult", {"job": job}), ("fetchJobReport", {"job": job}), ("fetchSliceReport", {"job": job}),
                ("listJobs", {"job": job}), ("cancelJob", {"job": job}), ("closeJob", {"job": job}),
                ("addSliceData", {"job": job, "dataValues": [1]}),
                ("subscribeMany", {"reliableEvents": ["result", "stop"], "options": {"filter": {"job": job}}}),
                ("addJobToGroups", {"job": job, "cgArray": [PUBLIC]}),
            ]  # fmt: skip
            assert {await refusal(stranger, *each) for each in asked} == {"ENOENT"}
            assert await stranger.request("listJobs", {}) == []
            assert await refusal(stranger, "submit@5", submission(job=job)) == "EEXIST"
            assert await stranger.request("cancelAllJobs", {}) == {"jobs": []}
            report = await owner.request("fetchJobReport", {"job": job})
            assert (report["status"], report["totalSlices"], number) == ("estimation", 3, 1)

    run(main())


def test_a_worker_answers_for_its_own_slices_alone(run, tmp_path: Path) -> None:
    key = PrivateKey.generate()

    async def main() -> None:
        async with (
            Server(tmp_path) as server,
            peer(server, key) as owner,
            worker(server) as honest,
            worker(server, "b") as thief,
        ):
            await server.database.write(lambda each: ledger.deposit(each, str(key.address), 10 * ATTO))
            told = submission(3, absoluteSlicePayment=1, paymentAccount=str(key.address))
            await owner.request("submit@5", told, authorize=[key])
            await owner.request("addJobToGroups", {"job": told["job"], "cgArray": [PUBLIC]})
            slices, proof = await taken(honest)
            assert slices
            thief.id = honest.id  # it knows that one's id, and what the scheduler has signed for it
            for job, number in slices:
                with pytest.raises(RemoteError) as refused:
                    await thief.submit(job, number, proof, "false")
                assert refused.value.code == "EPERM"
                await thief.tell(job, number, proof, status="return", reason="ENOPROGRESS")
                event = {"worker": honest.id, "job": job, "slice": number, "eventName": "console", "payload": {}}
                assert await thief.connection.request("workEmit", event) is False
            assert await refusal(thief.connection, "requestTask@3", {"returnAllSlices": honest.sealed()}) == "EPERM"
            assert (await taken(thief, fetchState=4, targetLoad={"cpu": 0}))[0] == []  # "I hold nothing any more"
            assert await server.database.read(_out) == len(slices)
            for job, number in slices:
                paid = [(await honest.submit(job, number, proof, 7))["slicePaymentAmount"] for _ in range(2)]
                assert paid == ["1", "0"]
            fetched = await owner.request("fetchResult", {"job": told["job"]})
            assert [each["slice"] for each in fetched] == [number for _, number in slices]
            assert all("false" not in each["value"] for each in fetched)
            assert (await perform(Office(server.database), "audit", {}))["wrong"] == []

    run(main())


def _out(connection) -> int:  # type: ignore[no-untyped-def]
    return int(connection.exec_driver_sql("SELECT count(*) FROM hand_outs").scalar())


def test_no_slices_without_the_secret_of_their_group(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with Server(tmp_path) as server, peer(server) as owner, worker(server) as stranger:
            office = Office(server.database)
            made = await perform(office, "group.create", {"joinKey": "lab", "joinHash": f"eh1-{'a' * 64}"})
            told = submission()
            await owner.request("submit@5", told)
            await server.database.write(lambda each: each.connection.exec_driver_sql(
                "INSERT INTO job_groups SELECT jobs.number, groups.number FROM jobs, groups WHERE join_key = 'lab'"
            ) and None)  # fmt: skip
            for proof in (
                "",
                f"eh1-{'a' * 64}",
                f"eh1-{'0' * 64}",
            ):  # the hash itself proves nothing: it is no session's
                joined = [{"joinKey": name, "joinHashHash": proof} for name in ("lab", made["id"], "public")]
                asked = {"workerComputeGroups": joined, "jobIds": [told["job"]]}
                assert (await taken(stranger, **asked))[0] == []
            alone = submission(localExec=True, marshaledDataValues={"0": "file:///x", "length": 1})
            await owner.request("submit@5", alone)
            assert (await taken(stranger, jobIds=[alone["job"]]))[0] == []  # that is done by its owner

    run(main())


def test_money_moves_by_its_own_key_alone(run, tmp_path: Path) -> None:
    key = PrivateKey.generate()
    rich = str(key.address)

    async def main() -> None:
        async with Server(tmp_path) as server, peer(server) as thief:
            await server.database.write(lambda each: ledger.deposit(each, rich, 10 * ATTO))
            own = str(thief.address)
            move = {"fromAccount": rich, "toAccount": own, "amount": "1"}
            asked = [
                ("viewAccount", {"address": rich}), ("viewAccounts", {"addresses": [rich]}),
                ("transferCredits", move), ("transfer@1", move),
                ("transferCredits", {**move, "fromAccount": ledger.ISSUER}),
                ("submit@5", submission(absoluteSlicePayment=1, paymentAccount=rich)),
            ]  # fmt: skip
            assert {await refusal(thief, *each) for each in asked} == {"EPERM"}
            back = {"fromAccount": own, "toAccount": rich, "amount": "1"}
            assert await refusal(thief, "transferCredits", back) == "ENOFUNDS"
            assert await refusal(thief, "transferCredits", {**back, "amount": -1}) == "EINVAL"
            assert await server.database.read(lambda each: ledger.balance(each, rich)) == 10 * ATTO

    run(main())


def test_the_operators_commands_are_not_on_the_network(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with Server(tmp_path) as server, peer(server) as stranger:
            assert {await refusal(stranger, name, {"address": "0x" + "8" * 40}) for name in OPERATIONS} == {"ENOSYS"}
            for path in ("metrics", "deposit", "audit", "dcp/metrics", "control"):
                assert await to_thread(_status, f"{server.location}{path}") == 404
                assert await to_thread(_status, f"{server.location}{path}", b"{}") == 404

    run(main())


def _status(url: str, body: bytes | None = None) -> int:
    try:
        with urllib.request.urlopen(url, body) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_what_is_no_request_hurts_nobody(run, tmp_path: Path) -> None:
    """Members of all kinds: each is answered with an error that has a code, and the scheduler goes on."""
    wrong: list[object] = [None, 7, "x", [], {}, {"job": 7}, {"job": "\0"}, {"job": ["a"]}, {"job": {"a": 1}}]

    async def main() -> None:
        async with Server(tmp_path) as server, peer(server) as stranger:
            operations = (
                "submit@2", "submit@5", "addSliceData", "closeJob", "cancelJob", "requestTask", "requestTask@3",
                "status", "result", "workEmit", "subscribeMany", "fetchResult", "addJobToGroups", "createGroup",
                "transferCredits",
            )  # fmt: skip
            for operation in operations:
                for data in wrong:
                    assert await refusal(stranger, operation, data) in ("", "EINVAL", "ENOENT", "E2BIG", "EKVIN")
            assert await refusal(stranger, "no such thing", encode(1).decode()) == "ENOSYS"

    run(main())
