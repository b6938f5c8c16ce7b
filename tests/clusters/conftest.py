from __future__ import annotations

import os
from collections.abc import Iterator
from socket import socket

import pytest

from own_package import hidden, in_version
from python_distribution import python_environment
from ray_cluster import RayCluster, ray_cluster, turn_of_client


@pytest.fixture(scope="session")
def two_nodes(temporary_folder: object) -> Iterator[RayCluster]:
    """A cluster that tests leave as it is."""
    with ray_cluster([{"num_cpus": 1}, {"num_cpus": 1}], os.environ | python_environment()) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def cluster_with_client(temporary_folder: object) -> Iterator[RayCluster]:
    with ray_cluster(with_client=True) as cluster:
        yield cluster


@pytest.fixture
def for_client(cluster_with_client: RayCluster) -> Iterator[RayCluster]:
    """A node, and a server for Ray Client, for one test."""
    with turn_of_client():
        yield cluster_with_client


@pytest.fixture(scope="session")
def mixed(tmp_path_factory: pytest.TempPathFactory, temporary_folder: object) -> Iterator[RayCluster]:
    """Its head has our version of the package, the second node none, the third another."""
    nodes = [
        {"num_cpus": 1},
        {"num_cpus": 1, "env_vars": hidden(tmp_path_factory.mktemp("none"))},
        {"num_cpus": 1, "env_vars": in_version(tmp_path_factory.mktemp("other"), "0.0.9")},
    ]
    with ray_cluster(nodes) as cluster:
        yield cluster


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nobody listens, as long as the test runs."""
    with socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"
