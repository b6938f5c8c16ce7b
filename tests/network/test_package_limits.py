"""Packages cost what other data cost: bytes by address and by identity; the audit looks for their files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import aiohttp
import pytest

from dcp_scheduler.administration.audit import audit
from dcp_scheduler.administration.office import Office
from dcp_scheduler.dialects.fields import Fields
from dcp_scheduler.errors import RefusedError
from dcp_scheduler.model.limits import Limits
from dcp_scheduler.model.package import Package
from dcp_scheduler.packages import publishing
from dcp_scheduler.packages.ownership import OPERATOR
from dcp_scheduler.packages.publishing import publish
from dcp_scheduler.server.server import Server

pytestmark = pytest.mark.any_engine

SMALL, LARGE = b"module.declare([], () => {});", b"//" + 3000 * b"x"
FOLDER = Package("large", "1.0.0", {"small.js": SMALL, "large.js": LARGE})


def name(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_files_of_packages_count_for_the_bytes_of_an_address(run, tmp_path: Path) -> None:
    async def main() -> None:
        limits = Limits(bytes_per_second_per_address=100, own_machine=True)
        async with Server(tmp_path, limits=limits) as server, aiohttp.ClientSession() as session:
            await publish(server.database, FOLDER, OPERATOR)
            place = f"{server.location}packages/"
            async with session.get(place + name(LARGE)) as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (429, "10")
                assert "asks for too much" in await answer.text()
            async with session.head(place + name(LARGE)) as answer:
                assert answer.status == 200
            async with session.get(place + name(SMALL)) as answer:
                assert (answer.status, await answer.read()) == (200, SMALL)
            known = {"If-None-Match": f'"{name(LARGE)}"'}
            async with session.get(place + name(LARGE), headers=known) as answer:
                assert answer.status == 304

    run(main())


def test_packages_of_one_identity(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "MOST_OWNED", 5000)

    async def main() -> None:
        async with Server(tmp_path) as server:
            one, other = "0x" + 40 * "1", "0x" + 40 * "2"
            await publish(server.database, FOLDER, one)
            await publish(server.database, FOLDER, one)  # again: that costs nothing
            with pytest.raises(RefusedError, match="5000 bytes at most") as refused:
                await publish(server.database, Package("more", "1.0.0", {"large.js": LARGE}), one)
            assert refused.value.code == "EDQUOT"
            await publish(server.database, Package("more", "1.0.0", {"large.js": LARGE}), other)

    run(main())


def test_the_audit_misses_files_of_packages(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with Server(tmp_path) as server:
            await publish(server.database, FOLDER, OPERATOR)
            office, nothing = Office(server.database), Fields({}, "the command")
            found = await audit(office, nothing)
            assert (found["wrong"], found["looked"]["packages"]) == ([], 1)
            content = name(LARGE)
            (tmp_path / "contents" / content[:2] / content).unlink()
            assert (await audit(office, nothing))["wrong"] == [
                f"the content {content} is missing: restore it from a backup"
            ]

    run(main())
