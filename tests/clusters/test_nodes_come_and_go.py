"""Nodes, and evaluators on them, are killed and added while jobs run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from process_tree import descendants, is_running, kill
from ray_cluster import Node, RayCluster, ray_cluster
from zygote_control import wait_until

pytestmark = pytest.mark.any_engine

_COUNTING = Path(__file__).with_name("counting.py")
_SHORTEST = "(x) => { for (const end = performance.now() + 0.1; performance.now() < end;); return 2 * x; }"
_SHORT = "async (x) => { await new Promise((done) => setTimeout(done, 1)); return 2 * x; }"
_SECONDS = 3.0
"""Between two that are killed."""
_NOISE = "Attempting to recover"
"""Ray says that of results which were on a node that is lost."""
_ENDLESS = "(x) => { progress(); for (;;); }"


@pytest.fixture(scope="module")
def head(temporary_folder: object) -> Iterator[RayCluster]:
    with ray_cluster([{"num_cpus": 0}]) as cluster:
        yield cluster


@pytest.fixture
def cluster(head: RayCluster) -> Iterator[RayCluster]:
    """A head on which nothing runs; a test adds nodes."""
    yield head
    for node in head.nodes[1:]:
        head.remove_node(node)


class Counting:
    """counting.py, as it runs."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        assert program.stdin is not None
        assert program.stdout is not None
        self._stdin, self._stdout = program.stdin, program.stdout

    def hear(self) -> list[Any]:
        """What it tells next, but for results."""
        while (told := self.read())[0] == "results":
            pass
        return told

    def hear_results(self, least: int = 0) -> None:
        """Waits for more results, and until there are that many in all."""
        while True:
            what, number = self.read()
            assert what == "results"
            if number >= least:
                return

    def end_inputs(self) -> None:
        print(file=self._stdin, flush=True)

    def read(self) -> list[Any]:
        line = self._stdout.readline()
        assert line, "it has ended"
        return json.loads(line)


@contextmanager
def counting(cluster: RayCluster, source: str, how_many: int = 0, **options: Any) -> Iterator[Counting]:
    with cluster.driver(_COUNTING, source, str(how_many), json.dumps(options)) as program:
        try:
            yield Counting(program)
            _, told = program.communicate(timeout=60)
            assert [line for line in told.splitlines() if _NOISE not in line] == []
            assert program.returncode == 0
        finally:
            program.kill()


def name(node: Node) -> str:
    return f"{os.uname().nodename} ({node.id[:8]})"


def kill_evaluator(node: Node) -> list[int]:
    """Its process alone; those below it."""
    evaluator, *_ = node.workers("EvaluatorActor")
    below = descendants(evaluator)
    os.kill(evaluator, signal.SIGKILL)
    return below


def hear_joined(job: Counting, *nodes: Node) -> None:
    assert sorted(job.hear() for _ in nodes) == sorted(["joined", name(node), ""] for node in nodes)


def hear_lost(job: Counting, *nodes: Node) -> None:
    """Which of its connections tells Ray first is open, and with that the reason."""
    assert sorted(job.hear()[:2] for _ in nodes) == sorted(["lost", name(node)] for node in nodes)


def test_what_is_lost_runs_again_elsewhere(cluster: RayCluster) -> None:
    first, second = cluster.add_node(num_cpus=1), cluster.add_node(num_cpus=1)
    with counting(cluster, _SHORT) as job:
        hear_joined(job, first, second)
        job.hear_results()

        below = kill_evaluator(first)
        assert job.hear() == ["lost", name(first), "its process died"]
        hear_joined(job, first)
        wait_until(lambda: not any(map(is_running, below)), "nothing of it runs on")

        second.kill_raylet()
        hear_lost(job, second)
        third = cluster.add_node(num_cpus=1)
        hear_joined(job, third)
        first.freeze()
        hear_lost(job, first)
        job.hear_results()  # of the third one
        third.kill()
        hear_lost(job, third)
        what, why = job.hear()
        assert what == "failed"
        assert why.startswith("none of the 1 nodes of the cluster has a CPU for Ray, ")


def test_a_slice_that_ends_its_evaluators_fails(two_nodes: RayCluster) -> None:
    with counting(two_nodes, _ENDLESS, 1, nodes=1, sandboxes_per_node=1, retries=1) as job:
        for _ in range(2):
            node = hear_start(job, two_nodes)
            kill_evaluator(node)
            assert job.hear() == ["lost", name(node), "its process died"]
        message = f"slice 0: NodeError: its node was lost, 2 of 2 times; the last, {name(node)}: its process died"
        assert job.hear() == ["done", 0, [message]]


def test_a_slice_that_ends_its_sandboxes_fails(two_nodes: RayCluster) -> None:
    with counting(two_nodes, _ENDLESS, 1, nodes=1, sandboxes_per_node=1, retries=1) as job:
        node = hear_start(job, two_nodes)
        kill_sandboxes(node)
        assert job.hear() == ["progress"]
        kill_sandboxes(node)
        message = "slice 0: SandboxError: its sandbox died, 2 of 2 times; the last: signal 9 (SIGKILL)"
        assert job.hear() == ["done", 0, [message]]


def hear_start(job: Counting, cluster: RayCluster) -> Node:
    """Of a slice that tells its progress, on the first node that joins."""
    what, who, _ = job.hear()
    assert (what, job.hear()) == ("joined", ["progress"])
    (node,) = (node for node in cluster.nodes if name(node) == who)
    return node


def kill_sandboxes(node: Node) -> None:
    for process in node.processes():
        kill(process, "dcp-sandbox")


def test_a_node_without_what_the_job_needs_is_left_out(cluster: RayCluster) -> None:
    no_engine = cluster.add_node(num_cpus=1, env_vars={"DCP_EVALUATOR_ENGINE": "spidermonkey"})
    no_python = cluster.add_node(num_cpus=1, env_vars={"DCP_EVALUATOR_PYTHON": "/nowhere"})
    bad_engine = "DCP_EVALUATOR_ENGINE is 'spidermonkey'; it is one of auto, quickjs, v8"
    with counting(cluster, _SHORT, 100) as job:
        told = [job.hear(), job.hear()]
        assert sorted(told) == [["joined", name(no_python), ""], ["left out", name(no_engine), bad_engine]]
        assert job.hear() == ["done", 100, []]

    nowhere = "no Python distribution is installed in /nowhere; run: dcp-evaluator python install"
    with counting(cluster, "python", 100) as job:
        left_out = dict([job.hear()[1:], job.hear()[1:]])
        assert left_out == {name(no_engine): bad_engine, name(no_python): nowhere}
        reasons = [f"{who}: {why}" for who, why in left_out.items()]
        assert job.hear() == ["failed", "\n".join(["no node of the cluster can run the job", *reasons])]


def test_a_gpu_that_no_node_has(two_nodes: RayCluster) -> None:
    with counting(two_nodes, "async (x) => navigator.gpu.requestAdapter()", 1) as job:
        what, why = job.hear()
        assert what == "failed"
        assert why.startswith("none of the 2 nodes of the cluster has a GPU for Ray, ")


@pytest.mark.timeout(300)  # where other programs keep the CPUs busy
def test_each_slice_runs_once_whatever_is_killed(cluster: RayCluster) -> None:
    count = 100_000
    cluster.add_node(num_cpus=1)
    cluster.add_node(num_cpus=1)
    losses = 0
    with counting(cluster, _SHORTEST, count) as job:
        ends = cycle((kill_evaluator, Node.kill, Node.kill_raylet))
        last = time.monotonic()
        while (told := job.read())[0] != "done":
            losses += told[0] == "lost"
            if time.monotonic() > last + _SECONDS:
                kill_oldest(cluster, next(ends))
                last = time.monotonic()
    assert told == ["done", count, []]
    assert losses > 0


def kill_oldest(cluster: RayCluster, end: Callable[[Node], object]) -> None:
    node = cluster.nodes.pop(1)
    end(node)
    if end is kill_evaluator:
        cluster.nodes.append(node)
    else:
        cluster.add_node(num_cpus=1)
