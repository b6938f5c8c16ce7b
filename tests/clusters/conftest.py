from __future__ import annotations

from collections.abc import Iterator

import pytest

from ray_cluster import RayCluster, ray_cluster


@pytest.fixture(scope="session")
def two_nodes(temporary_folder: object) -> Iterator[RayCluster]:
    """A cluster that tests leave as it is."""
    with ray_cluster([{"num_cpus": 1}, {"num_cpus": 1}]) as cluster:
        yield cluster
