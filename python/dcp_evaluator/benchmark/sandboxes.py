"""What sandboxes cost: start, slices, data in and out, memory; and how many fit."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import JobError
from ..frames.values import shared_empty
from ..jobs.compute_for import compute_for
from ..probe.machine import limits, machine
from ..supervision.evaluator import Evaluator
from ..supervision.warm import Kind
from .engines import Engine
from .scores import Score, Step

_RESPITE = 0.05  # seconds until the zygote's spares are whole again
_WORKING_SET_MIB = 256
_WAITING = "async () => { progress(0); await new Promise((done) => setTimeout(done, SECONDS * 1000)); }"


def steps(engine: Engine, *, quick: bool) -> list[Step]:
    """Each step has its own evaluator, so that one is not measured in the wake of another."""

    def with_evaluator(measure: Callable[[Evaluator], list[Score]]) -> Callable[[], list[Score]]:
        def run() -> list[Score]:
            with engine.evaluator() as evaluator:
                compute_for([0], "(x) => x").local_exec(1, on_error="stop", evaluator=evaluator).wait()
                return measure(evaluator)

        return run

    return [
        Step("sandbox start", with_evaluator(lambda evaluator: _start(evaluator, 10 if quick else 40))),
        Step("slices", with_evaluator(lambda evaluator: _slices(evaluator, 10_000 if quick else 100_000))),
        Step("data", with_evaluator(lambda evaluator: _data(evaluator, 64 if quick else 256))),
        Step("memory of sandboxes", with_evaluator(_memory)),
    ]


def _start(evaluator: Evaluator, rounds: int) -> list[Score]:
    milliseconds = []
    for _ in range(rounds):
        time.sleep(_RESPITE)
        begun = time.perf_counter()
        results = compute_for([1], "(x) => x").local_exec(1, on_error="stop", evaluator=evaluator)
        assert results[0] == 1
        milliseconds.append(1000 * (time.perf_counter() - begun))
        results.wait()
    return [Score("sandbox.start", "a new sandbox to its first result", statistics.median(milliseconds), "ms")]


def _slices(evaluator: Evaluator, count: int) -> list[Score]:
    begun = time.perf_counter()
    compute_for(range(count), "(x) => x + 1").local_exec(1, on_error="stop", evaluator=evaluator).wait()
    return [Score("sandbox.slices", "trivial slices, a sandbox", count / (time.perf_counter() - begun), "slices/s")]


def _data(evaluator: Evaluator, count: int) -> list[Score]:
    rows = shared_empty((count, 1 << 18), np.float32)
    rows[:] = 1
    rates = []
    for _ in range(3):
        begun = time.perf_counter()
        for result in compute_for(rows, "(x) => x").local_exec(1, on_error="stop", evaluator=evaluator):
            assert result[-1] == 1
        rates.append(2 * rows.nbytes / (time.perf_counter() - begun))
    return [Score("sandbox.data", "arrays of 1 MiB in and out, a sandbox", max(rates) / 1e9, "GB/s")]


def _memory(evaluator: Evaluator) -> list[Score]:
    idle = idle_sandbox_bytes(evaluator)
    available = _available_mib() << 20
    most = limits()["processes"] or available
    fits = min(available // idle, most)
    working = min(available // (idle + (_WORKING_SET_MIB << 20)), most)
    return [
        Score("sandbox.memory", "memory of an idle sandbox", idle / 1e6, "MB"),
        Score("sandbox.fit", "idle sandboxes that fit in memory", fits, "sandboxes"),
        Score("sandbox.fit.working", f"sandboxes of {_WORKING_SET_MIB} MiB that fit in memory", working, "sandboxes"),
    ]


def _available_mib() -> int:
    """Of the machine, or of the control group where that grants less."""
    sizes = [size for size in (machine()["memory_available_mib"], limits()["memory_mib"]) if size is not None]
    if not sizes:
        raise JobError("the kernel does not tell how much memory is available (/proc/meminfo)")
    return int(min(sizes))


def idle_sandbox_bytes(evaluator: Evaluator) -> int:
    """Memory that a sandbox has for itself alone, with its page tables, of one that has run a slice and waits.

    What the kernel keeps about it, such as sockets, is not counted. Raises JobError.
    """
    kind, factory = evaluator.acquire(Kind())
    zygote = factory.zygote.pid
    evaluator.release(factory, kind)
    sizes: list[int] = []
    job = compute_for([0], _WAITING.replace("SECONDS", "0.3"))
    job.on("progress", lambda _: sizes.extend(_private_bytes(pid) for pid in _descendants(zygote)))
    job.local_exec(1, on_error="stop", evaluator=evaluator).wait()
    if not sizes or max(sizes) == 0:
        raise JobError("the kernel does not tell the memory of a sandbox (/proc/PID/smaps_rollup)")
    return max(sizes)


def _descendants(pid: int) -> list[int]:
    try:
        found = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except OSError:
        return []
    return found + [below for child in found for below in _descendants(child)]


def _private_bytes(pid: int) -> int:
    try:
        process = Path(f"/proc/{pid}")
        text = (process / "smaps_rollup").read_text(encoding="ascii") + (process / "status").read_text(encoding="utf-8")
    except OSError:  # it has ended, or is not ours to look at
        return 0
    return 1024 * sum(map(int, re.findall(r"^(?:Private_Clean|Private_Dirty|VmPTE):\s+(\d+) kB", text, re.MULTILINE)))
