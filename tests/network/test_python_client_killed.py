"""A scheduler that is killed while Python deploys a job to it, and while it waits: it goes on with the next one."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from schedulers import database_url, scheduler
from sqlalchemy import select

import dcp_evaluator as dcp
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.wallet.files import save
from dcp_protocol.wallet.keystore import Keystore
from dcp_scheduler.ledger import ledger
from dcp_scheduler.store.amount import ATTO
from dcp_scheduler.store.database import Database
from dcp_scheduler.store.schema import transfers
from scheduler_stand_in.workers import own_program, running

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(300), pytest.mark.long_network]

SLICES = 200
WORK = "async (x) => { await new Promise((done) => setTimeout(done, 10)); return 2 * x; }"


def slowly() -> Iterator[int]:
    """Data are still on their way when the first results come."""
    for number in range(SLICES):
        time.sleep(0.01)
        yield number


def test_each_slice_goes_once_has_one_result_and_one_payment(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DCP_RESOURCE_DIR", str(tmp_path / "wallet"))
    key, path, folder = PrivateKey.generate(), tmp_path / "account.keystore", tmp_path / "scheduler"
    save(Keystore.create(key, ""), path)
    heard: Counter[int] = Counter()

    async def main() -> None:
        database = Database(database_url(folder), folder / "contents")
        await database.write(lambda transaction: ledger.deposit(transaction, str(key.address), 1000 * ATTO))
        database.close()
        arrived = asyncio.Event()
        loop = asyncio.get_running_loop()
        job = dcp.compute_for(slowly(), WORK)
        job.on("result", lambda event: (heard.update([event.index]), loop.call_soon_threadsafe(arrived.set)))
        async with scheduler(folder) as network, running(own_program(), tmp_path, network):  # type: ignore[arg-type]
            results = await asyncio.to_thread(job.exec, network.location, account=path, price=0.5)
            for _ in range(3):
                arrived.clear()
                await arrived.wait()
                await network.kill()
                await network.start()
            assert await results == [2 * x for x in range(SLICES)]
        assert heard == Counter(range(SLICES))
        database = Database(database_url(folder), folder / "contents")
        paid = select(transfers.c.slice).where(transfers.c.kind == "payment")
        numbers = await database.read(lambda each: each.execute(paid).scalars().all())
        assert sorted(numbers) == list(range(1, SLICES + 1))
        assert await database.read(ledger.imbalance) == {}
        database.close()

    run(main())
