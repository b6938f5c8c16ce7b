"""The operator's commands for packages, with a scheduler that runs and without."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path

import pytest
from schedulers import COMMAND
from wheels_of_pyodide import distribution

from dcp_scheduler.packages.modules import locate
from dcp_scheduler.server.server import Server

pytestmark = pytest.mark.any_engine
OWNER = "0x" + "1" * 40


async def command(folder: Path, *words: str | Path, status: int = 0) -> str:
    """What it prints; of one that fails, on stderr."""
    process = await asyncio.create_subprocess_exec(
        COMMAND, "package", *words, "--state", folder, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await process.communicate()
    assert process.returncode == status, errors.decode()
    assert b"Traceback" not in errors
    return (errors if status else output).decode()


@pytest.mark.parametrize("runs", [True, False], ids=["running", "alone"])
def test_packages_are_published_listed_and_given(run, tmp_path: Path, runs: bool) -> None:
    state, wheels, folder = (tmp_path / name for name in ("state", "wheels", "shapes"))
    wheels.mkdir()
    folder.mkdir()
    distribution(wheels, copies=1 << 20)  # some MB: commands of the control socket are small otherwise
    (folder / "square.js").write_text("module.declare([], (require, exports) => {});")
    described = {"name": "shapes", "version": "1.0.0", "files": {"square.js": "square.js"}}
    (folder / "package.dcp").write_text(json.dumps(described))

    async def main() -> None:
        async with Server(state):
            pass  # a network that there is
        async with Server(state) if runs else contextlib.nullcontext():
            assert "shapes" in await command(state, "publish", folder)
            await command(state, "publish", "--pyodide", wheels)
            await command(state, "give", "shapes", OWNER)
            refused = await command(state, "publish", folder, status=1)
            assert "the package shapes belongs to another identity" in refused
            assert "name a folder" in await command(state, "publish", status=1)
            found = json.loads(await command(state, "list", "--json"))
        owners = {package["name"]: package["owner"] for package in found}
        assert owners == {
            "shapes": OWNER, "pyodide-0.26.4-numpy": "operator", "pyodide-0.26.4-six": "operator",
            "pyodide-0.28.2-six": "operator",
        }  # fmt: skip
        async with Server(state) as server:
            asked = ["pyodide-0.26.4-numpy/pyodide-0.26.4-numpy.js"]
            ((_, files),) = (await server.database.read(lambda connection: locate(connection, asked))).items()
            (content,) = files.values()
            assert server.database.contents.get(content).startswith(b"module.declare(")

    run(main())
