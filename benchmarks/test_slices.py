"""How many slices and bytes go through one sandbox."""

from __future__ import annotations

import time

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


def _memcpy_rate(rows: np.ndarray) -> float:
    """Bytes a second of copying row by row to memory that is there already."""
    target = np.zeros_like(rows)
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        for source, sink in zip(rows, target, strict=True):
            np.copyto(sink, source)
        best = min(best, time.perf_counter() - begun)
    return rows.nbytes / best


def _report(measure, name: str, rows: np.ndarray, seconds: float, target: str) -> None:
    memcpy = _memcpy_rate(rows)
    rate = 2 * rows.nbytes / seconds
    measure(f"{name}, in and out", rate / 1e9, "GB/s", f"memcpy: {memcpy / 1e9:.2f}")
    measure(f"{name}, ratio to memcpy", rate / memcpy, "", target)


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
