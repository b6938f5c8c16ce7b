"""Evaluators on one node, each with a GPU of Ray's: their sandboxes see that one alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_kernel import FakeKernel
from gpu_driver import gpu_driver, only
from ray_cluster import RayCluster, ray_cluster
from ray_program import run

pytestmark = pytest.mark.any_engine

_TAKE = """
import ray

class Taker:
    def take(self, asked, counted, root, **options):
        from pathlib import Path
        import dcp_evaluator as dcp
        from dcp_evaluator.clusters.gpus import gpu_options
        from dcp_evaluator.settings.settings import Settings

        try:
            gpu = gpu_options(asked, counted, Settings(), root=Path(root), **options)
        except dcp.DcpError as error:
            return f"{type(error).__name__}: {error}"
        with dcp.Evaluator(gpu=gpu) as evaluator:
            job = dcp.compute_for([0], "async () => (await navigator.gpu.requestAdapter())?.info.device ?? 'none'")
            return job.local_exec(1, evaluator=evaluator).wait()[0]

    def foresee(self, roots):
        from pathlib import Path
        from dcp_evaluator.clusters.gpus import foreseen_refusal
        from dcp_evaluator.settings.settings import Settings

        return [foreseen_refusal(Settings(), Path(root)) for root in roots]

connect(address)
"""
_TWO = """
takers = [ray.remote(Taker).options(num_gpus=1, num_cpus=0).remote() for _ in range(2)]
print(*sorted(ray.get([taker.take.remote(1, 2, root) for taker in takers])), sep="\\n")
"""
_ALONE = """
taker = ray.remote(Taker).options(num_gpus={asked}, num_cpus=0).remote()
print(ray.get(taker.take.remote({asked}, {counted}, root{options})))
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, temporary_folder: object) -> Iterator[RayCluster]:
    """With two GPUs, as Ray and the loader of Vulkan see it."""
    folder = tmp_path_factory.mktemp("drivers")
    for each in (folder, *folder.parents[:3]):
        each.chmod(0o755)  # GPU hosts of root run as nobody
    later = gpu_driver(folder, "GPU at 65", bus=0x65, uuid=2, driver="same")
    first = gpu_driver(folder, "GPU at 17", bus=0x17, uuid=1, driver="same")
    with ray_cluster([{"num_cpus": 2, "num_gpus": 2}], {**os.environ, **only(later, first)}) as cluster:
        yield cluster


@pytest.fixture
def kernel(tmp_path: Path) -> FakeKernel:
    kernel = FakeKernel(tmp_path)
    kernel.nvidia("0000:17:00.0", minor=0)
    kernel.nvidia("0000:65:00.0", minor=1)
    return kernel


def taken(node: RayCluster, kernel: FakeKernel, script: str) -> list[str]:
    return run(f"root = {str(kernel.root)!r}\n{_TAKE}{script}", node.address)


def test_each_has_its_own(node: RayCluster, kernel: FakeKernel) -> None:
    assert taken(node, kernel, _TWO) == ["gpu-at-17", "gpu-at-65"]


def test_without_one_there_is_none(node: RayCluster, kernel: FakeKernel) -> None:
    assert taken(node, kernel, _ALONE.format(asked=0, counted=2, options="")) == ["none"]


def test_software_is_not_a_gpu_of_somebody(node: RayCluster, kernel: FakeKernel) -> None:
    (told,) = taken(node, kernel, _ALONE.format(asked=0, counted=2, options=", software=True"))
    assert told.startswith("ClusterError: there is no software adapter; install mesa-vulkan-drivers; there are 0 (")
    (told,) = taken(node, kernel, _ALONE.format(asked=0, counted=0, options=", software=True"))
    assert told in ("gpu-at-17", "gpu-at-65")


def test_where_one_cannot_be_told(node: RayCluster, kernel: FakeKernel) -> None:
    kernel.nvidia("0000:03:00.0", minor=2, model="NVIDIA T400")
    (told,) = taken(node, kernel, _ALONE.format(asked=1, counted=2, options=""))
    assert told.startswith("ClusterError: which GPU Ray's 0 is cannot be told")


def test_what_could_not_be_assigned_is_foreseen(node: RayCluster, kernel: FakeKernel, tmp_path: Path) -> None:
    other = FakeKernel(tmp_path / "other")
    other.nvidia("0000:17:00.0", minor=0)
    other.nvidia("0000:65:00.0", minor=1, model="NVIDIA T400")
    roots = [str(kernel.root), str(other.root), str(tmp_path / "none")]
    script = f"print(*ray.get(ray.remote(Taker).options(num_cpus=0).remote().foresee.remote({roots})), sep='\\n')"
    equal, unequal, none = taken(node, kernel, script)
    assert equal == "None"
    assert unequal.startswith("which GPU Ray's 0 is cannot be told")
    assert "the kernel has none here that computes" in none
