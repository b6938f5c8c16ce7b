"""A job on a cluster is the same to a program as a job on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from python_distribution import python_environment
from ray_cluster import RayCluster

pytestmark = pytest.mark.any_engine


def run(cluster: RayCluster, scenarios: str, *arguments: str) -> None:
    program = Path(__file__).with_name(f"scenarios_of_{scenarios}.py")
    done = cluster.run_driver(program, *arguments, **python_environment())
    slow = ("dcp-evaluator: loading ", "dcp-evaluator: the job waits until Ray has room ")
    told = [line for line in done.stderr.splitlines() if not line.startswith(slow)]
    assert (done.returncode, told, done.stdout) == (0, [], "")


@pytest.mark.parametrize("scenarios", ["events", "failures", "python", "reading", "values"])
def test_on_two_nodes(two_nodes: RayCluster, scenarios: str) -> None:
    run(two_nodes, scenarios, "auto")


def test_by_way_of_ray_client(for_client: RayCluster) -> None:
    """The cluster has one node; two are asked for, so that Ray's autoscaler is."""
    run(for_client, "values", for_client.client_address, "values", "rows", "random_numbers")
