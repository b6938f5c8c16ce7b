"""``dcp-scheduler`` as an operator starts it, with jobs in its database that were there before."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import select

from dcp_protocol.keys.hashes import eh1
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.uris.percent import encode_uri
from dcp_scheduler.groups.groups import PUBLIC_KEY, add_job, create, ensure_public
from dcp_scheduler.jobs import deployment
from dcp_scheduler.ledger import ledger
from dcp_scheduler.model.submission import Offer, Submission, Worktime
from dcp_scheduler.store.amount import ATTO
from dcp_scheduler.store.database import Database
from dcp_scheduler.store.schema import jobs
from dcp_scheduler.store.transaction import Transaction
from ports import free_port
from process_tree import cpu_seconds

SECRET = "known"
"""Of all groups but the public one."""
COMMAND = Path(sys.executable).with_name("dcp-scheduler")
_PRICE = ATTO // 1000
_OWNER = str(PrivateKey.generate().address)
_WORK = "(x) => { progress(); return 2 * x; }"


@dataclass
class Scheduler:
    """``location``: what clients and workers are told. Its database is read beside it."""

    location: str
    pid: int
    database: Database

    @property
    def cpu(self) -> float:
        """Seconds."""
        return cpu_seconds(self.pid)

    @property
    def memory(self) -> float:
        """Of its own, MiB."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) / 1024

    async def done(self) -> list[int]:
        """Of each job, slices that have their results and are paid."""
        query = select(jobs.c.done)
        return list(await self.database.read(lambda connection: connection.execute(query).scalars().all()))

    async def rate(self, first: int, last: int, cpu: Callable[[], float] = lambda: 0.0) -> tuple[float, float, float]:
        """Slices a second from when each job has ``first`` until one has ``last``; milliseconds of CPU for a slice, of
        the scheduler and by ``cpu``.
        """
        begun = sum(await self._until(lambda done: min(done) >= first))
        before, own, others = time.perf_counter(), self.cpu, cpu()
        slices = sum(await self._until(lambda done: max(done) >= last)) - begun
        milliseconds = [1000 * (now - then) / slices for now, then in ((self.cpu, own), (cpu(), others))]
        return slices / (time.perf_counter() - before), milliseconds[0], milliseconds[1]

    async def _until(self, condition: Callable[[list[int]], bool]) -> list[int]:
        async with asyncio.timeout(90):
            while not condition(done := await self.done()):
                await asyncio.sleep(0.05)
        return done


@asynccontextmanager
async def scheduler(folder: Path, *, slices: int = 0, groups: Sequence[str] = (PUBLIC_KEY,)
) -> AsyncIterator[Scheduler]:  # fmt: skip
    """``slices``: of a job in each of the groups, which pays for them."""
    folder.mkdir(parents=True, exist_ok=True)
    url = f"sqlite:///{folder / 'scheduler.db'}"
    database = await asyncio.to_thread(Database, url, folder / "contents")
    try:
        for group in groups if slices else ():
            await database.write(partial(_deploy, slices=slices, group=group))
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            COMMAND, "--listen", str(port), "--state", folder, "--database", url,
            stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            assert process.stderr
            async with asyncio.timeout(30):
                assert b"a network at" in await process.stderr.readline()
            yield Scheduler(f"http://127.0.0.1:{port}/", process.pid, database)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.communicate()
    finally:
        await asyncio.to_thread(database.close)


def _deploy(transaction: Transaction, slices: int, group: str) -> None:
    ledger.deposit(transaction, _OWNER, slices * _PRICE)
    ensure_public(transaction)
    joined = eh1(f"{group} {SECRET}")
    if group != PUBLIC_KEY:
        create(transaction, _OWNER, {"joinKey": group, "joinHash": joined}, {})
    job = deployment.submit(
        transaction,
        Submission(
            id=PrivateKey.generate().secret().hex()[:22], dialect=5, owner=_OWNER, payer=_OWNER,
            code=f"data:,{encode_uri(_WORK)}", arguments=[], worktime=Worktime("map-basic", "^1.0.0"),
            offer=Offer(absolute=_PRICE), sends_console=False,
            inputs={"start": 1, "end": slices, "step": 1}, slices=slices,
        ),
    )  # fmt: skip
    assert add_job(transaction, job.number, [{"joinKey": group, "joinHashHash": eh1(joined)}], session="") == 1


async def check_ledger(of: Scheduler) -> None:
    """No speed is worth a wrong one."""
    assert await of.database.read(ledger.imbalance) == {}
