"""``job.exec``: jobs from Python on a network of one's own, which our workers do."""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from networks import network
from sqlalchemy import select

import dcp_evaluator as dcp
from dcp_protocol.keys.hashes import eh1
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.wallet.files import keystore_path, save
from dcp_protocol.wallet.keystore import Keystore
from dcp_scheduler.groups import groups
from dcp_scheduler.jobs import endings
from dcp_scheduler.jobs.records import find
from dcp_scheduler.ledger import ledger
from dcp_scheduler.store.amount import ATTO
from dcp_scheduler.store.schema import jobs
from file_server import file_server
from ports import free_port
from scheduler_stand_in.workers import own_program, running

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(240)]

PAYEE = "0x" + "2" * 40
DOUBLE = "(x) => 2 * x"
SLOW = "async (x) => { progress(); await new Promise((done) => setTimeout(done, 200)); return x; }"


@pytest.fixture(autouse=True)
def wallet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, PrivateKey]:
    """The user's keystores: an identity, and an account."""
    monkeypatch.setenv("DCP_RESOURCE_DIR", str(tmp_path / "wallet"))
    keys = {name: PrivateKey.generate() for name in ("id", "default")}
    for name, key in keys.items():
        save(Keystore.create(key, ""), keystore_path(name))
    return keys


async def deploy(job: dcp.Job, server, **options) -> dcp.Results:  # type: ignore[no-untyped-def]
    """The scheduler is in this event loop, which ``exec`` must not hold up."""
    return await asyncio.to_thread(job.exec, server.location, **options)


async def statuses(server) -> list[tuple[str, str]]:  # type: ignore[no-untyped-def]
    """Status and reason of each job."""
    query = select(jobs.c.status, jobs.c.reason).order_by(jobs.c.number)
    return [
        (row.status, row.reason or "") for row in await server.database.read(lambda each: list(each.execute(query)))
    ]


def test_values_arrays_ranges_and_arguments(run, tmp_path: Path) -> None:
    """Of one network and worker: to start these takes most of the time."""
    values = [None, True, 1, -0.5, 2**60, "data:,no URI", "é%🙂\n", {"x": [None, {"y": ""}]}, [], 1e300]
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    rows = np.arange(24.0).reshape(4, 3, 2)

    async def main() -> None:
        async with network(tmp_path) as server:
            assert await (await deploy(dcp.compute_for(values, "(x) => x"), server)) == values
            kinds = "(x) => (x instanceof Date ? x.getTime() : x)"
            time, octets = await (await deploy(dcp.compute_for([moment, b"\0\xff"], kinds), server))
            assert time == 1000 * moment.timestamp()
            assert octets.tolist() == [0, 255]
            scaled = dcp.compute_for(rows, "(row, by, { add }) => row.map((x) => by * x + add)", 3, add=1)
            results = await deploy(scaled, server)
            assert np.array_equal(np.stack(await results), 3 * rows + 1)
            assert results.job.metrics.slices == 4
            assert await (await deploy(dcp.compute_for(range(10, 40, 3), DOUBLE), server)) == list(range(20, 80, 6))
            assert await (await deploy(dcp.compute_for([], DOUBLE), server)) == []
            lazy = await deploy(dcp.compute_for((x for x in range(300)), DOUBLE), server, keep=False)
            assert [value async for value in lazy] == list(range(0, 600, 2))
            integers = dcp.compute_for(np.array([[1, 2]]), "(row) => row.constructor.name", 1)
            assert await (await deploy(integers, server, integers="number")) == ["Float64Array"]
            assert {status for status, _ in await statuses(server)} == {"finished"}

    run(main())


def test_events_come_and_failures_are_of_their_slices(run, tmp_path: Path) -> None:
    work = """(x) => {
      console.log("slice of", x, { x });
      work.emit("spoke", { x });
      if (x === 2) throw new RangeError("not two");
      if (x === 3) return Promise.resolve(new Map());
      return work.job.public.factor * x;
    }"""
    job = dcp.compute_for([1, 2, 3, object(), 4], work)
    heard: dict[str, list[object]] = {"console": [], "spoke": [], "status": [], "accepted": []}
    for name in ("console", "status", "accepted"):
        job.on(name, heard[name].append)
    job.work.on("spoke", heard["spoke"].append)

    async def main() -> None:
        async with network(tmp_path) as server:
            results = await deploy(job, server, public={"name": "five", "factor": 10})
            await asyncio.to_thread(results.wait)
            assert results.values(default=None) == [10, None, None, None, 40]
            codes = {index: (error.code, error.name) for index, error in results.errors.items()}
            assert codes == {1: ("EWORK", "RangeError"), 2: ("ERESULT", "ResultError"), 3: ("EINPUT", "TypeError")}
            assert results.errors[1].message == "not two"
            assert sorted(event.index for event in heard["console"]) == [0, 1, 2, 4]  # type: ignore[attr-defined]
            assert "slice of 4 {x: 4}" in [event.message for event in heard["console"]]  # type: ignore[attr-defined]
            assert sorted(event.value["x"] for event in heard["spoke"]) == [1, 2, 3, 4]  # type: ignore[attr-defined]
            assert heard["accepted"] == [job]
            assert heard["status"][-1].distributed == 4  # type: ignore[attr-defined]
            names = await server.database.read(lambda each: each.execute(select(jobs.c.name)).scalars().all())
            assert names == ["five"]

    run(main())


def test_cancelled_here_stopped_by_an_error_and_cancelled_there(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with network(tmp_path) as server:
            results = await deploy(dcp.compute_for(range(10_000), SLOW), server)
            assert await anext(aiter(results)) == 0
            await asyncio.to_thread(results.cancel)
            with pytest.raises(dcp.JobCancelledError, match="the job was cancelled"):
                await results
            stops = await deploy(
                dcp.compute_for(range(10_000), "(x) => { throw new Error(x); }"), server, on_error="stop"
            )
            with pytest.raises(dcp.SliceError, match="slice 0: Error: 0"):
                await stops
            slow = await deploy(dcp.compute_for(range(10_000), SLOW), server)
            await anext(aiter(slow))
            await server.database.write(_cancel_last)
            with pytest.raises(dcp.JobCancelledError, match="EOPERATOR: not on a Sunday") as told:
                await slow
            assert told.value.code == "EOPERATOR"
            ended = await statuses(server)
            assert [status for status, _ in ended] == ["cancelled"] * 3
            assert ended[0][1] == ended[1][1] == "cancelled by its owner"

    run(main())


def _cancel_last(transaction) -> None:  # type: ignore[no-untyped-def]
    last = transaction.connection.execute(select(jobs.c.id).order_by(jobs.c.number.desc()).limit(1)).scalar()
    endings.cancel(transaction, find(transaction.connection, last), "EOPERATOR", "not on a Sunday")


def test_groups_keep_jobs_to_their_workers(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with network(tmp_path, workers=0) as server:
            about = {"joinKey": "lab", "joinHash": eh1("lab known")}
            await server.database.write(lambda each: groups.create(each, "0x" + "9" * 40, about, {"name": "lab"}))
            wrong = await deploy(
                dcp.compute_for([1], DOUBLE), server, groups=[{"join_key": "lab", "join_secret": "guessed"}]
            )
            with pytest.raises(dcp.NetworkError, match="no compute group has taken the job") as refused:
                await wrong
            assert refused.value.code == "DCPL-1100"
            right = await deploy(
                dcp.compute_for([1, 2], DOUBLE), server, groups=[{"join_key": "lab", "join_secret": "known"}]
            )
            async with running(own_program(), tmp_path, server, ("-g", "lab,known")):  # type: ignore[arg-type]
                assert await right == [2, 4]
            assert [status for status, _ in await statuses(server)] == ["cancelled", "finished"]

    run(main())


def test_slices_are_paid_by_the_account(run, tmp_path: Path, wallet: dict[str, PrivateKey]) -> None:
    payer = str(wallet["default"].address)

    async def main() -> None:
        async with network(tmp_path) as server:
            await server.database.write(lambda transaction: ledger.deposit(transaction, payer, 3 * ATTO))
            assert await (await deploy(dcp.compute_for(range(8), DOUBLE), server, price=0.25)) == list(range(0, 16, 2))
            assert await server.database.read(lambda each: ledger.balance(each, payer)) == ATTO
            assert await server.database.read(lambda each: ledger.balance(each, PAYEE)) == 2 * ATTO
            path = tmp_path / "poor.keystore"
            save(Keystore.create(PrivateKey.generate(), ""), path)
            poor = await deploy(dcp.compute_for(range(8), DOUBLE), server, price=0.25, account=path)
            with pytest.raises(dcp.JobCancelledError, match="needs a deposit") as told:
                await poor
            assert told.value.code == "ENOFUNDS"
            assert await server.database.read(ledger.imbalance) == {}

    run(main())


PROGRAM = """
import sys
import dcp_evaluator as dcp

job = dcp.compute_for(range(int(sys.argv[2])), sys.argv[3])
job.on("result", lambda event: print(event.value, flush=True))
results = job.exec(sys.argv[1])
if sys.argv[4] == "wait":
    results.wait()
"""


def test_a_program_that_ends_lets_its_job_finish_and_ctrl_c_cancels_it(run, tmp_path: Path) -> None:
    async def start(*arguments: str) -> asyncio.subprocess.Process:
        command = (sys.executable, "-c", PROGRAM, *arguments)
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, start_new_session=True)

    async def main() -> None:
        async with network(tmp_path) as server:
            ends = await start(server.location, "6", DOUBLE, "end")
            output, errors = await ends.communicate()
            assert (ends.returncode, sorted(map(int, output.split())), errors) == (0, list(range(0, 12, 2)), b"")
            waits = await start(server.location, "10000", SLOW, "wait")
            assert waits.stdout
            await waits.stdout.readline()
            waits.send_signal(signal.SIGINT)
            await waits.communicate()
            assert waits.returncode == -signal.SIGINT
            assert [status for status, _ in await statuses(server)] == ["finished", "cancelled"]

    run(main())


def test_what_is_no_scheduler_or_no_keystore_is_told_at_once(run, tmp_path: Path) -> None:
    job = dcp.compute_for([1], DOUBLE)
    with pytest.raises(dcp.NetworkError, match=r"there is no scheduler at .*Connection refused.*dcp-scheduler"):
        job.exec(f"http://127.0.0.1:{free_port()}/")
    with pytest.raises(ValueError, match="is a URL, as http"):
        job.exec("localhost:9800")
    with pytest.raises(ValueError, match="join_secret"):
        job.exec("http://localhost/", groups=[{"join_key": "lab"}])
    with pytest.raises(ValueError, match="price"):
        job.exec("http://localhost/", price=-1)
    with file_server({}) as pages, pytest.raises(dcp.NetworkError, match="status 404; is that the location"):
        job.exec(pages.address)

    async def main() -> None:
        async with network(tmp_path, workers=0) as server:
            with pytest.raises(dcp.NetworkError, match="no keystore 'savings' for the account"):
                await deploy(job, server, price=1, account="savings")

    run(main())
