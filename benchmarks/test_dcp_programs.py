"""Slices through the Sandbox class of npm's dcp-client, on our evaluator and on dcp-client's own evaluator-node.js."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "peers"))

from dcp_programs import environment, modules, run_slices, start_up_files

from line_peer import TcpEvaluator
from node import node
from ports import free_port

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def ours() -> Iterator[int]:
    """The port of dcp-evaluator."""
    with TcpEvaluator(*start_up_files("native")) as evaluator:
        yield evaluator.port


@pytest.fixture(scope="module")
def theirs() -> Iterator[int]:
    """The port of evaluator-node.js: a Node for each connection."""
    with node_evaluator() as port:
        yield port


@contextmanager
def node_evaluator() -> Iterator[int]:
    port = free_port()
    program = modules() / "dcp-client" / "libexec" / "evaluator-node.js"
    # It refuses root. In a user namespace of its own, root has no name but may read what it may read.
    unnamed = ["unshare", "--user"] if os.getuid() == 0 else []
    with (
        tempfile.TemporaryDirectory() as home,
        subprocess.Popen(
            [*unnamed, node(), program, "--port", str(port), *start_up_files("node")],
            env=environment(home),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(b"Listening"), "evaluator-node.js does not start"
            yield port
        finally:
            process.terminate()


def paired(ours: int, theirs: int, passes: int, *scenario: Any) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The reports of runs in turn, on our evaluator and on theirs. The supervisor's own pauses are left out."""
    pairs = [tuple(run_slices(port, *scenario, undelayed=True) for port in (ours, theirs)) for _ in range(passes)]
    for one, other in pairs:
        results = [[outcome["result"] for outcome in report["slices"]] for report in (one, other)]
        assert results[0] == results[1]
    return pairs


def test_trivial_slices_through_the_sandbox_class(benchmark, measure, ours, theirs):
    """At each slice Node's waits for a delayed acknowledgement of TCP; with TCP_NODELAY it would be 5 times as fast."""
    count = 200
    job = {"workFunction": "(x) => { progress(); return x; }"}
    pairs = benchmark.pedantic(paired, args=(ours, theirs, 3, job, list(range(count))), rounds=1)
    rates = [[1e3 * count / report["milliseconds"] for report in pair] for pair in pairs]
    measure(
        "trivial slices through dcp-client's Sandbox", statistics.median(r[0] for r in rates), "slices/s", "none set"
    )
    measure("  ratio to evaluator-node.js", statistics.median(r[0] / r[1] for r in rates), "", ">= 1")


def test_first_result_of_pyodide(benchmark, measure, ours, theirs):
    """From the connection to the first result. Ours has run such jobs before, and starts Python ahead since."""
    source = "import dcp\ndef work(x):\n  dcp.progress(1)\n  return 2 * x\ndcp.set_slice_handler(work)\n"
    job = {"workFunction": source, "arguments": [1], "worktime": {"name": "pyodide", "version": "0.26.0"}}
    for _ in range(2):  # after the second, Python is there
        run_slices(ours, job, [1])
    pairs = benchmark.pedantic(paired, args=(ours, theirs, 3, job, [21]), rounds=1)
    seconds = [[report["toFirstResult"] / 1e3 for report in pair] for pair in pairs]
    measure("Pyodide, connection to first result", statistics.median(s[0] for s in seconds), "s", "none set")
    measure("  times faster than evaluator-node.js", statistics.median(s[1] / s[0] for s in seconds), "", ">= 3")
