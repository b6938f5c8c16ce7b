"""A backup that is made in the middle of a job is a state with which another scheduler goes on."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
from pathlib import Path

import pytest
from bookkeeping import keep_books, opened
from clients import client
from schedulers import scheduler

from dcp_protocol.keys.private_key import PrivateKey
from dcp_scheduler.administration.backup import back_up
from dcp_scheduler.administration.office import Office
from dcp_scheduler.administration.operations import perform
from dcp_scheduler.errors import SchedulerError
from scheduler_stand_in.workers import own_program, running

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(240)]

_SLICES = 300


def test_a_restored_network_goes_on_with_a_running_job(run, tmp_path: Path) -> None:
    key = PrivateKey.generate()
    work = "async (x) => { progress(); await new Promise((done) => setTimeout(done, 20)); return 2 * x; }"
    job = {"range": [1, _SLICES], "work": work, "price": 0.5, "accountKey": f"0x{key.secret().hex()}"}

    async def main() -> None:
        copy = tmp_path / "copy"
        async with contextlib.AsyncExitStack() as stack:
            network = await stack.enter_async_context(scheduler(tmp_path / "scheduler"))
            await network.command("deposit", str(key.address), "1000")
            started = running(own_program("dcp5"), tmp_path, network, ("--dialect", "5"))  # type: ignore[arg-type]
            worker = await stack.enter_async_context(started)
            program = await stack.enter_async_context(client("5.6.1", network.location, tmp_path / "home", **job))
            await program.until("result")
            await network.command("backup", str(copy))
            await program.until("result")
            worker.signal(signal.SIGSTOP)
            await asyncio.sleep(1)  # npm's client ends where its answer to an event is lost, so there are none now
            await network.kill()
            shutil.rmtree(network.folder)  # the disk is gone
            network.folder = copy
            await network.start()
            worker.signal(signal.SIGCONT)
            assert (await program.end())["results"] == [2 * x for x in range(1, _SLICES + 1)]
            assert '"ok": true' in await network.command("audit", "--json")

    run(main())


def test_a_backup_is_whole_and_grows_by_what_is_new(run, tmp_path: Path) -> None:
    async def main() -> None:
        database = opened(tmp_path / "state")
        (tmp_path / "state" / "scheduler.key").write_text("00" * 32)
        await database.write(keep_books)
        first = await asyncio.to_thread(back_up, tmp_path / "state", tmp_path / "copy")
        await perform(Office(database), "deposit", {"address": f"0x{'7' * 40}", "amount": "7"})
        database.contents.put(b"new")
        second = await asyncio.to_thread(back_up, tmp_path / "state", tmp_path / "copy")
        database.close()
        assert first.new == first.contents > 0
        assert (second.new, second.contents, second.jobs) == (1, first.contents + 1, 2)
        assert {path.stat().st_mode & 0o077 for path in (tmp_path / "copy").rglob("*")} == {0}
        restored = opened(tmp_path / "copy")
        assert (await perform(Office(restored), "audit", {}))["wrong"] == []
        assert (await perform(Office(restored), "account.show", {"address": f"0x{'7' * 40}"}))["balance"] == "7"
        restored.close()

    run(main())


def test_nothing_else_is_overwritten(run, tmp_path: Path) -> None:
    opened(tmp_path / "state").close()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis").write_text("long")
    with pytest.raises(SchedulerError, match="is no backup, and not empty"):
        back_up(tmp_path / "state", tmp_path / "mine")
    with pytest.raises(SchedulerError, match="into another folder"):
        back_up(tmp_path / "state", tmp_path / "state")
