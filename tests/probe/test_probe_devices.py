"""What the probe reads of GPUs from /sys, /proc and /dev, on trees like those of many machines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dcp_evaluator.gpu.places import CHOICES
from dcp_evaluator.probe.devices import Device, Node, devices, in_container, nvidia
from dcp_evaluator.probe.manifests import Manifest, in_home, manifests
from disguised_driver import describe
from fake_kernel import H200, FakeKernel

pytestmark = pytest.mark.any_engine


@pytest.fixture
def kernel(tmp_path: Path) -> FakeKernel:
    return FakeKernel(tmp_path)


def only(kernel: FakeKernel) -> Device:
    (device,) = devices(kernel.root)
    return device


def test_a_machine_without_a_gpu(kernel: FakeKernel) -> None:
    assert devices(kernel.root) == []
    kernel.pci("0000:00:03.0", "1af4:1000", "virtio-pci", kind="020000")
    assert devices(kernel.root) == []


def test_nvidia(kernel: FakeKernel) -> None:
    kernel.nvidia(minor=3)
    device = only(kernel)
    assert (device.id, device.address, device.vendor) == (H200, "0000:65:00.0", "nvidia")
    assert device.kernel_driver == "nvidia"
    assert [node.path for node in device.nodes] == ["/dev/nvidiactl", "/dev/nvidia3"]
    assert all(node.exists and node.may_open for node in device.nodes)


def test_nvidia_whose_device_files_were_never_made(kernel: FakeKernel) -> None:
    kernel.pci("0000:65:00.0", H200, "nvidia")
    assert only(kernel).nodes == (
        Node("/dev/nvidiactl", exists=False, may_open=False, group=None),
        Node("/dev/nvidia0", exists=False, may_open=False, group=None),
    )


def test_mesas_devices_have_render_nodes(kernel: FakeKernel) -> None:
    kernel.render_node(kernel.pci("0000:00:02.0", "8086:46a6", "i915"), "renderD128")
    kernel.render_node(kernel.pci("0000:03:00.0", "1002:73bf", "amdgpu"), "renderD129", mode=None)
    intel, amd = devices(kernel.root)
    assert (intel.vendor, [node.path for node in intel.nodes]) == ("intel", ["/dev/dri/renderD128"])
    assert (amd.vendor, amd.nodes[0].path, amd.nodes[0].exists) == ("amd", "/dev/dri/renderD129", False)


def test_an_accelerator_with_a_render_node_is_a_gpu(kernel: FakeKernel) -> None:
    kernel.render_node(kernel.pci("0000:05:00.0", "1002:74a1", "amdgpu", kind="120000"))
    assert only(kernel).id == "1002:74a1"


def test_a_device_without_a_kernel_driver(kernel: FakeKernel) -> None:
    kernel.pci("0000:65:00.0", H200)
    assert (only(kernel).kernel_driver, only(kernel).nodes) == (None, ())


@pytest.mark.parametrize(("mode", "may_open"), [(0o666, True), (0o000, False), (0o444, False)])
def test_a_device_file_that_is_closed(kernel: FakeKernel, mode: int, may_open: bool) -> None:
    kernel.render_node(kernel.pci("0000:00:02.0", "8086:46a6", "i915"), mode=mode)
    (node,) = only(kernel).nodes
    assert (node.exists, node.may_open) == (True, may_open)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to groups")
def test_hosts_of_root_keep_the_groups_of_device_files(kernel: FakeKernel) -> None:
    kernel.render_node(kernel.pci("0000:00:02.0", "8086:46a6", "i915"), mode=0o660)
    (node,) = only(kernel).nodes
    assert (node.may_open, node.group) == (False, None)
    os.chown(kernel.root / "dev/dri/renderD128", 0, 12345)
    (node,) = only(kernel).nodes
    assert (node.may_open, node.group) == (True, "12345")


def test_a_gpu_of_a_system_on_a_chip(kernel: FakeKernel) -> None:
    folder = kernel.root / "sys/class/drm/renderD128/device"
    folder.mkdir(parents=True)
    (folder / "driver").symlink_to("../../bus/platform/drivers/panthor")
    kernel.file("dev/dri/renderD128")
    device = only(kernel)
    assert (device.id, device.kernel_driver, device.nodes[0].may_open) == (None, "panthor", True)


def test_wsl2(kernel: FakeKernel) -> None:
    kernel.file("dev/dxg")
    assert only(kernel).kernel_driver == "dxgkrnl"
    kernel.pci("0000:00:01.0", "1414:008e", "dxgkrnl")
    assert [node.path for node in only(kernel).nodes] == ["/dev/dxg"]


def test_what_nvidias_files_tell(kernel: FakeKernel) -> None:
    assert nvidia(kernel.root).module_version is None
    kernel.nvidia()
    kernel.file("usr/lib/x86_64-linux-gnu/libnvidia-glcore.so.565.57.01")
    kernel.file("usr/lib/x86_64-linux-gnu/libEGL_nvidia.so.0")
    kernel.file("proc/driver/nvidia/capabilities/gpu0/mig/gi1/access")
    told = nvidia(kernel.root)
    assert (told.module_version, told.library_versions) == ("570.86.15", ("565.57.01",))
    assert (told.mig, told.egl_library, told.cuda_library) == (True, True, False)


def test_containers_have_a_mark(kernel: FakeKernel) -> None:
    assert not in_container(kernel.root)
    kernel.file(".dockerenv")
    assert in_container(kernel.root)


def test_manifests_of_the_home_folder_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("home/.local/share", "system"):
        place = tmp_path / folder / "vulkan/icd.d"
        place.mkdir(parents=True)
        describe(place / "driver.json", "libdriver.so")
    for name in (*CHOICES, "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", f"{tmp_path}/home")
    monkeypatch.setenv("XDG_DATA_DIRS", f"{tmp_path}/system")
    assert Manifest(f"{tmp_path}/system/vulkan/icd.d/driver.json", "libdriver.so") in manifests()
    assert not any(manifest.path.startswith(f"{tmp_path}/home") for manifest in manifests())
    assert in_home() == [f"{tmp_path}/home/.local/share/vulkan/icd.d/driver.json"]


def test_a_manifest_that_is_added_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CHOICES:
        monkeypatch.delenv(name, raising=False)
    manifest = tmp_path / "a.json"
    describe(manifest, "/opt/libvulkan_radeon.so")
    monkeypatch.setenv("VK_ADD_DRIVER_FILES", str(manifest))
    assert Manifest(str(manifest), "/opt/libvulkan_radeon.so") in manifests()


@pytest.mark.parametrize(
    ("library", "kernel_driver", "fits"),
    [
        ("libGLX_nvidia.so.0", "nvidia", True),
        ("libEGL_nvidia.so.0", "nvidia", True),
        ("/usr/lib/libvulkan_radeon.so", "nvidia", False),
        ("/usr/lib/libvulkan_radeon.so", "amdgpu", True),
        ("/opt/amdgpu/amdvlk64.so", "amdgpu", True),
        ("/usr/lib/libvulkan_intel_hasvk.so", "i915", True),
        ("/usr/lib/libvulkan_lvp.so", "i915", False),
        ("/home/me/libdriver.so", "i915", True),
        (None, "i915", True),
    ],
)
def test_whose_gpus_a_driver_is_for(library: str | None, kernel_driver: str, fits: bool) -> None:
    assert Manifest("/a.json", library).fits(kernel_driver) is fits
