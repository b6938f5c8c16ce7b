"""npm's dcp-util, unmodified: its tools for jobs, compute groups, packages and the bank."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from clients import client, keystore, user
from networks import network

from dcp_protocol.keys.private_key import PrivateKey
from dcp_scheduler.ledger import ledger
from dcp_scheduler.store.amount import ATTO
from node import node
from npm_packages import npm_packages

pytestmark = [pytest.mark.any_engine, pytest.mark.long_network, pytest.mark.timeout(600)]

TARGET = "0x" + "4" * 40


async def tool(home: Path, location: str, name: str, *arguments: str) -> str:
    """What it prints."""
    program = npm_packages("util") / "dcp-util" / "bin" / name
    process = await asyncio.create_subprocess_exec(
        node(), program, *arguments, env=user(home, location, "util"), stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(120):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, (name, arguments, output.decode(), errors.decode()[-3000:])
    return output.decode()


def test_the_bank(run, tmp_path: Path) -> None:
    key = PrivateKey.generate()
    account = str(key.address)

    async def main() -> None:
        await keystore(tmp_path, "id", f"0x{PrivateKey.generate().secret().hex()}")
        await keystore(tmp_path, "default", f"0x{key.secret().hex()}")
        async with network(tmp_path, workers=0) as server:
            await server.database.write(lambda transaction: ledger.deposit(transaction, account, 10 * ATTO))
            seen = json.loads(await tool(tmp_path, server.location, "bank-utility", "balance", "--json"))
            assert (seen["address"].lower(), seen["balance"]) == (account.lower(), "10")
            said = await tool(tmp_path, server.location, "bank-utility", "transfer", "1.5", TARGET)
            assert "Transfer successful" in said
            assert await server.database.read(lambda each: ledger.balance(each, TARGET)) == 3 * ATTO // 2
            assert await server.database.read(lambda each: ledger.balance(each, account)) == 17 * ATTO // 2

    run(main())


def test_compute_groups(run, tmp_path: Path) -> None:
    async def main() -> None:
        await keystore(tmp_path, "id", f"0x{PrivateKey.generate().secret().hex()}")
        async with network(tmp_path, workers=0) as server:

            async def groups(*arguments: str) -> Any:
                reply = json.loads(await tool(tmp_path, server.location, "cg-utility", *arguments, "--json"))
                assert reply["success"], reply
                return reply["payload"]

            lab = ("--joinKey", "lab")
            created = await groups("create", "a lab", *lab, "--joinSecret", "known")
            await groups("change", "--id", created, "--description", "of the test")
            assert await groups("listJobs", *lab) == []
            await groups("delete", *lab)

    run(main())


def test_jobs(run, tmp_path: Path) -> None:
    identity, account = (f"0x{PrivateKey.generate().secret().hex()}" for _ in range(2))
    home = tmp_path / "home"
    keys = {"identityKey": identity, "accountKey": account}
    job: dict[str, Any] = {"range": [1, 3], "work": "(x) => { progress(); return x; }", **keys}

    async def main() -> None:
        home.mkdir()
        await keystore(home, "default", account)
        async with network(tmp_path, workers=0) as server:

            async def jobs(*arguments: str) -> Any:
                return json.loads(await tool(home, server.location, "job-utility", *arguments, "--json"))

            async with (
                client("4.4.29", server.location, home, **job) as one,
                client("4.4.29", server.location, home, **job) as other,
            ):
                address = (await one.until("accepted"))["address"]
                await other.until("accepted")
                assert await jobs("countJobs") == {"estimation": 2}
                assert len(await jobs("listJobs", "--statuses", "estimation")) == 2
                assert await jobs("listJobs", "--statuses", "finished") == []
                assert await jobs("countSlices", address) == {"new": 3}
                report = await jobs("fetchJobReport", address)
                assert (report["status"], report["totalSlices"]) == ("estimation", 3)
                assert (await jobs("fetchSliceReport", address))["slices"] == {"new": 3}
                assert await jobs("fetchResult", address, "1", "3") == []
                await jobs("cancelJob", address, "by a tool")
                assert "by a tool" in (await one.end())["message"]
                assert len((await jobs("cancelAllJobs", "all of them"))["jobs"]) == 1
                assert "all of them" in (await other.end())["message"]

    run(main())


def test_packages(run, tmp_path: Path) -> None:
    (tmp_path / "square.js").write_text("module.declare([], function (require, exports, module) {});")
    described = {"name": "shapes", "version": "1.2.3", "files": {"square.js": "square.js"}}
    descriptor = tmp_path / "package.dcp"
    descriptor.write_text(json.dumps(described))
    key = PrivateKey.generate()

    async def main() -> None:
        await keystore(tmp_path, "id", f"0x{key.secret().hex()}")
        async with network(tmp_path, workers=0) as server:

            async def publish(*arguments: str) -> str:
                return await tool(tmp_path, server.location, "publish", *arguments)

            assert "published package: shapes@1.2.3" in await publish("package", str(descriptor))
            (listed,) = json.loads(await publish("listModules", "shap", "--all", "--json"))
            assert (listed["name"], listed["version"], list(listed["files"])) == ("shapes", "1.2.3", ["square.js"])
            assert listed["owner"].lower() == str(key.address).lower()
            assert "square.js" in await publish("listModules", "--verbose")

    run(main())
