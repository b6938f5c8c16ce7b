"""How much memory of GPUs is in use, as drivers tell it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dcp_worker.monitors.gpus import Gpus, Memory

pytestmark = pytest.mark.any_engine


def card(root: Path, address: str, driver: str, **files: str) -> None:
    """A GPU of class 3D controller, with a file that programs open."""
    device = root / "sys/bus/pci/devices" / address
    render = f"renderD{128 + len(list(device.parent.glob('*')))}"
    (device / "drm" / render).mkdir(parents=True)
    for name, text in {"class": "0x030200", "vendor": "0x1002", "device": "0x73bf", **files}.items():
        (device / name).write_text(f"{text}\n")
    (root / "sys/bus/pci/drivers" / driver).mkdir(parents=True, exist_ok=True)
    (device / "driver").symlink_to(root / "sys/bus/pci/drivers" / driver)
    node = root / "dev/dri" / render
    node.parent.mkdir(parents=True, exist_ok=True)
    node.touch()


def test_memory_is_known_where_the_driver_tells_it(tmp_path: Path) -> None:
    used = {"mem_info_vram_used": str(3 << 30), "mem_info_vram_total": str(16 << 30)}
    card(tmp_path, "0000:03:00.0", "amdgpu", **used)
    card(tmp_path, "0000:04:00.0", "i915")
    card(tmp_path, "0000:05:00.0", "amdgpu", mem_info_vram_used="nonsense", mem_info_vram_total="1")
    gpus = Gpus(tmp_path)
    assert [gpu.identity for gpu in gpus.look()] == [f"0000:0{number}:00.0" for number in (3, 4, 5)]
    assert gpus.memory() == {"0000:03:00.0": Memory(3 << 30, 16 << 30)}
