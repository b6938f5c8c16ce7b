"""Slices through dcp-worker's sandboxes, and through the class Sandbox of npm's dcp-client on the same evaluator."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "peers"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "worker" / "sandboxes"))

from dcp_programs import run_slices
from sandbox_driver import Dialect, dialect, evaluator, job

from dcp_worker.sandboxes.outcomes import Completed
from dcp_worker.sandboxes.remote import RemoteEvaluator
from dcp_worker.sandboxes.sandbox import Sandbox
from line_peer import TcpEvaluator

pytestmark = pytest.mark.full

TRIVIAL = "(x) => { progress(); return x; }"
NEGATIVE = "(bytes) => { progress(); return bytes.map((x) => 255 - x); }"


@pytest.fixture(scope="module")
def client() -> Dialect:
    return dialect("dcp")


async def run_all(box: Sandbox, source: str, data: list[Any], size: int) -> float:
    """Seconds for the slices, after one that is not counted."""
    await box.assign(job(source))
    await box.work(data[0], size=size)
    began = time.perf_counter()
    for datum in data:
        outcome = await box.work(datum, size=size)
        assert isinstance(outcome, Completed)
    took = time.perf_counter() - began
    await box.end()
    return took


def through_ours(port: int, source: str, data: list[Any], size: int = 0) -> float:
    async def drive() -> float:
        box = await Sandbox.start(await RemoteEvaluator("localhost", port).open(), dialect("dcp").messages)
        return await run_all(box, source, data, size)

    return asyncio.run(drive())


def through_npm(port: int, source: str, data: list[Any]) -> float:
    report = run_slices(port, {"workFunction": source}, data, undelayed=True)
    milliseconds: float = report["milliseconds"]
    return milliseconds / 1000


def test_trivial_slices_of_one_sandbox(benchmark, measure, client):
    """Two timers of a millisecond in DCP's start-up files bound each slice, whoever drives them."""
    count = 500

    def passes(port: int) -> list[tuple[float, float]]:
        data = list(range(count))
        return [(through_ours(port, TRIVIAL, data), through_npm(port, TRIVIAL, data)) for _ in range(3)]

    with TcpEvaluator(*client.files) as served:
        took = benchmark.pedantic(passes, args=(served.port,), rounds=1)
    measure("trivial slices of one sandbox of the worker", statistics.median(count / o for o, _ in took), "slices/s")
    measure("  ratio to npm's Sandbox without its pauses", statistics.median(t / o for o, t in took), "", ">= 1")


def test_cpu_of_the_worker_for_a_slice(benchmark, measure, client):
    """Of this process alone, sandboxes at work side by side."""
    sandboxes, count = 4, 500

    async def drive() -> tuple[float, float]:
        async with evaluator(client, "auto") as owner:
            boxes = [await Sandbox.start(await owner.open(), client.messages) for _ in range(sandboxes)]
            cpu, began = time.process_time(), time.perf_counter()
            await asyncio.gather(*(run_all(box, TRIVIAL, list(range(count)), 0) for box in boxes))
            return time.process_time() - cpu, time.perf_counter() - began

    cpu, took = benchmark.pedantic(lambda: asyncio.run(drive()), rounds=1)
    slices = sandboxes * (count + 1)
    measure("CPU of the worker for a trivial slice, its sandbox's part", 1e6 * cpu / slices, "us", "<= 150")
    measure("trivial slices of four sandboxes", slices / took, "slices/s")


def test_a_mebibyte_in_and_out(benchmark, measure, client):
    count, size = 20, 1 << 20
    ours = np.resize(np.arange(256, dtype=np.uint8), size)

    def passes(port: int) -> list[tuple[float, float]]:
        theirs = [{"$bytes": size}] * count
        return [
            (through_ours(port, NEGATIVE, [ours] * count, size), through_npm(port, NEGATIVE, theirs)) for _ in range(3)
        ]

    with TcpEvaluator(*client.files) as served:
        took = benchmark.pedantic(passes, args=(served.port,), rounds=1)
    measure("slices of 1 MiB in and out of one sandbox", statistics.median(count / o for o, _ in took), "slices/s")
    measure("  ratio to npm's Sandbox without its pauses", statistics.median(t / o for o, t in took), "", ">= 1")
