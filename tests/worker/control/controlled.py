"""``dcp-worker`` commands against a worker that a test runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

from scheduler_stand_in.workers import OWN_COMMAND, WorkerProcess


async def begin(worker: WorkerProcess, *arguments: str) -> asyncio.subprocess.Process:
    """As the worker's user does."""
    return await asyncio.create_subprocess_exec(
        OWN_COMMAND, *arguments,
        env={"HOME": str(worker.home), "XDG_RUNTIME_DIR": str(worker.home), "PATH": "/nowhere",
             "DCP_CLIENT_ALLOW_INSECURE_CONFIGURATION": "1"},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def command(worker: WorkerProcess, *arguments: str) -> tuple[int, str, str]:
    """Its exit status, and what it prints on stdout and stderr."""
    process = await begin(worker, *arguments)
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def succeed(worker: WorkerProcess, *arguments: str) -> str:
    status, out, err = await command(worker, *arguments)
    assert status == 0, err
    return out


async def until(worker: WorkerProcess, holds: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """The status document, once that is so. A worker that has just been started has no socket yet."""
    async with asyncio.timeout(60):
        while True:
            status, out, err = await command(worker, "status", "--json")
            assert status == 0 or (status == 3 and not worker.has_ended), err
            document = json.loads(out) if status == 0 else None
            if document and holds(document):
                return cast(dict[str, Any], document)
            await asyncio.sleep(0.1)
