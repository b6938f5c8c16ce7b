"""What nodes have of this package is told, also where that is nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dcp_evaluator.clusters.versions import Versions, tell_versions
from dcp_evaluator.settings.installation import VERSION
from own_package import hidden, wheel
from ray_cluster import RayCluster, ray_cluster
from ray_program import run

pytestmark = pytest.mark.any_engine

_REMEDY = f"; run there: {sys.executable} -m pip install 'dcp-evaluator[ray]=={VERSION}'"
_ASK = """
import ray
from dcp_evaluator.clusters.node_calls import call_on
from dcp_evaluator.clusters.versions import Versions, tell_versions

def ask():
    own = Versions.of(tell_versions())
    for node in ray.nodes():
        told = Versions.of(ray.get(call_on(node["NodeID"], tell_versions)))
        print(told.package, told.refusal(own))
"""
_WITH_WHEEL = """
ray.init(address, log_to_driver=False, logging_level="ERROR", runtime_env={"py_modules": modules})
ask()
"""
_JOB = """
job = dcp.compute_for([1, 2, 3], "x => x * x")
print(job.cluster_exec(nodes=1).values())
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, temporary_folder: object) -> Iterator[RayCluster]:
    """A node without the package, whose pip fetches nothing."""
    offline = {"PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, **hidden(tmp_path_factory.mktemp("none")), **offline, "PATH": programs}
    with ray_cluster([{"num_cpus": 1}], environment) as cluster:
        yield cluster


def test_all_nodes_tell(mixed: RayCluster) -> None:
    assert sorted(run(_ASK + "connect(address); ask()", mixed.address)) == [
        f"0.0.9 it has dcp-evaluator 0.0.9, this program {VERSION}{_REMEDY}",
        f"{VERSION} None",
        f"None dcp-evaluator is not installed there{_REMEDY}",
    ]


def test_a_wheel_for_a_job_is_used(bare: RayCluster, tmp_path: Path) -> None:
    modules = f"modules = [{str(wheel(tmp_path))!r}]"
    assert run(_ASK + modules + _WITH_WHEEL + _JOB, bare.address) == [f"{VERSION} None", "[1, 4, 9]"]


def test_a_wheel_of_another_version_is_told(bare: RayCluster, tmp_path: Path) -> None:
    modules = f"modules = [{str(wheel(tmp_path, '0.0.9'))!r}]"
    (told,) = run(_ASK + modules + _WITH_WHEEL, bare.address)
    assert told == f"0.0.9 it has dcp-evaluator 0.0.9, this program {VERSION}{_REMEDY}"


def test_what_cannot_be_loaded() -> None:
    own = Versions.of(tell_versions())
    broken = own._replace(package=None, problem="libfoo.so.1: cannot open shared object file")
    assert broken.refusal(own) == (
        "dcp-evaluator cannot be loaded there: libfoo.so.1: cannot open shared object file" + _REMEDY
    )
    assert own.refusal(own) is None
