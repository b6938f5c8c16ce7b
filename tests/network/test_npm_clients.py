"""npm's dcp-client, unmodified, deploys jobs to a network of one's own, and our workers do them."""

from __future__ import annotations

from pathlib import Path

import pytest
from clients import client
from networks import network

from dcp_protocol.keys.hashes import eh1
from dcp_protocol.keys.private_key import PrivateKey
from dcp_scheduler.groups import groups
from dcp_scheduler.ledger import ledger
from dcp_scheduler.store.amount import ATTO
from scheduler_stand_in.workers import own_program, running

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(240)]

VERSIONS = pytest.mark.parametrize("version", ["4.4.29", "5.6.1"])
DIALECT = {"4.4.29": ("dcp", ("--dialect", "4")), "5.6.1": ("dcp5", ("--dialect", "5"))}
PAYEE = "0x" + "2" * 40


def workers_of(version: str) -> dict[str, object]:
    group, options = DIALECT[version]
    return {"group": group, "options": options}


@VERSIONS
def test_values_of_all_kinds_come_back(run, tmp_path: Path, version: str) -> None:
    values = [1, "two", "data:,no URI", {"x": [None, True]}, "é%🙂", 1e300, []]

    async def main() -> None:
        async with network(tmp_path, **workers_of(version)) as server:  # type: ignore[arg-type]
            work = "(x) => { progress(); return x; }"
            async with client(version, server.location, tmp_path / "home", values=values, work=work) as program:
                assert await program.end() == {"event": "done", "results": values}
                assert sorted(event["slice"] for event in program.heard("result")) == list(range(1, len(values) + 1))

    run(main())


@VERSIONS
def test_a_range_with_arguments_console_and_events(run, tmp_path: Path, version: str) -> None:
    work = """(x, factor) => {
      progress(0.5);
      console.log("slice of", x);
      work.emit("spoke", { x });
      return x * factor;
    }"""

    async def main() -> None:
        async with network(tmp_path, **workers_of(version)) as server:  # type: ignore[arg-type]
            job = {"range": [1, 12], "work": work, "arguments": [3], "listen": ["console", "status"]}
            async with client(version, server.location, tmp_path / "home", **job) as program:
                assert await program.end() == {"event": "done", "results": [3 * x for x in range(1, 13)]}
                assert sorted(event["message"][1] for event in program.heard("console")) == list(range(1, 13))
                assert sorted(event["data"]["x"] for event in program.heard("custom")) == list(range(1, 13))
                assert program.heard("status")[-1]["status"] == "finished"

    run(main())


@VERSIONS
def test_a_job_without_slices_is_done(run, tmp_path: Path, version: str) -> None:
    async def main() -> None:
        async with (
            network(tmp_path, workers=0) as server,
            client(version, server.location, tmp_path / "home", values=[], work="(x) => x") as program,
        ):
            assert await program.end() == {"event": "done", "results": []}

    run(main())


@VERSIONS
def test_a_cancelled_job_fails_with_its_reason(run, tmp_path: Path, version: str) -> None:
    work = "async (x) => { progress(); await new Promise((done) => setTimeout(done, 200)); return x; }"

    async def main() -> None:
        async with network(tmp_path, **workers_of(version)) as server:  # type: ignore[arg-type]
            job = {"range": [1, 10_000], "work": work, "cancelAfter": 1}
            async with client(version, server.location, tmp_path / "home", **job) as program:
                ended = await program.end()
                assert ended["event"] == "failed"
                assert "enough" in ended["message"]

    run(main())


@VERSIONS
def test_groups_keep_jobs_to_their_workers(run, tmp_path: Path, version: str) -> None:
    """The worker knows one group's secret: of the client's two jobs it does one; a wrong secret is told at once."""
    ours = {"joinKey": "lab", "joinSecret": "known"}

    async def main() -> None:
        group, options = DIALECT[version]
        options = (*options, "-g", "lab,known")
        async with network(tmp_path, workers=0) as server:
            about = {"joinKey": "lab", "joinHash": eh1("lab known")}
            await server.database.write(lambda each: _create(each, about))
            job = {"range": [1, 3], "work": "(x) => { progress(); return x; }"}
            wrong = {"groups": [{"joinKey": "lab", "joinSecret": "guessed"}], **job}
            async with client(version, server.location, tmp_path / "home", **wrong) as program:
                ended = await program.end()
                assert (ended["event"], ended["code"]) == ("failed", "DCPL-1100"), ended
            right = {"groups": [ours], **job}
            async with client(version, server.location, tmp_path / "home", **right) as program:
                await program.until("accepted")
                async with running(own_program(group), tmp_path, server, options):  # type: ignore[arg-type]
                    assert await program.end() == {"event": "done", "results": [1, 2, 3]}

    run(main())


def _create(transaction, about) -> str:  # type: ignore[no-untyped-def]
    return groups.create(transaction, "0x" + "9" * 40, about, {"name": "lab"})


@VERSIONS
def test_slices_are_paid_once_and_what_is_left_comes_back(run, tmp_path: Path, version: str) -> None:
    key = PrivateKey.generate()
    payer = str(key.address)

    async def main() -> None:
        async with network(tmp_path, **workers_of(version)) as server:  # type: ignore[arg-type]
            await server.database.write(lambda transaction: ledger.deposit(transaction, payer, 10 * ATTO))
            job = {"range": [1, 8], "work": "(x) => { progress(); return x; }", "price": 0.25}
            account = f"0x{key.secret().hex()}"
            async with client(version, server.location, tmp_path / "home", accountKey=account, **job) as program:
                assert (await program.end())["results"] == list(range(1, 9))
            assert await server.database.read(lambda each: ledger.balance(each, payer)) == 8 * ATTO
            assert await server.database.read(lambda each: ledger.balance(each, PAYEE)) == 2 * ATTO
            assert await server.database.read(ledger.imbalance) == {}

    run(main())


@VERSIONS
def test_an_account_without_funds_is_told(run, tmp_path: Path, version: str) -> None:
    async def main() -> None:
        async with network(tmp_path, **workers_of(version)) as server:  # type: ignore[arg-type]
            job = {"range": [1, 8], "work": "(x) => { progress(); return x; }", "price": 0.25}
            async with client(version, server.location, tmp_path / "home", **job) as program:
                ended = await program.end()
                assert (ended["event"], ended["code"]) == ("failed", "ENOFUNDS"), ended

    run(main())
