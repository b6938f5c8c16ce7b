"""The descriptions (manifests) of Vulkan drivers that a GPU host's loader reads, and whose GPUs each driver is for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..gpu import manifests as vulkan_manifests
from ..gpu.manifests import library_of

# Part of a library's name, and the kernel drivers under which it works.
_LIBRARIES = {
    "nvidia": ("nvidia",),
    "vulkan_radeon": ("amdgpu", "radeon"),
    "amdvlk": ("amdgpu",),
    "vulkan_intel": ("i915", "xe"),
    "vulkan_nouveau": ("nouveau", "nova"),
    "vulkan_virtio": ("virtio-pci", "virtio_gpu"),
    "vulkan_dzn": ("dxgkrnl",),
    "vulkan_panfrost": ("panfrost", "panthor"),
    "vulkan_freedreno": ("msm_dpu", "msm", "adreno"),
    "vulkan_broadcom": ("v3d", "vc4-drm"),
    "vulkan_asahi": ("asahi",),
    "vulkan_powervr": ("powervr",),
    "vulkan_lvp": (),
    "vulkan_gfxstream": (),
}


@dataclass(frozen=True)
class Manifest:
    """One driver's description; ``library``: as it names it, None where it cannot be read."""

    path: str
    library: str | None

    def fits(self, kernel_driver: str | None) -> bool:
        """Whether its GPUs may be those of that kernel driver; a library of no known name may be for any."""
        name = Path(self.library or "").name.lower()
        for part, drivers in _LIBRARIES.items():
            if part in name:
                return kernel_driver in drivers
        return True


def manifests() -> list[Manifest]:
    """What the loader of a GPU host reads."""
    return [Manifest(path, library_of(path) or None) for path in vulkan_manifests.manifests()]


def in_home() -> list[str]:
    """Manifests that programs of the user see; GPU hosts do not, whose home is their scratch folder."""
    home = Path(os.environ.get("HOME") or "/nonexistent")
    folders = (
        Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config"),
        Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share"),
    )
    return [str(path) for folder in folders for path in sorted((folder / "vulkan/icd.d").glob("*.json"))]
