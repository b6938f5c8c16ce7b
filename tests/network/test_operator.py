"""The operator's commands, with a scheduler that runs and without."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import json
import socket
import stat
import struct
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from bookkeeping import CLIENT, FINISHED, PAYEE, PAYER, RUNNING, WORKER, keep_books, opened
from schedulers import COMMAND

from dcp_protocol.keys.hashes import eh1
from dcp_scheduler.commands.operating import run as run_command
from dcp_scheduler.commands.parser import parse
from dcp_scheduler.control import socket_file
from dcp_scheduler.errors import NotRunningError, RefusedError, SchedulerError
from dcp_scheduler.server.server import Server

pytestmark = pytest.mark.any_engine

BOTH = pytest.mark.parametrize("runs", [True, False], ids=["running", "alone"])


@contextlib.asynccontextmanager
async def network(folder: Path, runs: bool) -> AsyncIterator[None]:
    """With books; a scheduler runs, or none."""
    database = opened(folder)
    await database.write(keep_books)
    database.close()
    async with Server(folder) if runs else contextlib.nullcontext():
        yield


async def command(folder: Path, *words: str, status: int = 0, secret: str = "") -> str:
    """What it prints; of one that is refused, why."""
    ended, text = await asyncio.to_thread(_command, [*words, "--state", str(folder)], secret)
    assert ended == status, text
    return text


def _command(words: list[str], secret: str) -> tuple[int, str]:
    """As the program does it, in this process: starting it takes longer than all the rest."""
    output, before = io.StringIO(), sys.stdin
    sys.stdin = io.StringIO(secret)
    try:
        with contextlib.redirect_stdout(output):
            options = parse(words)
            return run_command(options.command, options), output.getvalue()
    except (RefusedError, SchedulerError) as error:
        return 1, str(error)
    finally:
        sys.stdin = before


async def answer(folder: Path, *words: str, secret: str = "") -> Any:
    return json.loads(await command(folder, *words, "--json", secret=secret))


@BOTH
def test_money(run, tmp_path: Path, runs: bool) -> None:
    async def main() -> None:
        async with network(tmp_path, runs):
            new = "0x" + "5" * 40
            assert (await answer(tmp_path, "account", "create", new))["balance"] == "0"
            for deposited in (True, False):
                made = await answer(tmp_path, "deposit", new, "0.000000000000000001", "--key", "invoice 7")
                assert (made["deposited"], made["balance"]) == (deposited, "0.000000000000000001")
            assert "belongs to a deposit" in await command(
                tmp_path, "deposit", new, "2", "--key", "invoice 7", status=1
            )
            assert "an amount is a decimal number" in await command(tmp_path, "deposit", new, "1e3", status=1)
            kinds = {each["address"]: each["kind"] for each in await answer(tmp_path, "account", "list")}
            assert (kinds[new], list(kinds.values()).count("escrow")) == ("account", 2)
            assert "all is right: 6 accounts" in await command(tmp_path, "audit")

    run(main())


@BOTH
def test_a_statement_ends_with_the_balance(run, tmp_path: Path, runs: bool) -> None:
    async def main() -> None:
        async with network(tmp_path, runs):
            text = await command(tmp_path, "statement", PAYEE, "--csv")
            rows = list(csv.DictReader(io.StringIO(text)))
            assert [(row["kind"], row["amount"], row["slice"]) for row in rows] == [
                ("payment", "0.5", str(number)) for number in (1, 2, 3, 1, 2)
            ]
            assert rows[-1]["balance"] == (await answer(tmp_path, "account", "show", PAYEE))["balance"] == "2.5"

    run(main())


@BOTH
def test_groups_are_made_by_secrets_that_are_not_kept(run, tmp_path: Path, runs: bool) -> None:
    async def main() -> None:
        async with network(tmp_path, runs):
            made = await answer(tmp_path, "group", "create", "lab", "--name", "The lab", secret="known\n")
            assert made["joinKey"] == "lab"
            assert "there is a group with this joinKey" in await command(
                tmp_path, "group", "create", "lab", secret="x", status=1
            )
            assert "a secret has" in await command(tmp_path, "group", "create", "other", status=1)
            await answer(tmp_path, "group", "secret", "lab", secret="better")
            assert (await answer(tmp_path, "group", "show", "lab"))["id"] == made["id"]
            assert "stays as it is" in await command(tmp_path, "group", "delete", "public", status=1)
            assert "lab" in await command(tmp_path, "group", "list")
        database = opened(tmp_path)
        hashes = await database.read(lambda each: each.exec_driver_sql("SELECT join_hash FROM groups").scalars().all())
        assert eh1("lab better") in hashes
        assert eh1("lab known") not in hashes
        database.close()
        assert all(b"better" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        await answer(tmp_path, "group", "delete", "lab")
        assert [each["joinKey"] for each in await answer(tmp_path, "group", "list")] == ["public"]

    run(main())


@BOTH
def test_jobs_and_workers_are_shown_and_jobs_cancelled(run, tmp_path: Path, runs: bool) -> None:
    async def main() -> None:
        async with network(tmp_path, runs):
            assert [job["id"] for job in await answer(tmp_path, "job", "list")] == [RUNNING, FINISHED]
            assert [job["id"] for job in await answer(tmp_path, "job", "list", "--status", "active")] == [RUNNING]
            job = await answer(tmp_path, "job", "show", RUNNING)
            assert (job["byState"], job["escrow"], job["owner"]) == (
                {"waiting": 4, "out": 4, "copied": 0, "done": 2}, "2", CLIENT,
            )  # fmt: skip
            assert job["workers"] == [{"worker": "w", "owner": WORKER, "out": 4}]
            text = await command(tmp_path, "job", "show", RUNNING)
            assert "0.5 DCC a slice" in text
            assert "\x1b" not in text  # of the job's name
            assert "there is no such job" in await command(tmp_path, "job", "show", "none", status=1)
            ended = await answer(tmp_path, "job", "cancel", RUNNING, "--reason", "the machine is needed")
            assert ended["status"] == "cancelled"
            told = await answer(tmp_path, "job", "show", RUNNING)
            assert (told["error"]["reason"], told["escrow"]) == ("the machine is needed", "0")
            assert (await answer(tmp_path, "account", "show", PAYER))["balance"] == "97.5"
            assert await answer(tmp_path, "worker", "list") == []
            await command(tmp_path, "audit")

    run(main())


def test_the_program_ends_with_the_status_of_its_command(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with network(tmp_path, runs=False):
            database = opened(tmp_path)
            await database.write(lambda each: each.connection.exec_driver_sql("DELETE FROM transfers") and None)
            database.close()
            for words, status, told in (
                (("audit",), 1, b"than its transfers say"), (("job", "list"), 0, b"finished"),
                (("job", "show", "none"), 1, b"there is no such job"), (("job",), 2, b"usage: "),
            ):  # fmt: skip
                process = await asyncio.create_subprocess_exec(
                    COMMAND, *words, *(("--state", tmp_path) if status != 2 else ()), stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
                )  # fmt: skip
                output, _ = await process.communicate()
                assert (process.returncode, told in output, b"Traceback" in output) == (status, True, False), output

    run(main())


def test_without_a_network_each_command_says_so(run, tmp_path: Path) -> None:
    async def main() -> None:
        for words in (("job", "list"), ("audit",), ("backup", str(tmp_path / "copy"))):
            assert "name" in await command(tmp_path / "none", *words, status=1)
        assert not (tmp_path / "none").exists()

    run(main())


def test_the_socket_is_for_its_user_alone(run, tmp_path: Path) -> None:
    async def main() -> None:
        other = f"sqlite:///{tmp_path / 'other.db'}"
        async with Server(tmp_path) as first, Server(tmp_path, database=other):
            assert first.location
            sockets = [path for path in tmp_path.iterdir() if path.is_socket()]
            assert len(sockets) == 2
            assert {stat.S_IMODE(path.stat().st_mode) for path in sockets} == {0o600}
            assert await asyncio.to_thread(_who_answers, tmp_path)
        assert not [path for path in tmp_path.iterdir() if path.is_socket()]
        with pytest.raises(NotRunningError):
            socket_file.connected(tmp_path)

    run(main())


def _who_answers(folder: Path) -> bool:
    with socket_file.connected(folder) as client:
        return socket_file.is_allowed(client)


def test_a_socket_that_a_killed_scheduler_left_is_taken_over(run, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "control"))

    async def main() -> None:
        with pytest.raises(NotRunningError):
            socket_file.connected(tmp_path)
        async with Server(tmp_path):
            assert await answer(tmp_path, "worker", "list") == []

    run(main())


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, True), (1001, False)])
def test_only_the_schedulers_user_and_root_are_obeyed(monkeypatch: Any, user: int, allowed: bool) -> None:
    class Peer:
        def getsockopt(self, *_: int) -> bytes:
            return struct.pack("3i", 1, user, 1)

    monkeypatch.setattr(socket_file.os, "geteuid", lambda: 1000)
    assert socket_file.is_allowed(Peer()) is allowed  # type: ignore[arg-type]


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SchedulerError, match="cannot be opened"):
        socket_file.connected(tmp_path / "file")
