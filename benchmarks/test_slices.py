"""How many slices and bytes go through one sandbox."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import dcp_evaluator as dcp

_MIB = 1 << 20


def test_trivial_slices(benchmark, measure, evaluator):
    count = 50_000

    def run() -> int:
        results = dcp.compute_for(range(count), "(x) => x + 1").local_exec(1, evaluator=evaluator)
        return len(results.wait())

    assert benchmark.pedantic(run, rounds=3, warmup_rounds=1) == count
    measure("trivial slices through one sandbox", count / benchmark.stats["median"], "slices/s", ">= 20,000")


def _resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.full
@pytest.mark.parametrize("way", ["items", "as_completed"])
def test_results_taken_as_they_come(measure, evaluator, way):
    """The driver's memory does not grow with their number."""

    def run(count: int) -> int:
        results = dcp.compute_for(range(count), "(x) => x + 1").local_exec(1, evaluator=evaluator, keep=False)
        return sum(1 for _ in getattr(results, way)())

    run(20_000)
    before, begun, count = _resident(), time.perf_counter(), 1_000_000
    assert run(count) == count
    rate = count / (time.perf_counter() - begun)
    measure(f"slices taken as they come by {way}()", rate, "slices/s", ">= 20,000")
    measure(f"memory after {count:,} slices taken by {way}()", (_resident() - before) / _MIB, "MiB", "<= 8")


def _best_rate(rows: np.ndarray, copy: Callable[[], object]) -> float:
    """Bytes of ``rows`` a second, the best of five calls of ``copy``."""
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        copied = copy()
        best = min(best, time.perf_counter() - begun)
        del copied
    return rows.nbytes / best


def _report(measure, name: str, rows: np.ndarray, seconds: float, target: str) -> None:
    """The rate, and its ratio to a memcpy into memory in use, and into new memory, which each result is."""
    sink = np.zeros_like(rows)
    reused = _best_rate(rows, lambda: [np.copyto(to, row) for to, row in zip(sink, rows, strict=True)])
    new = _best_rate(rows, lambda: [row.copy() for row in rows])
    rate = 2 * rows.nbytes / seconds
    measure(f"{name}, in and out", rate / 1e9, "GB/s", f"memcpy: {reused / 1e9:.2f}, into new memory: {new / 1e9:.2f}")
    measure(f"{name}, ratio to memcpy", rate / reused, "", target)
    measure(f"{name}, ratio to one into new memory", rate / new, "", target)


@pytest.mark.parametrize("kind", ["shared_empty", "numpy"])
def test_arrays_of_1_mib(benchmark, measure, evaluator, kind):
    count = 256
    rows = dcp.shared_empty((count, _MIB // 4), np.float32) if kind == "shared_empty" else None
    if rows is None:
        rows = np.empty((count, _MIB // 4), np.float32)
    rows[:] = np.arange(count)[:, None]

    def run() -> None:
        for index, result in enumerate(dcp.compute_for(rows, "(x) => x").local_exec(1, evaluator=evaluator)):
            assert result[-1] == index

    benchmark.pedantic(run, rounds=3, warmup_rounds=1)
    _report(measure, f"1 MiB float32 arrays ({kind})", rows, benchmark.stats["median"], ">= 0.7")


def test_array_of_64_mib(benchmark, measure, evaluator):
    rows = dcp.shared_empty((1, 16 * _MIB), np.float32)
    rows[:] = 1.5

    def run() -> None:
        (result,) = dcp.compute_for(rows, "(x) => x").local_exec(1, evaluator=evaluator)
        assert result.nbytes == rows.nbytes
        assert result[0] == result[-1] == 1.5

    benchmark.pedantic(run, rounds=5, warmup_rounds=1)
    _report(measure, "a float32 array of 64 MiB", rows, benchmark.stats["median"], "none set")
