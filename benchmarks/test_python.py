"""Python work functions: first results, memory, rates, and ten programs against Node with the same Pyodide."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dcp_evaluator as dcp
from dcp_evaluator.distribution.places import FOLDER_VARIABLE
from dcp_evaluator.settings.settings import CACHE_VARIABLE
from node import node
from python_distribution import python_environment

PACKAGES = ["numpy", "pandas", "scipy", "sqlite3"]
_HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def pythons() -> Iterator[dcp.Evaluator]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in python_environment().items():
            patch.setenv(name, value)
        with dcp.Evaluator(cache=python_environment()[CACHE_VARIABLE]) as evaluator:
            first_result(evaluator, ["numpy"])  # compiled once, and a warm template
            yield evaluator


def first_result(evaluator: dcp.Evaluator, modules: list[str]) -> float:
    """Milliseconds from compute_for to the result of a slice that uses numpy, in a new sandbox."""
    begun = time.perf_counter()
    job = dcp.compute_for([5], lambda x: float(np.sum(np.arange(x))))
    job.modules = modules
    assert job.local_exec(sandboxes=1, evaluator=evaluator)[0] == 10.0
    return 1e3 * (time.perf_counter() - begun)


def in_node(folder: str, *arguments: Path) -> tuple[float, dict[str, Any]]:
    """Milliseconds of the whole run, and what python_peer.mjs tells."""
    begun = time.perf_counter()
    done = subprocess.run([node(), _HERE / "python_peer.mjs", folder, *arguments], check=True, capture_output=True)
    return 1e3 * (time.perf_counter() - begun), json.loads(done.stdout)


@pytest.mark.full
def test_first_result_with_numpy(pythons, benchmark, measure):
    folder = _release(python_environment()[FOLDER_VARIABLE])
    rounds = 21
    times = benchmark.pedantic(lambda: [first_result(pythons, ["numpy"]) for _ in range(rounds)], rounds=1)
    theirs = statistics.median(in_node(folder)[1]["first"] for _ in range(3))
    ours = statistics.median(times)
    measure("Python with numpy: first result in a new sandbox", ours, "ms", "30", spread=(min(times), max(times)))
    measure(
        "Python with numpy: first result, Node's Pyodide / ours", theirs / ours, "", "50", peer="Node, Pyodide 0.27.7"
    )


@pytest.mark.full
def test_first_result_with_packages(pythons, benchmark, measure):
    first_result(pythons, PACKAGES)
    rounds = 21
    times = benchmark.pedantic(lambda: [first_result(pythons, PACKAGES) for _ in range(rounds)], rounds=1)
    measure("Python with scipy and pandas: first result", statistics.median(times), "ms", "60")


@pytest.mark.full
def test_template_from_what_is_compiled(benchmark, measure):
    def load() -> float:
        with dcp.Evaluator(cache=python_environment()[CACHE_VARIABLE]) as evaluator:
            return first_result(evaluator, ["numpy"])

    with pytest.MonkeyPatch.context() as patch:
        for name, value in python_environment().items():
            patch.setenv(name, value)
        times = benchmark.pedantic(lambda: [load() for _ in range(3)], rounds=1)
    measure("Python with numpy: a new template's first result", statistics.median(times), "ms", "1000")


def test_trivial_slices(pythons, benchmark, measure):
    count = 20_000

    def run() -> float:
        begun = time.perf_counter()
        results = dcp.compute_for(range(count), lambda x: x).local_exec(sandboxes=1, evaluator=pythons)
        assert results.values()[-1] == count - 1
        return count / (time.perf_counter() - begun)

    rates = benchmark.pedantic(lambda: [run() for _ in range(3)], rounds=1)
    measure("Python: trivial slices through one sandbox", max(rates), "slices/s", "10000")


def test_arrays(pythons, benchmark, measure):
    rows = dcp.shared_empty((32, 2 << 20))
    rows[:] = 1.0

    def run() -> float:
        begun = time.perf_counter()
        results = dcp.compute_for(rows, lambda x: x + 1).local_exec(sandboxes=1, evaluator=pythons)
        for _, value in results.as_completed():
            assert value[0] == 2.0
        return 2 * rows.nbytes / (time.perf_counter() - begun) / 1e9

    rates = benchmark.pedantic(lambda: [run() for _ in range(3)], rounds=1)
    measure("Python: float64 arrays of 16 MiB in and out", max(rates), "GB/s", "1.5")


@pytest.mark.full
def test_ten_programs(pythons, benchmark, measure):
    programs = _HERE / "python_programs.py"
    source = f"{programs.read_text()}\nimport dcp\ndcp.set_slice_handler(lambda x: measured())\n"
    job = dcp.compute_for([0], source)
    job.modules = PACKAGES
    ours = benchmark.pedantic(lambda: job.local_exec(sandboxes=1, evaluator=pythons)[0], rounds=1)
    _, told = in_node(_release(python_environment()[FOLDER_VARIABLE]), programs)
    theirs = told["programs"]
    for name, milliseconds in ours.items():
        measure(f"Python: {name}, Node / ours", theirs[name] / milliseconds, "", peer="Node, Pyodide 0.27.7")
    mean = math.exp(statistics.fmean(math.log(theirs[name] / ours[name]) for name in ours))
    measure("Python: ten programs, Node / ours, geometric mean", mean, "", "1.0", peer="Node, Pyodide 0.27.7")


def _release(folder: str) -> str:
    """The folder of the one release in ``folder``."""
    (lock,) = Path(folder).rglob("pyodide-lock.json")
    return str(lock.parent)
