"""``dcp-scheduler`` as a program of its own, which tests kill and start again."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ports import free_port

COMMAND = Path(sys.executable).with_name("dcp-scheduler")


@dataclass
class SchedulerProcess:
    """The program, which is killed and started again at the same place. ``options``: beside where that is."""

    folder: Path
    port: int
    options: tuple[str, ...] = ()
    process: asyncio.subprocess.Process | None = None

    @property
    def location(self) -> str:
        return f"{'https' if '--tls' in self.options else 'http'}://127.0.0.1:{self.port}/"

    async def start(self) -> None:
        options = ("--listen", str(self.port), "--state", str(self.folder), *self.options)
        self.process = await asyncio.create_subprocess_exec(
            COMMAND, *options, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        assert self.process.stderr
        async with asyncio.timeout(60):
            first = await self.process.stderr.readline()
            assert b"a network at" in first, first

    async def kill(self) -> None:
        assert self.process
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
        await self.process.communicate()

    async def command(self, *words: str) -> str:
        """What a command of its operator prints."""
        process = await asyncio.create_subprocess_exec(
            COMMAND, *words, "--state", self.folder, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output
        return output.decode()


@asynccontextmanager
async def scheduler(folder: Path, *options: str) -> AsyncIterator[SchedulerProcess]:
    started = SchedulerProcess(folder, free_port(), options)
    await started.start()
    try:
        yield started
    finally:
        await started.kill()


def database_url(folder: Path) -> str:
    """Of the scheduler whose state is in that folder."""
    folder.mkdir(exist_ok=True)
    return f"sqlite:///{folder / 'scheduler.db'}"
