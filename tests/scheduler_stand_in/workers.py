"""npm's dcp-worker as an operator starts it, against the stand-in."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from node import node
from npm_packages import npm_packages

from .stand_in import StandIn

PAYMENT_ADDRESS = "0x" + "2" * 40
IDENTITY_KEY = "0x" + "3" * 64
DEADLINE = 60.0


@dataclass
class NpmWorker:
    process: asyncio.subprocess.Process
    log: Path

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def stop(self) -> int:
        """As an operator does; the exit status."""
        self.signal(signal.SIGINT)
        return await self.wait()

    async def wait(self) -> int:
        async with asyncio.timeout(DEADLINE):
            return await self.process.wait()


def worker_options(network: StandIn) -> list[str]:
    """Those that npm's worker and ours have in common."""
    return [
        f"--dcp-scheduler={network.location}", "-c", "1,0", "-o", "console",
        f"--paymentAddress={PAYMENT_ADDRESS}", f"--identityKey={IDENTITY_KEY}",
    ]  # fmt: skip


def npm_command() -> list[str | Path]:
    return [node(), npm_packages("dcp") / "dcp-worker" / "bin" / "dcp-worker"]


def npm_environment(home: Path) -> dict[str, str]:
    return {
        "PATH": f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "HOME": str(home),
        "NODE_PATH": str(npm_packages("dcp")),
        # dcp-client refuses configuration below a folder that all may write to, such as /tmp, where a clone may lie.
        "DCP_CLIENT_ALLOW_INSECURE_CONFIGURATION": "1",
    }


@asynccontextmanager
async def npm_worker(
    home: Path, network: StandIn, evaluator_port: int, options: Sequence[str] = (), *, name: str = "worker"
) -> AsyncIterator[NpmWorker]:
    """npm's dcp-worker 3.3.19 with one core, and a home of its own."""
    folder = home / name
    folder.mkdir(exist_ok=True)
    log = home / f"{name}.log"
    evaluator = ["-H", "localhost", "-p", str(evaluator_port)]
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *npm_command(), *worker_options(network), *evaluator, *options,
            env=npm_environment(folder), stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
        try:
            yield NpmWorker(process, log)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
