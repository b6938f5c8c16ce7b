"""What becomes of a job on a cluster when the program that has started it ends."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from process_tree import descendants, is_running, name_of
from ray_cluster import RayCluster
from zygote_control import wait_until

pytestmark = pytest.mark.any_engine

_BEGIN = """
import sys
import threading
import dcp_evaluator as dcp

def start(inputs, source, **options):
    global results
    job = dcp.compute_for(inputs, source)
    started = threading.Event()
    job.on("progress", lambda event: (print("runs", flush=True), started.set()))
    job.on("complete", lambda results: print("complete", len(results)))
    results = job.cluster_exec(sys.argv[1], sandboxes_per_node=1, **options)
    started.wait()

"""
_ENDLESS = """
start([1], "() => { progress(); for (;;); }", nodes=1)
"""
_ENDLESS_WITH_GPU = """
start(
    range(2), "async () => { await (await navigator.gpu.requestAdapter()).requestDevice(); progress(); for (;;); }",
    gpus="software",
)
"""
_LONG = """
start(range(20), '''async (x) => {
  if (x === 0) progress();
  await new Promise((done) => setTimeout(done, 100));
  return x;
}''')
"""


@contextmanager
def running(
    cluster: RayCluster, source: str, address: str = "auto", **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """A program whose job has begun."""
    with cluster.driver(_BEGIN + source, address, **environment) as program:
        try:
            assert program.stdout is not None
            assert program.stdout.readline() == "runs\n"
            yield program
        finally:
            program.kill()


def evaluators(cluster: RayCluster) -> list[int]:
    """Their processes, and all below them."""
    found = [worker for node in cluster.nodes for worker in node.workers("EvaluatorActor")]
    return [process for worker in found for process in (worker, *descendants(worker))]


def check_gone(processes: list[int]) -> None:
    wait_until(lambda: not any(map(is_running, processes)), "evaluators, sandboxes and GPU hosts have ended")


@pytest.mark.parametrize(
    ("number", "source", "names"),
    [
        (signal.SIGKILL, _ENDLESS_WITH_GPU, {"dcp-zygote", "dcp-sandbox", "dcp-gpu-host"}),
        (signal.SIGTERM, _ENDLESS, {"dcp-zygote", "dcp-sandbox"}),
    ],
    ids=["SIGKILL", "SIGTERM"],
)
def test_nothing_runs_on_when_the_program_is_killed(
    two_nodes: RayCluster, number: signal.Signals, source: str, names: set[str]
) -> None:
    with running(two_nodes, source + "results.wait()") as program:
        processes = evaluators(two_nodes)
        assert names <= set(map(name_of, processes))
        program.send_signal(number)
        check_gone(processes)
        _, errors = program.communicate(timeout=60)
    assert (program.returncode, errors) == (-number, "")


def test_nothing_runs_on_when_a_client_is_killed(for_client: RayCluster) -> None:
    """Ray waits for one that has lost its connection, half a minute unless it is told otherwise."""
    with running(for_client, _LONG, for_client.client_address, RAY_CLIENT_RECONNECT_GRACE_PERIOD="1") as program:
        processes = evaluators(for_client)
        assert "dcp-sandbox" in set(map(name_of, processes))
        program.kill()
        check_gone(processes)


def test_a_program_that_ends_lets_its_job_finish(two_nodes: RayCluster) -> None:
    with running(two_nodes, _LONG + "print('ends')") as program:
        assert program.stdout is not None
        assert program.stderr is not None
        # What was read ahead with its first line, communicate() would not give.
        assert (program.stdout.read(), program.stderr.read()) == ("ends\ncomplete 20\n", "")
    assert program.returncode == 0


def test_a_program_that_raises_does_not_wait_for_its_job(two_nodes: RayCluster) -> None:
    with running(two_nodes, _ENDLESS + "raise SystemError('own fault')") as program:
        processes = evaluators(two_nodes)
        _, errors = program.communicate(timeout=60)
    check_gone(processes)
    assert program.returncode == 1
    assert errors.startswith("Traceback ")
    assert errors.endswith("\nSystemError: own fault\n")
    assert errors.count("\n") < 8


def test_a_program_that_is_interrupted_ends_its_job(two_nodes: RayCluster) -> None:
    with running(two_nodes, _ENDLESS + "results.wait()") as program:
        processes = evaluators(two_nodes)
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=60)
    check_gone(processes)
    assert errors.count("Traceback") == 1
    assert "KeyboardInterrupt\nOnly the wait was interrupted" in errors
