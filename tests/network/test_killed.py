"""A scheduler that is killed in the middle of jobs: another begins with what is on disk, and nothing is lost or paid
twice.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from clients import client
from schedulers import database_url, scheduler
from sqlalchemy import select

from dcp_protocol.keys.private_key import PrivateKey
from dcp_scheduler.ledger import ledger
from dcp_scheduler.store.amount import ATTO
from dcp_scheduler.store.database import Database
from dcp_scheduler.store.schema import jobs, slices, transfers
from scheduler_stand_in.workers import own_program, running

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(300)]

_SLICES = 300


@pytest.mark.parametrize("version", ["4.4.29", "5.6.1"])
def test_each_slice_has_one_result_and_one_payment(run, tmp_path: Path, version: str) -> None:
    key = PrivateKey.generate()
    group, options = {"4.4.29": ("dcp", ("--dialect", "4")), "5.6.1": ("dcp5", ("--dialect", "5"))}[version]
    work = "async (x) => { progress(); await new Promise((done) => setTimeout(done, 20)); return 2 * x; }"

    async def main() -> None:
        folder = tmp_path / "scheduler"
        database = Database(database_url(folder), folder / "contents")
        await database.write(lambda transaction: ledger.deposit(transaction, str(key.address), 1000 * ATTO))
        database.close()
        async with AsyncExitStack() as stack:
            network = await stack.enter_async_context(scheduler(folder))
            worker = running(own_program(group), tmp_path, network, options)  # type: ignore[arg-type]
            await stack.enter_async_context(worker)
            job = {"range": [1, _SLICES], "work": work, "price": 0.5, "accountKey": f"0x{key.secret().hex()}"}
            program = await stack.enter_async_context(client(version, network.location, tmp_path / "home", **job))
            for _ in range(3):
                await program.until("result")
                await asyncio.sleep(0.7)
                await network.kill()
                await network.start()
            assert (await program.end())["results"] == [2 * x for x in range(1, _SLICES + 1)]
        database = Database(database_url(folder), folder / "contents")
        assert await database.read(ledger.imbalance) == {}
        paid = select(transfers.c.slice).where(transfers.c.kind == "payment")
        assert sorted(await database.read(lambda each: each.execute(paid).scalars().all())) == list(
            range(1, _SLICES + 1)
        )
        done = select(slices.c.number).where(slices.c.status == "done")
        assert len(await database.read(lambda each: each.execute(done).scalars().all())) == _SLICES
        assert await database.read(lambda each: each.execute(select(jobs.c.status)).scalars().all()) == ["finished"]
        left = await database.read(lambda each: ledger.balance(each, str(key.address)))
        assert left == 1000 * ATTO - _SLICES * ATTO // 2
        database.close()

    run(main())
