"""Schedulers that are killed in the middle of jobs: others go on with what is kept; nothing is lost or paid twice."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from balancer import balancer
from clients import Client, client
from schedulers import scheduler
from settled import assert_settled

from dcp_protocol.keys.private_key import PrivateKey
from dcp_scheduler.ledger import ledger
from dcp_scheduler.store.amount import ATTO
from dcp_scheduler.store.database import Database
from ports import free_port
from postgresql import PostgreSQL
from scheduler_stand_in.workers import own_program, running

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(300)]

_SLICES = 300
_DEPOSIT = 1000 * ATTO
_WORK = "async (x) => { progress(); await new Promise((done) => setTimeout(done, 20)); return 2 * x; }"
_DIALECTS = {"4.4.29": ("dcp", ("--dialect", "4")), "5.6.1": ("dcp5", ("--dialect", "5"))}


@pytest.mark.parametrize("version", ["4.4.29", "5.6.1"])
def test_one_process_that_is_killed_and_begins_again(run, tmp_path: Path, version: str) -> None:
    folder, key = tmp_path / "scheduler", PrivateKey.generate()
    folder.mkdir()
    url = f"sqlite:///{folder / 'scheduler.db'}"

    async def main() -> None:
        await _deposit(url, folder, key)
        async with AsyncExitStack() as stack:
            network = await stack.enter_async_context(scheduler(folder))
            program = await _deployed(stack, version, network, tmp_path, key)
            for _ in range(3):
                await program.until("result")
                await asyncio.sleep(0.7)
                await network.kill()
                await network.start()
            assert (await program.end())["results"] == [2 * x for x in range(1, _SLICES + 1)]
        await assert_settled(url, folder, _SLICES, str(key.address), _DEPOSIT - _SLICES * ATTO // 2)

    run(main())


@pytest.mark.parametrize("version", [pytest.param("4.4.29", marks=pytest.mark.long_network), "5.6.1"])
def test_two_processes_of_which_one_or_the_other_is_killed(
    run, tmp_path: Path, postgresql: PostgreSQL, version: str
) -> None:
    """They are behind one address. What was connected to one goes on with the other."""
    folder, key, url = tmp_path / "scheduler", PrivateKey.generate(), postgresql.database()
    folder.mkdir()
    port = free_port()
    options = ("--database", url, "--public", f"http://127.0.0.1:{port}/")

    async def main() -> None:
        await _deposit(url, folder, key)
        async with AsyncExitStack() as stack:
            processes = [await stack.enter_async_context(scheduler(folder, *options)) for _ in range(2)]
            await stack.enter_async_context(balancer(port, [each.port for each in processes]))
            program = await _deployed(stack, version, _Address(port), tmp_path, key)
            for killed in (*processes, processes[0]):
                await program.until("result")
                await asyncio.sleep(0.7)
                await killed.kill()
                await program.until("result")
                await killed.start()
            assert (await program.end())["results"] == [2 * x for x in range(1, _SLICES + 1)]
        await assert_settled(url, folder, _SLICES, str(key.address), _DEPOSIT - _SLICES * ATTO // 2)

    run(main())


class _Address:
    def __init__(self, port: int) -> None:
        self.location = f"http://127.0.0.1:{port}/"


async def _deposit(url: str, folder: Path, key: PrivateKey) -> None:
    database = Database(url, folder / "contents")
    await database.write(lambda transaction: ledger.deposit(transaction, str(key.address), _DEPOSIT))
    database.close()


async def _deployed(stack: AsyncExitStack, version: str, network: Any, home: Path, key: PrivateKey) -> Client:
    """A client whose job one worker does."""
    group, options = _DIALECTS[version]
    await stack.enter_async_context(running(own_program(group), home, network, options))
    job = {"range": [1, _SLICES], "work": _WORK, "price": 0.5, "accountKey": f"0x{key.secret().hex()}"}
    return await stack.enter_async_context(client(version, network.location, home / "home", **job))
