"""Clusters that tests start: their nodes are there, are lost, and leave nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from process_tree import children, descendants, is_running
from ray_cluster import Node, RayCluster, ray_cluster
from zygote_control import wait_until

pytestmark = pytest.mark.any_engine

_ACTOR = """
import os, sys, ray
ray.init(log_to_driver=False, logging_level="ERROR")

class Sleeper:
    def pids(self):
        import os, subprocess
        return os.getpid(), subprocess.Popen(["sleep", "1000"]).pid

actor = ray.remote(Sleeper).options(resources={"here": 1}).remote()
print(*ray.get(actor.pids.remote()), flush=True)
sys.stdin.read()
"""
_KILLED = """
import os, sys
sys.path.insert(0, sys.argv[1])
from ray_cluster import ray_cluster

with ray_cluster() as cluster, cluster.driver("import sys; sys.stdin.read()"):
    print(cluster.folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def cluster(temporary_folder: object) -> Iterator[RayCluster]:
    """Its own: Ray never forgets nodes that were lost."""
    with ray_cluster([{"num_cpus": 1}]) as cluster:
        yield cluster


@pytest.fixture
def node(cluster: RayCluster) -> Iterator[Node]:
    """A second one, for one test."""
    node = cluster.add_node(num_cpus=2, resources={"here": 1})
    yield node
    cluster.remove_node(node)


def test_programs_find_its_nodes(cluster: RayCluster, node: Node) -> None:
    done = cluster.run_driver(
        """
        import ray
        ray.init(log_to_driver=False, logging_level="ERROR")
        print(*sorted(node["Resources"]["CPU"] for node in ray.nodes() if node["Alive"]))
        """
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "1.0 2.0\n", "")
    assert set(cluster.alive()) == {cluster.nodes[0].id, node.id}


def test_of_a_node_that_is_killed_nothing_runs_on(cluster: RayCluster, node: Node) -> None:
    with cluster.driver(_ACTOR) as driver:
        worker, child = _pids(driver)
        assert node.workers("Sleeper") == [worker]
        assert child in node.processes()
        processes = node.processes()
        node.kill()
        wait_until(lambda: not any(map(is_running, processes)), "all its processes have ended")
        wait_until(lambda: node.id not in cluster.alive(), "the head misses it")
        driver.kill()


def test_workers_end_with_their_raylet(cluster: RayCluster, node: Node) -> None:
    with cluster.driver(_ACTOR) as driver:
        worker, _ = _pids(driver)
        node.kill_raylet()
        wait_until(lambda: not is_running(worker), "the worker has ended")
        driver.kill()


def test_a_node_that_is_silent_is_missed(cluster: RayCluster, node: Node) -> None:
    processes = node.freeze()
    wait_until(lambda: node.id not in cluster.alive(), "the head misses it")
    assert all(map(is_running, processes))


def test_a_node_that_stops_says_so(cluster: RayCluster, node: Node) -> None:
    node.stop()
    wait_until(lambda: node.id not in cluster.alive(), "the head knows")


def test_after_tests_that_are_killed_nothing_is_left() -> None:
    tests = str(Path(__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_KILLED), tests],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as killed:
        assert killed.stdout is not None
        folder = Path(killed.stdout.readline().strip())
        program, driver = children(killed.pid)
        processes = [program, driver, *descendants(program)]
        assert all(map(is_running, processes))
        assert folder.is_dir()
        killed.send_signal(signal.SIGKILL)
    wait_until(lambda: not any(map(is_running, processes)), "all processes have ended")
    assert not folder.exists()


def _pids(driver: subprocess.Popen[str]) -> list[int]:
    assert driver.stdout is not None
    return [int(pid) for pid in driver.stdout.readline().split()]
