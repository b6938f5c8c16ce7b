"""Chaos: a worker works for the stand-in while programs are killed and connections are lost at random.

::

    async with stand_in("ours", by_relay=True) as network:
        job = network.add(Job(...))
        chaos = Chaos(network, own_program(), tmp_path, seed=1)
        await chaos.run(within=300)
        network.assert_one_result_each()
        assert chaos.ended_by_itself == []
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from process_tree import descendants, kill
from process_tree import running as running_of

from .stand_in import StandIn
from .workers import Program, WorkerProcess, running


@dataclass(frozen=True)
class Rates:
    """How often a second each happens, on the average; 0: never."""

    worker: float = 0.2
    """SIGKILL; it is started again at once, in the same home."""
    sandbox: float = 1.0
    zygote: float = 0.2
    gpu_host: float = 0.0
    transports: float = 0.5
    """All connections at once."""
    scheduler: float = 0.0
    """Ends, and begins again without sessions."""


class Chaos:
    """``done`` counts what was done. How many slices only the scheduler's patience has brought back, it tells."""

    def __init__(
        self,
        network: StandIn,
        program: Program,
        home: Path,
        *,
        seed: int,
        rates: Rates | None = None,
        options: Sequence[str] = (),
        patience: float = 20.0,
        evaluator: int = 0,
    ) -> None:
        """``evaluator``: the process of one that is not the worker's own. ``patience``: as of ``until_done``."""
        self.done: Counter[str] = Counter()
        self.ended_by_itself: list[str] = []
        """How workers ended that nobody had killed."""
        self._network = network
        self._program = program
        self._home = home
        self._random = random.Random(seed)
        self._rates = rates or Rates()
        self._options = options
        self._patience = patience
        self._evaluator = evaluator
        self._worker: WorkerProcess | None = None
        self._killed = False

    async def run(self, within: float) -> None:
        """Until each slice has its result; the last worker then ends as an operator ends it.

        Raises AssertionError if that takes longer.
        """
        rates = self._rates
        ways: list[tuple[float, Callable[[], Awaitable[str]]]] = [
            (rates.worker, self._kill_worker),
            (rates.sandbox, lambda: self._kill("dcp-sandbox")),
            (rates.zygote, lambda: self._kill("dcp-zygote")),
            (rates.gpu_host, lambda: self._kill("dcp-gpu-host")),
            (rates.transports, self._cut),
            (rates.scheduler, self._restart),
        ]
        trouble = [asyncio.create_task(self._again_and_again(*way)) for way in ways if way[0] > 0]
        keeper = asyncio.create_task(self._keep_running())
        try:
            await self._network.until_done(within=within, patience=self._patience)
            await _cancelled(*trouble)
            assert self._worker is not None
            self._killed = True
            status = await self._worker.stop()
            assert status == 0, f"the last worker has ended with status {status}: {self._worker.said()[-2000:]}"
        finally:
            await _cancelled(*trouble, keeper)

    async def _keep_running(self) -> None:
        while True:
            self._killed = False
            async with running(self._program, self._home, self._network, self._options) as worker:
                self._worker = worker
                status = await worker.process.wait()
                if not self._killed:
                    self.ended_by_itself.append(f"status {status}: {worker.said()[-2000:]}")
                    await asyncio.sleep(1)

    async def _again_and_again(self, rate: float, act: Callable[[], Awaitable[str]]) -> None:
        while True:
            await asyncio.sleep(self._random.expovariate(rate))
            if what := await act():
                self.done[what] += 1

    async def _kill_worker(self) -> str:
        if self._worker is None or self._worker.has_ended:
            return ""
        self._killed = True
        self._worker.signal(signal.SIGKILL)
        return "worker"

    async def _kill(self, name: str) -> str:
        root = self._evaluator or (self._worker.pid if self._worker else 0)
        found = running_of(name, descendants(root)) if root else []
        return name if found and kill(self._random.choice(found), name) else ""

    async def _cut(self) -> str:
        self._network.relay.cut()
        return "transports"

    async def _restart(self) -> str:
        await self._network.door.restart()
        return "scheduler"


async def _cancelled(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
