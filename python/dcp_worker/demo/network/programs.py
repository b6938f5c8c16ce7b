"""The programs of the demo, each a process that is gone when its block ends."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcp_evaluator.errors import InstallationError
from dcp_evaluator.settings import installation
from dcp_protocol.keys.private_key import PrivateKey

from ...errors import WorkerError

_CLIENT = Path(__file__).with_name("client.js")
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_TOLD = 2000
_MARK = "a network at "
_LONGEST_LINE = 1 << 20


class DemoError(WorkerError):
    """The demo has not come to its end."""


def find_node() -> Path | None:
    """The program; None where there is none."""
    if found := shutil.which("node"):
        return Path(found)
    try:
        return Path(installation.node_program())
    except InstallationError:
        return None


@asynccontextmanager
async def scheduler(home: Path) -> AsyncIterator[str]:
    """Its location. Raises DemoError, OSError."""
    command = [str(Path(sys.executable).with_name("dcp-scheduler")), "--listen", "0", "--state", str(home)]
    log = home / "scheduler.log"
    async with _process(command, dict(os.environ), log) as process:
        async with asyncio.timeout(_START_SECONDS):
            while _MARK not in (said := log.read_text(errors="replace")) or "\n" not in said.partition(_MARK)[2]:
                if process.returncode is not None:
                    raise DemoError(f"the scheduler has ended:\n{said[-_TOLD:]}")
                await asyncio.sleep(0.05)
        yield said.partition(_MARK)[2].split()[0]


class NpmClient:
    """A program of npm's dcp-client with a job. ``rows``: those that have come, by number."""

    def __init__(self, node: Path, location: str, home: Path, packages: Path) -> None:
        self._command = [str(node), str(_CLIENT)]
        self._log = home / "npm.log"
        self._environment = {
            **os.environ, "HOME": str(home), "NODE_PATH": str(packages), "DCP_SCHEDULER_LOCATION": location,
            "DCP_CLIENT_ALLOW_INSECURE_CONFIGURATION": "1",
        }  # fmt: skip
        self.rows: dict[int, NDArray[np.uint8]] = {}

    async def run(self, work: str, rows: int, argument: Any) -> None:
        """Until the job is done. Raises DemoError."""
        keys = {name: f"0x{PrivateKey.generate().secret().hex()}" for name in ("identity", "account")}
        asked = json.dumps({**keys, "work": work, "rows": rows, "argument": argument})
        async with _process(self._command, self._environment, self._log, is_talking=True) as process:
            assert process.stdin
            assert process.stdout
            process.stdin.write(asked.encode())
            process.stdin.close()
            async for line in process.stdout:
                number, row = json.loads(line)
                self.rows[number - 1] = np.frombuffer(base64.b64decode(row), np.uint8)
            if await process.wait():
                raise DemoError(f"npm's client has failed:\n{self._log.read_text(errors='replace')[-_TOLD:].strip()}")


@asynccontextmanager
async def _process(
    command: Sequence[str], environment: dict[str, str], log: Path, *, is_talking: bool = False
) -> AsyncIterator[asyncio.subprocess.Process]:
    """It is asked to end, and killed where it does not."""
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, limit=_LONGEST_LINE, stdin=pipe if is_talking else nothing,
            stdout=pipe if is_talking else output, stderr=output,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP_SECONDS):
                    await process.communicate()
        if process.returncode is None:
            process.kill()
            await process.communicate()
