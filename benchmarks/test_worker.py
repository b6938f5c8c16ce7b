"""Our dcp-worker against npm's 3.3.19: both work for the same stand-in of a scheduler, in turn, as operators do it.

npm's runs on our evaluator, which is started ahead of it; ours has its own. The stand-in is on ``dcp_protocol.Target``.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "peers"))

from dcp_programs import start_up_files

from dcp_protocol.kvin import serialize
from line_peer import TcpEvaluator
from process_tree import cpu_seconds, descendants
from scheduler_stand_in import Job, Location, Program, StandIn, npm_program, own_program, running, stand_in

pytestmark = pytest.mark.full

_PEER = "npm's dcp-worker"
_TWICE = "async (x) => { progress(); return 2 * x; }"
_SAME = "async (bytes) => { progress(); return bytes; }"
_MIB = 1 << 20


@pytest.fixture(scope="module")
def programs() -> Iterator[tuple[Program, Program]]:
    """Ours and npm's."""
    with TcpEvaluator(*start_up_files()) as evaluator:
        yield own_program(), npm_program(evaluator.port)


def network(task_size: int) -> StandIn:
    return stand_in("ours", task_size=task_size, checks_shapes=False, keeps_asks=False, keeps_values=False)


def test_trivial_slices(benchmark, measure, programs, tmp_path) -> None:
    """From the first result to the last."""
    counts = (20_000, 200)

    async def rate(program: Program, count: int, home: Path) -> float:
        async with network(500) as scheduler:
            job = scheduler.add(Job(work=_TWICE, data=range(count)))
            async with running(program, home, scheduler):
                return await _rate(scheduler, job)

    pairs = _in_turn(benchmark, programs, counts, rate, tmp_path, passes=3)
    _rates(measure, "a worker's trivial slices", "slices/s", pairs, ">= 100")


def test_slices_of_a_mebibyte(benchmark, measure, programs, tmp_path) -> None:
    """A typed array of 1 MiB in, fetched from the scheduler's origin, and out."""
    counts = (1000, 100)
    datum = serialize(np.random.default_rng(1).integers(0, 256, _MIB, np.uint8), 8)

    async def rate(program: Program, count: int, home: Path) -> float:
        async with network(20) as scheduler:
            url = Location(scheduler.web.put("/datum", datum, "application/x-kvin"))
            job = scheduler.add(Job(work=_SAME, data=[url] * count))
            async with running(program, home, scheduler):
                return await _rate(scheduler, job, within=600)

    pairs = _in_turn(benchmark, programs, counts, rate, tmp_path, passes=1)
    _rates(measure, "a worker's slices of 1 MiB in and out", "slices/s", pairs, ">= 5")


async def _rate(scheduler: StandIn, job: Job, within: float = 120) -> float:
    await scheduler.until(lambda: job.missing < len(job.slices), within)
    begun, left = time.perf_counter(), job.missing
    await scheduler.until_done(job, within=within)
    return left / (time.perf_counter() - begun)


def test_start(benchmark, measure, programs, tmp_path) -> None:
    """From the start of the program to its first request for work."""

    async def seconds(program: Program, _: int, home: Path) -> float:
        async with network(1) as scheduler, running(program, home, scheduler) as worker:
            await scheduler.until(lambda: scheduler.counts["requestTask"])
            return time.perf_counter() - worker.begun

    pairs = _in_turn(benchmark, programs, (0, 0), seconds, tmp_path, passes=9)
    _times(measure, "a worker's start to its first request", pairs, ">= 3")


def test_stop(benchmark, measure, programs, tmp_path) -> None:
    """From SIGINT to the end, with nothing running."""

    async def seconds(program: Program, _: int, home: Path) -> float:
        async with network(1) as scheduler, running(program, home, scheduler) as worker:
            await scheduler.until(lambda: scheduler.counts["requestTask"])
            await asyncio.sleep(1)
            begun = time.perf_counter()
            assert await worker.stop() == 0, worker.said()
            return time.perf_counter() - begun

    pairs = _in_turn(benchmark, programs, (0, 0), seconds, tmp_path, passes=9)
    _times(measure, "a worker's stop with nothing running", pairs, "", "<= 0.5")


def test_memory_and_idle_cpu(benchmark, measure, programs, tmp_path) -> None:
    """After some work: resident memory of the worker's own process, and CPU time of it and all that it has started."""
    seconds = 30
    memory: dict[str, list[float]] = {}

    async def share(program: Program, count: int, home: Path) -> float:
        async with network(50) as scheduler:
            job = scheduler.add(Job(work=_TWICE, data=range(count)))
            async with running(program, home, scheduler) as worker:
                await scheduler.until_done(job)
                await asyncio.sleep(1)
                memory.setdefault(program.name, []).append(_resident_mebibytes(worker.pid))
                begun = _cpu(worker.pid)
                await asyncio.sleep(seconds)
                return 100 * (_cpu(worker.pid) - begun) / seconds

    pairs = _in_turn(benchmark, programs, (100, 20), share, tmp_path, passes=3)
    own, theirs = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    measure("a worker's idle CPU, with its evaluator", own, "% of a core", f"npm's, without: {theirs:.2f}")
    sizes = list(zip(*(memory[program.name] for program in programs), strict=True))
    own, theirs = (statistics.median(pair[side] for pair in sizes) for side in (0, 1))
    measure("a worker's resident memory without evaluator", own, "MiB", f"<= 0.6 of npm's: {theirs:.0f}")
    _ratio(measure, "a worker's resident memory without evaluator, speed", [b / a for a, b in sizes], ">= 1.67")


def test_memory_after_many_slices(benchmark, measure, programs, tmp_path) -> None:
    """Of our worker's own process: 100,000 slices leave nothing behind."""

    async def sizes() -> list[float]:
        async with network(500) as scheduler, running(programs[0], tmp_path, scheduler) as worker:
            found = []
            for count in (1000, 99_000):
                await scheduler.until_done(scheduler.add(Job(work=_TWICE, data=range(count))), within=1200)
                await asyncio.sleep(1)
                found.append(_resident_mebibytes(worker.pid))
            return found

    first, last = benchmark.pedantic(lambda: asyncio.run(sizes()), rounds=1, iterations=1)
    measure("a worker's memory after 100,000 slices, more than after 1,000", last - first, "MiB", "<= 0")


def _resident_mebibytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def _cpu(pid: int) -> float:
    return cpu_seconds(pid) + sum(map(cpu_seconds, descendants(pid)))


def _in_turn(
    benchmark,
    programs: tuple[Program, Program],
    counts: tuple[int, int],
    once: Callable[[Program, int, Path], Awaitable[float]],
    home: Path,
    passes: int,
) -> list[tuple[float, float]]:
    """What ``once`` gives of our worker and of npm's, each pass in a new home."""

    def run() -> list[tuple[float, float]]:
        pairs = []
        for number in range(passes):
            values = []
            for side, (program, count) in enumerate(zip(programs, counts, strict=True)):
                folder = home / f"{number}-{side}"
                folder.mkdir()
                values.append(asyncio.run(once(program, count, folder)))
            pairs.append((values[0], values[1]))
        return pairs

    return benchmark.pedantic(run, rounds=1, iterations=1)


def _rates(measure, name: str, unit: str, pairs: Sequence[tuple[float, float]], target: str) -> None:
    own, theirs = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    measure(name, own, unit, f"{_PEER}: {theirs:,.1f}")
    _ratio(measure, f"{name}, speed", [a / b for a, b in pairs], target)


def _times(measure, name: str, pairs: Sequence[tuple[float, float]], target: str, limit: str = "") -> None:
    own, theirs = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    measure(name, own, "s", f"{limit + '; ' if limit else ''}{_PEER}: {theirs:.2f}")
    _ratio(measure, f"{name}, speed", [b / a for a, b in pairs], target)


def _ratio(measure, name: str, ratios: Sequence[float], target: str) -> None:
    low, median, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    measure(f"{name} / {_PEER}", float(median), "x", target, spread=(float(low), float(high)), peer=_PEER)
