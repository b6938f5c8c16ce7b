"""Workers as an operator starts them, against the stand-in: npm's dcp-worker and ours, by the same options."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from node import node
from npm_packages import npm_packages

from .stand_in import StandIn

PAYMENT_ADDRESS = "0x" + "2" * 40
IDENTITY_KEY = "0x" + "3" * 64
DEADLINE = 60.0
SCHEDULERS = {"4": "4.4.29", "5": "5.6.1"}
"""Kinds of the stand-in, by dialect."""
PROGRAMS = {"4": "dcp", "5": "dcp5"}
"""Groups of npm packages with the start-up files of that dialect's dcp-client."""
OWN_COMMAND = Path(sys.executable).with_name("dcp-worker")
# Workers refuse configuration below a folder that all may write to, such as /tmp, where a clone may lie.
_INSECURE = {"DCP_CLIENT_ALLOW_INSECURE_CONFIGURATION": "1"}


@dataclass(frozen=True)
class Program:
    """``environment`` is what it has beside PATH and HOME."""

    name: str
    command: Sequence[str | Path]
    environment: dict[str, str] = field(default_factory=dict)
    kind: str = "4.4.29"
    """Of the stand-in that it is to work for."""


def npm_program(evaluator_port: int) -> Program:
    """npm's dcp-worker 3.3.19, unmodified: dialect 4."""
    script = npm_packages("dcp") / "dcp-worker" / "bin" / "dcp-worker"
    return Program("npm's dcp-worker", _with_evaluator(script, evaluator_port), _npm_environment("dcp"))


def npm_program_5(evaluator_port: int) -> Program:
    """The worker that npm's dcp-client 5.6.1 has as a class: dialect 5. It takes those options that tests use."""
    script = Path(__file__).with_name("npm_worker_5.js")
    command = _with_evaluator(script, evaluator_port)
    return Program("npm's DistributiveWorker", command, _npm_environment("dcp5"), "5.6.1")


def _with_evaluator(script: Path, port: int) -> list[str | Path]:
    return [node(), script, "-H", "localhost", "-p", str(port)]


def _npm_environment(group: str) -> dict[str, str]:
    return {"NODE_PATH": str(npm_packages(group)), **_INSECURE}


def own_program(group: str = "dcp", **settings: Mapping[str, Any]) -> Program:
    """Ours, with the evaluator that it has itself and the start-up files of ``tests/npm/GROUP``.

    ``settings``: configuration, by its first name.
    """
    files = {"startupFiles": str(npm_packages(group) / "dcp-client")}
    merged = {**settings, "node": {**files, **settings.get("node", {})}}
    environment = {f"DCP_CONFIG_{name.upper()}": json.dumps(value) for name, value in merged.items()}
    kind = "5.6.1" if group == "dcp5" else "4.4.29"
    return Program("dcp-worker", [OWN_COMMAND], environment | _INSECURE, kind)


@dataclass
class WorkerProcess:
    process: asyncio.subprocess.Process
    log: Path
    begun: float = field(default_factory=time.perf_counter)
    """By ``time.perf_counter``."""
    home: Path = Path()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def has_ended(self) -> bool:
        return self.process.returncode is not None

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def stop(self) -> int:
        """As an operator does; the exit status."""
        self.signal(signal.SIGINT)
        return await self.wait()

    async def wait(self) -> int:
        async with asyncio.timeout(DEADLINE):
            return await self.process.wait()

    def said(self) -> str:
        return self.log.read_text(errors="replace")


@asynccontextmanager
async def running(
    program: Program, home: Path, network: StandIn, options: Sequence[str] = (), *, name: str = "worker"
) -> AsyncIterator[WorkerProcess]:
    """With one core, unless the options say more, and with ``home/name`` as its home, which it keeps for the next."""
    folder = home / name
    folder.mkdir(exist_ok=True)
    log = home / f"{name}.log"
    own = dict.fromkeys(("HOME", "XDG_RUNTIME_DIR"), str(folder))
    path = f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"
    cores = [] if "-c" in options else ["-c", "1,0"]
    with log.open("ab") as output:
        begun = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *program.command, *_options(network), *cores, *options,
            env={**_passed_on(), "PATH": path, **own, **program.environment},
            stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
        try:
            yield WorkerProcess(process, log, begun, folder)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def _options(network: StandIn) -> list[str]:
    """Those that all workers have."""
    whose = [f"--paymentAddress={PAYMENT_ADDRESS}", f"--identityKey={IDENTITY_KEY}"]
    return [f"--dcp-scheduler={network.location}", "-o", "console", *whose]


def _passed_on() -> dict[str, str]:
    """Where tests keep temporary files, and the engine that they are run for."""
    return {name: value for name, value in os.environ.items() if name == "TMPDIR" or name.startswith("DCP_EVALUATOR_")}
