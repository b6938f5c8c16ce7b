"""What a GPU host was started into: it is stale once the machine has slept, or the drivers were replaced."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from . import manifests, places

_LOADED_BY_NAME = "/etc/ld.so.cache"  # written anew when a library is installed
_NVIDIA_MODULE = "sys/module/nvidia/version"
LIBRARY_FOLDERS = (
    "usr/lib", "usr/lib64", "usr/lib/*-linux-gnu", "usr/lib/*-linux-gnu/nvidia",
    "usr/lib/*-linux-gnu/nvidia/current", "usr/lib64/nvidia", "usr/lib/nvidia*", "usr/local/nvidia/lib64",
    "run/opengl-driver/lib",
)  # fmt: skip
"""Patterns, below the root, of the folders where distributions put the libraries of drivers."""
_VERSION = re.compile(r"libnvidia-glcore\.so\.([0-9]+(?:\.[0-9]+)+)")

Fingerprint: TypeAlias = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Surroundings:
    """At one moment."""

    slept: float
    """Seconds that the machine has been suspended since it was started."""
    drivers: Fingerprint
    resting: frozenset[str | None]
    """Adapters that are not offered."""

    def hold(self, now: Surroundings) -> bool:
        """Whether a host that was started here can serve in those of ``now``."""
        awake = not was_suspended(self.slept, now.slept)
        return awake and self.drivers == now.drivers and self.resting == now.resting


def surroundings(resting: frozenset[str | None]) -> Surroundings:
    """Now."""
    return Surroundings(slept(), driver_fingerprint(), resting)


def slept() -> float:
    """Seconds that the machine has been suspended since it was started, by what one clock counts and the other not."""
    without = time.clock_gettime(time.CLOCK_MONOTONIC)
    return time.clock_gettime(time.CLOCK_BOOTTIME) - without


def was_suspended(before: float, now: float) -> bool:
    """Between two readings of ``slept``."""
    return now - before >= places.SHORTEST_SLEEP


def driver_fingerprint() -> Fingerprint:
    """Of the installed drivers, and of the nodes of GPUs."""
    return (*installed_drivers(), *gpu_nodes())


def installed_drivers() -> Fingerprint:
    """The manifests of all Vulkan drivers, their libraries, and the kernel module of NVIDIA's: the same until one of
    them is replaced.
    """
    found = list(map(_file, manifests.manifests()))
    libraries = (library for manifest in found if "/" in (library := _library(*manifest)))
    module = (_nvidia_module(Path("/")) or "", 0, 0)
    return (*found, *map(_file, libraries), _file(_LOADED_BY_NAME), module)


def gpu_nodes(root: Path = Path("/")) -> Fingerprint:
    """The device nodes that a host gets (native/gpu/driver_files.cpp). Some are made when a GPU is first used, and a
    host that was started before has none of them."""
    found = sorted(path for pattern in places.NODES for path in root.glob(pattern[1:]))
    return tuple((str(path), _file(str(path))[1], 0) for path in found)


def _file(path: str) -> tuple[str, int, int]:
    try:
        status = Path(path).stat()
    except OSError:
        return path, 0, 0
    return path, status.st_ino, status.st_mtime_ns


@lru_cache(maxsize=256)
def _library(manifest: str, _inode: int, _changed: int) -> str:
    """Read again when the manifest has changed."""
    return manifests.library_of(manifest)


def nvidia_mismatch(root: Path = Path("/")) -> str | None:
    """What is wrong, and the remedy, where NVIDIA's libraries were updated and its kernel module runs on."""
    module = _nvidia_module(root)
    files = (file for folder in LIBRARY_FOLDERS for file in root.glob(f"{folder}/libnvidia-glcore.so.*"))
    versions = {found[1] for file in files if (found := _VERSION.fullmatch(file.name))}
    if module is None or not versions or module in versions:
        return None
    libraries = " and ".join(sorted(versions))
    return f"the NVIDIA libraries are {libraries}, the kernel module is {module}: reboot; no NVIDIA GPU works before"


def _nvidia_module(root: Path) -> str | None:
    """The version of the one that runs."""
    try:
        return (root / _NVIDIA_MODULE).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
