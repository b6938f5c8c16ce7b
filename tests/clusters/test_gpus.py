"""GPUs of a node that Ray has assigned, by its numbers, become adapters: the right ones, or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dcp_evaluator.clusters.gpus import assigned_devices
from dcp_evaluator.clusters.machine_gpus import MachineGpu, machine_gpus
from dcp_evaluator.errors import ClusterError
from fake_kernel import FakeKernel

pytestmark = pytest.mark.any_engine

PCI_ORDER = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
FIRST, SECOND, THIRD = "0000:17:00.0", "0000:65:00.0", "0001:03:00.0"


@pytest.fixture
def kernel(tmp_path: Path) -> FakeKernel:
    return FakeKernel(tmp_path)


def adapters(*addresses: str) -> list[dict[str, Any]]:
    """As the loader finds them, whatever its order is, behind lavapipe."""
    uuid = "01234567-89ab-cdef-0123-00000000000"
    found = [
        {"identity": address, "pci": address, "uuid": f"{uuid}{number}", "device": f"GPU {number}", "type": "discrete"}
        for number, address in enumerate(addresses)
    ]
    return [{"identity": "6d657361-3232", "uuid": "6d657361-3232", "device": "llvmpipe", "type": "cpu"}, *found]


def refusal(kernel: FakeKernel, *ids: str, counted: float | None = None, **environment: str) -> str:
    gpus = machine_gpus(kernel.root)
    there = adapters(*(gpu.address for gpu in gpus))
    with pytest.raises(ClusterError) as refused:
        assigned_devices(ids, len(gpus) if counted is None else counted, environment, gpus, there)
    return str(refused.value)


def devices(kernel: FakeKernel, *ids: str, counted: float | None = None, **environment: str) -> tuple[str, ...]:
    gpus = machine_gpus(kernel.root)
    there = adapters(*(gpu.address for gpu in reversed(gpus)))
    return assigned_devices(ids, len(gpus) if counted is None else counted, environment, gpus, there)


def test_equal_ones_are_in_the_order_of_pci(kernel: FakeKernel) -> None:
    for minor, address in enumerate((THIRD, FIRST, SECOND)):
        kernel.nvidia(address, minor=minor)
    assert devices(kernel, "0") == (FIRST,)
    assert devices(kernel, "2", "1") == (SECOND, THIRD)
    assert devices(kernel, "0", counted=1) == (FIRST,)


def test_unequal_ones_have_an_order_where_the_environment_says_so(kernel: FakeKernel) -> None:
    kernel.nvidia(FIRST, minor=0, model="NVIDIA T400")
    kernel.nvidia(SECOND, minor=1, model="NVIDIA H200")
    assert devices(kernel, "1", **PCI_ORDER) == (SECOND,)
    for order in ({}, {"CUDA_DEVICE_ORDER": "FASTEST_FIRST"}):
        told = refusal(kernel, "1", **order)
        assert "NVIDIA T400 at 0000:17:00.0, NVIDIA H200 at 0000:65:00.0" in told
        assert "start Ray with CUDA_DEVICE_ORDER=PCI_BUS_ID" in told


def test_all_of_a_node_need_no_order(kernel: FakeKernel) -> None:
    kernel.nvidia(FIRST, minor=0, model="NVIDIA T400")
    kernel.nvidia(SECOND, minor=1, model="NVIDIA H200")
    assert set(devices(kernel, "0", "1")) == {FIRST, SECOND}


def test_those_that_a_container_does_not_have_are_not_counted(kernel: FakeKernel) -> None:
    for minor, address in enumerate((FIRST, SECOND, THIRD)):
        kernel.nvidia(address, minor=minor)
    (kernel.root / "dev/nvidia0").unlink()
    assert devices(kernel, "0") == (SECOND,)


def test_uuids_name_adapters(kernel: FakeKernel) -> None:
    kernel.nvidia(FIRST, minor=0, model="NVIDIA T400")
    kernel.nvidia(SECOND, minor=1)
    assert devices(kernel, "GPU-01234567-89ab-cdef-0123-000000000001") == (FIRST,)
    assert "cannot be told" in refusal(kernel, "GPU-01234567")
    assert "cannot be told" in refusal(kernel, "GPU-ffff")
    assert "cannot be told" in refusal(kernel, "GPU-")
    assert "(MIG), which has no Vulkan" in refusal(kernel, "MIG-01234567-89ab-cdef-0123-000000000001")


def test_the_beginning_of_a_uuid_names_an_adapter() -> None:
    assert assigned_devices(["GPU-01234567"], 1, {}, [], adapters(FIRST)) == (FIRST,)


def test_more_than_there_are(kernel: FakeKernel) -> None:
    kernel.nvidia(FIRST)
    for ids, counted in ((["1"], 2), (["0"], 2), (["0", "1"], 2)):
        assert "there are 1: 0000:17:00.0; start Ray with the option --num-gpus" in refusal(
            kernel, *ids, counted=counted
        )
    assert "Ray has assigned no GPU" in refusal(kernel)


def test_none_that_computes(kernel: FakeKernel) -> None:
    kernel.pci("0000:03:00.0", "1a03:2000", "ast")
    assert "the kernel has none here that computes" in refusal(kernel, "0", counted=1)


def test_without_a_driver_for_vulkan() -> None:
    gpus = [MachineGpu("nvidia", "NVIDIA H200", FIRST)]
    with pytest.raises(ClusterError, match=r"at 0000:17:00\.0 .* has no adapter .*llvmpipe"):
        assigned_devices(["0"], 1, {}, gpus, adapters())
    with pytest.raises(ClusterError, match=r"at 0000:17:00\.0 .* has no adapter"):
        assigned_devices(["0"], 1, {}, gpus, adapters(SECOND))


def test_of_amd_are_in_the_order_of_rocm(kernel: FakeKernel) -> None:
    kernel.kfd(0, cpu_cores_count=64, simd_count=0)
    for node, address, minor in ((10, FIRST, 130), (2, SECOND, 128), (3, "000a:c1:1f.7", 129)):
        kernel.amd(node, address, minor=minor)
    assert devices(kernel, "0") == (SECOND,)
    assert devices(kernel, "1", "2") == ("000a:c1:1f.7", FIRST)
    assert "without ROCR_VISIBLE_DEVICES there" in refusal(kernel, "0", ROCR_VISIBLE_DEVICES="1,0,2")


def test_of_amd_that_are_not_equal(kernel: FakeKernel) -> None:
    kernel.amd(1, FIRST, minor=128)
    kernel.amd(2, SECOND, minor=129, model=0x66A1)
    assert "give the evaluator all GPUs of its node" in refusal(kernel, "0", **PCI_ORDER)
    assert set(devices(kernel, "0", "1")) == {FIRST, SECOND}


def test_of_amd_that_are_divided(kernel: FakeKernel) -> None:
    kernel.amd(1, FIRST, minor=128)
    kernel.kfd(2, simd_count=208, location_id=0x1700, device_id=0x740F, drm_render_minor=128)
    assert "do not divide GPUs into parts" in refusal(kernel, "0")


def test_of_amd_without_rocm(kernel: FakeKernel) -> None:
    for name, address in (("renderD128", SECOND), ("renderD129", FIRST)):
        kernel.render_node(kernel.pci(address, "1002:744c", "amdgpu"), name)
    assert devices(kernel, "0") == (FIRST,)


def test_of_intel(kernel: FakeKernel) -> None:
    kernel.render_node(kernel.pci(FIRST, "8086:56c0", "i915"), "renderD128")
    kernel.render_node(kernel.pci(SECOND, "8086:56c0", "i915"), "renderD129")
    assert devices(kernel, "1") == (SECOND,)
    kernel.render_node(kernel.pci(THIRD, "8086:4680", "i915"), "renderD130")
    assert "ZE_ENABLE_PCI_ID_DEVICE_ORDER=1" in refusal(kernel, "1")
    assert devices(kernel, "1", ZE_ENABLE_PCI_ID_DEVICE_ORDER="1") == (SECOND,)
    # Ray counts tiles, of which a GPU may have two.
    assert "start Ray with the option --num-gpus" in refusal(kernel, "1", counted=6, ZE_ENABLE_PCI_ID_DEVICE_ORDER="1")


def test_of_two_vendors_are_those_whose_variable_ray_has_set(kernel: FakeKernel) -> None:
    kernel.render_node(kernel.pci(FIRST, "8086:4680", "i915"))
    kernel.nvidia(SECOND)
    assert devices(kernel, "0", counted=1, CUDA_VISIBLE_DEVICES="0") == (SECOND,)
    assert devices(kernel, "0", counted=1, ZE_AFFINITY_MASK="0", CUDA_VISIBLE_DEVICES="") == (FIRST,)
    assert devices(kernel, "0", counted=1, ONEAPI_DEVICE_SELECTOR="level_zero:0") == (FIRST,)
    for told in ({}, {"CUDA_VISIBLE_DEVICES": "1"}, {"CUDA_VISIBLE_DEVICES": "0", "ZE_AFFINITY_MASK": "0"}):
        assert "GPUs of intel and nvidia, and whose Ray's GPU 0 is" in refusal(kernel, "0", counted=1, **told)
