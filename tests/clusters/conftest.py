from __future__ import annotations

from collections.abc import Iterator

import pytest

from ray_cluster import RayCluster, ray_cluster, turn_of_client


@pytest.fixture(scope="session")
def two_nodes(temporary_folder: object) -> Iterator[RayCluster]:
    """A cluster that tests leave as it is."""
    with ray_cluster([{"num_cpus": 1}, {"num_cpus": 1}]) as cluster:
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
