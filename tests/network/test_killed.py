"""A scheduler that is killed in the middle of jobs: another begins with what is on disk, and nothing is lost or paid
twice.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from clients import client
from sqlalchemy import select

from dcp_protocol.keys.private_key import PrivateKey
from dcp_scheduler.ledger import ledger
from dcp_scheduler.store.amount import ATTO
from dcp_scheduler.store.database import Database
from dcp_scheduler.store.schema import jobs, slices, transfers
from ports import free_port
from scheduler_stand_in.workers import own_program, running

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(300)]

_COMMAND = Path(sys.executable).with_name("dcp-scheduler")
_SLICES = 300


@dataclass
class Scheduler:
    """The program, which is killed and started again at the same place."""

    folder: Path
    port: int
    process: asyncio.subprocess.Process | None = None

    @property
    def location(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def start(self) -> None:
        options = ("--listen", str(self.port), "--state", str(self.folder))
        self.process = await asyncio.create_subprocess_exec(
            _COMMAND, *options, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        assert self.process.stderr
        async with asyncio.timeout(60):
            assert b"a network at" in await self.process.stderr.readline()

    async def kill(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        await self.process.communicate()


@asynccontextmanager
async def scheduler(folder: Path) -> AsyncIterator[Scheduler]:
    started = Scheduler(folder, free_port())
    await started.start()
    try:
        yield started
    finally:
        await started.kill()


@pytest.mark.parametrize("version", ["4.4.29", "5.6.1"])
def test_each_slice_has_one_result_and_one_payment(run, tmp_path: Path, version: str) -> None:
    key = PrivateKey.generate()
    group, options = {"4.4.29": ("dcp", ("--dialect", "4")), "5.6.1": ("dcp5", ("--dialect", "5"))}[version]
    work = "async (x) => { progress(); await new Promise((done) => setTimeout(done, 20)); return 2 * x; }"

    async def main() -> None:
        folder = tmp_path / "scheduler"
        database = Database(_url(folder), folder / "contents")
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
        database = Database(_url(folder), folder / "contents")
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


def _url(folder: Path) -> str:
    folder.mkdir(exist_ok=True)
    return f"sqlite:///{folder / 'scheduler.db'}"
