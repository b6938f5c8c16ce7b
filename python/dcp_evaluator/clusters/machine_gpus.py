"""The GPUs of a machine in the order in which the runtimes of CUDA, HIP and Level Zero count them.

Read from /sys and /proc alone. Each vendor's runtime has numbers of its own, which neither Vulkan knows nor the kernel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

NVIDIA, AMD, INTEL = "nvidia", "amd", "intel"
_PCI_NUMBERS = {"0x1002": AMD, "0x8086": INTEL}


class MachineGpu(NamedTuple):
    """``model``: equal for equal ones. ``address``: on PCI, as ``0000:65:00.0``."""

    vendor: str
    model: str
    address: str


def machine_gpus(root: Path = Path("/")) -> list[MachineGpu]:
    """Those whose device files are there: a container may have some of the machine's.

    ``root``: of /sys, /proc and /dev.
    """
    of_kfd = list(_kfd(root))
    on_pci = [gpu for gpu in _drm(root) if gpu.vendor != AMD or not of_kfd]
    return [*_nvidia(root), *of_kfd, *on_pci]


def _nvidia(root: Path) -> Iterator[MachineGpu]:
    """In the order of PCI, which CUDA_DEVICE_ORDER=PCI_BUS_ID is."""
    for folder in _by_address(root / "proc/driver/nvidia/gpus"):
        told = dict(re.findall(r"^([^:]+):\s*(.*?)\s*$", _text(folder / "information"), re.MULTILINE))
        minor = told.get("Device Minor")
        if minor is None or (root / f"dev/nvidia{minor}").exists():
            yield MachineGpu(NVIDIA, told.get("Model", ""), folder.name)


def _kfd(root: Path) -> Iterator[MachineGpu]:
    """In the order of ROCm's kernel driver, which is that of HIP where all are of one model."""
    folder = root / "sys/class/kfd/kfd/topology/nodes"
    for node in sorted(_entries(folder), key=lambda node: int(node.name) if node.name.isdecimal() else -1):
        told = dict(line.split(" ", 1) for line in _text(node / "properties").splitlines() if " " in line)
        number = {name: int(value) for name, value in told.items() if value.isdecimal()}
        if number.get("simd_count") and (root / f"dev/dri/renderD{number.get('drm_render_minor')}").exists():
            place = number.get("location_id", 0)
            address = f"{number.get('domain', 0):04x}:{place >> 8 & 0xFF:02x}:{place >> 3 & 0x1F:02x}.{place & 7}"
            yield MachineGpu(AMD, told.get("device_id", ""), address)


def _drm(root: Path) -> Iterator[MachineGpu]:
    """Those of AMD and Intel in the order of PCI."""
    for folder in _by_address(root / "sys/bus/pci/devices"):
        vendor = _PCI_NUMBERS.get(_text(folder / "vendor"))
        nodes = [entry.name for entry in _entries(folder / "drm") if entry.name.startswith("renderD")]
        if vendor is not None and any((root / "dev/dri" / name).exists() for name in nodes):
            yield MachineGpu(vendor, _text(folder / "device"), folder.name)


def _by_address(folder: Path) -> list[Path]:
    return sorted(_entries(folder), key=lambda entry: [int(part, 16) for part in re.findall("[0-9a-f]+", entry.name)])


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
