"""Which GPUs the kernel has, read from /sys, /proc and /dev without any driver's library.

Each function takes the root folder of these trees, "/" but in tests.
"""

from __future__ import annotations

import grp
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..gpu import surroundings

VENDORS = {
    "10de": "nvidia",
    "1002": "amd",
    "8086": "intel",
    "1af4": "virtio",
    "15ad": "vmware",
    "1414": "microsoft",
    "1a03": "aspeed",
    "102b": "matrox",
    "1234": "qemu",
    "1b36": "qxl",
    "1013": "cirrus",
    "80ee": "virtualbox",
}
"""By the number of PCI. An adapter's ``vendor`` has the same names."""
_DISPLAY_CLASS = "0x03"


@dataclass(frozen=True)
class Node:
    """A device file that a driver opens to read and write."""

    path: str
    exists: bool
    may_open: bool
    """Whether a GPU host of this user may."""
    group: str | None
    """Who may, where its group may."""


@dataclass(frozen=True)
class Device:
    """A GPU, as the kernel has it."""

    id: str | None
    """Vendor and device as ``10de:2330``; None where it is not on PCI."""
    address: str | None
    """On PCI, as ``0000:65:00.0``."""
    kernel_driver: str | None
    nodes: tuple[Node, ...] = ()

    @property
    def vendor(self) -> str | None:
        return None if self.id is None else VENDORS.get(self.id[:4], f"0x{self.id[:4]}")

    @property
    def name(self) -> str:
        """For messages."""
        if self.id is None:
            return f"GPU {self.address or self.kernel_driver or 'without a name'}"
        return f"GPU {self.id} ({self.vendor}) at {self.address}"


@dataclass(frozen=True)
class Nvidia:
    """What NVIDIA's kernel module and libraries tell."""

    module_version: str | None = None
    library_versions: tuple[str, ...] = ()
    mig: bool = False
    """Whether a GPU is divided into slices (MIG)."""
    egl_library: bool = False
    """Whether libEGL_nvidia.so.0 is there."""
    cuda_library: bool = False


def devices(root: Path = Path("/")) -> list[Device]:
    """Those on PCI by address, then those of the platform, then WSL2's."""
    on_pci = {folder.name: folder for folder in _sorted(root / "sys/bus/pci/devices") if _is_gpu(folder)}
    found = [_pci_device(root, folder) for folder in on_pci.values()]
    found += _platform_devices(root)
    if (root / "dev/dxg").exists() and not any(device.kernel_driver == "dxgkrnl" for device in found):
        found.append(Device(None, None, "dxgkrnl", (_node(root, "dev/dxg"),)))
    return found


def nvidia(root: Path = Path("/")) -> Nvidia:
    glcore = [path.name.rpartition(".so.")[2] for path in _libraries(root, "libnvidia-glcore.so.*")]
    return Nvidia(
        module_version=_text(root / "sys/module/nvidia/version"),
        library_versions=tuple(sorted(set(glcore))),
        mig=any((root / "proc/driver/nvidia/capabilities").glob("gpu*/mig/gi*")),
        egl_library=any(_libraries(root, "libEGL_nvidia.so.0")),
        cuda_library=any(_libraries(root, "libcuda.so.1")),
    )


def in_container(root: Path = Path("/")) -> bool:
    return any((root / mark).exists() for mark in (".dockerenv", "run/.containerenv", "run/systemd/container"))


def _is_gpu(folder: Path) -> bool:
    return (_text(folder / "class") or "").startswith(_DISPLAY_CLASS) or any((folder / "drm").glob("renderD*"))


def _pci_device(root: Path, folder: Path) -> Device:
    number = ":".join((_text(folder / name) or "").removeprefix("0x") for name in ("vendor", "device"))
    driver = _link_name(folder / "driver")
    return Device(number, folder.name, driver, _nodes(root, folder, driver))


def _nodes(root: Path, folder: Path, driver: str | None) -> tuple[Node, ...]:
    """The files that its Vulkan driver opens: of the kernel's DRM, unless the driver has its own."""
    if driver == "nvidia":
        return tuple(_node(root, f"dev/{name}") for name in ("nvidiactl", _nvidia_name(root, folder.name)))
    if driver == "dxgkrnl":
        return (_node(root, "dev/dxg"),)
    return tuple(_node(root, f"dev/dri/{entry.name}") for entry in sorted((folder / "drm").glob("renderD*")))


def _nvidia_name(root: Path, address: str) -> str:
    told = _text(root / "proc/driver/nvidia/gpus" / address / "information") or ""
    minor = re.search(r"^Device Minor:\s*(\d+)", told, re.MULTILINE)
    if minor:
        return f"nvidia{minor[1]}"
    there = sorted(path.name for path in (root / "dev").glob("nvidia[0-9]*"))
    return there[0] if there else "nvidia0"


def _platform_devices(root: Path) -> Iterator[Device]:
    """GPUs of a system on a chip: they have a render node, and no number of PCI."""
    for entry in _sorted(root / "sys/class/drm"):
        if entry.name.startswith("renderD") and not (entry / "device/vendor").exists():
            driver = _link_name(entry / "device/driver")
            yield Device(None, None, driver, (_node(root, f"dev/dri/{entry.name}"),))


def _node(root: Path, relative: str) -> Node:
    path = root / relative
    try:
        status = path.stat()
    except OSError:
        return Node(f"/{relative}", exists=False, may_open=False, group=None)
    return Node(f"/{relative}", exists=True, may_open=_may_open(path, status), group=_group(status))


def _may_open(path: Path, status: os.stat_result) -> bool:
    """A GPU host of root becomes nobody, in the groups of the device files but root's (gpu_host.cpp)."""
    if os.geteuid() != 0:
        return os.access(path, os.R_OK | os.W_OK)
    bits = (stat.S_IROTH | stat.S_IWOTH, (stat.S_IRGRP | stat.S_IWGRP) if status.st_gid != 0 else 0)
    return any(wanted and status.st_mode & wanted == wanted for wanted in bits)


def _group(status: os.stat_result) -> str | None:
    if status.st_gid == 0 or not status.st_mode & stat.S_IWGRP:
        return None
    try:
        return grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        return str(status.st_gid)


def _libraries(root: Path, pattern: str) -> list[Path]:
    return [path for folder in surroundings.LIBRARY_FOLDERS for path in root.glob(f"{folder}/{pattern}")]


def _sorted(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None


def _link_name(link: Path) -> str | None:
    try:
        return link.readlink().name
    except OSError:
        return None
