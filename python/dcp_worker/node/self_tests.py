"""What the evaluator says of this machine, for those who ask the worker for it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Final

import msgspec
from msgspec import Raw

from ..errors import WorkerError

_OPTIONS: Final = {"probe": ("--probe",), "benchmark": ("--benchmark", "--quick")}
_PATIENCE: Final = 300.0
_LONGEST: Final = 1 << 22


class SelfTests:
    """One at a time, in a process of its own. ``engine``: that of the worker's evaluator."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._is_running = False

    async def run(self, kind: str) -> Raw:
        """Its report, as JSON. ``kind``: probe or benchmark. Raises WorkerError."""
        if self._is_running:
            raise WorkerError("this machine is being tested already; ask again when that is done")
        self._is_running = True
        try:
            async with asyncio.timeout(_PATIENCE):
                return await _report(*_OPTIONS[kind], "--engine", self._engine)
        except TimeoutError:
            raise WorkerError(f"the {kind} has not ended within {_PATIENCE:.0f} s") from None
        finally:
            self._is_running = False


async def _report(*options: str) -> Raw:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dcp_evaluator", *options, "--json",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        limit=_LONGEST,
    )  # fmt: skip
    assert process.stdout
    try:
        text = await process.stdout.read()
        await process.wait()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    try:
        return Raw(msgspec.json.format(text, indent=-1))
    except msgspec.DecodeError:
        raise WorkerError(f"the evaluator says nothing of this machine; see dcp-evaluator {options[0]}") from None
