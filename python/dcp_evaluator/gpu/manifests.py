"""The manifests of a machine's Vulkan drivers, as GPU hosts find them (native/gpu/driver_manifests.cpp)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

CHOICES = ("VK_DRIVER_FILES", "VK_ICD_FILENAMES")
"""Variables that say which drivers there are: the loader's present name, and the older one."""
_ADDED = "VK_ADD_DRIVER_FILES"
_ELSEWHERE = (
    "/usr/local/nvidia/vulkan/icd.d", "/usr/local/nvidia/share/vulkan/icd.d", "/run/opengl-driver/share/vulkan/icd.d",
    "/opt/amdgpu/share/vulkan/icd.d", "/opt/amdgpu-pro/etc/vulkan/icd.d",
)  # fmt: skip


def chosen() -> bool:
    """Whether the owner has named the drivers."""
    return any(os.environ.get(name) for name in CHOICES)


def folders() -> tuple[Path, ...]:
    """Where manifests are looked for, in the loader's order."""
    configuration, data = os.environ.get("XDG_CONFIG_DIRS"), os.environ.get("XDG_DATA_DIRS")
    return _folders(configuration or "/etc/xdg", data or "/usr/local/share:/usr/share")


@lru_cache(maxsize=4)
def _folders(configuration: str, data: str) -> tuple[Path, ...]:
    bases = [*configuration.split(":"), "/etc", "/usr/local/etc", *data.split(":")]
    return (*(Path(base) / "vulkan/icd.d" for base in bases if base), *map(Path, _ELSEWHERE))


def manifests() -> list[str]:
    """All of them, in the loader's order."""
    for name in CHOICES:
        if named := os.environ.get(name):
            return [found for part in named.split(":") if part for found in _at(Path(part))]
    added = [Path(part) for part in (os.environ.get(_ADDED) or "").split(":") if part]
    return list(dict.fromkeys(found for place in (*added, *folders()) for found in _at(place)))


def library_of(manifest: str) -> str:
    """The library that a manifest names, by its path or its name alone; empty where it names none."""
    with suppress(OSError, ValueError, LookupError, TypeError):
        library = str(json.loads(Path(manifest).read_text(encoding="utf-8"))["ICD"]["library_path"])
        return os.path.normpath(Path(manifest).parent / library) if "/" in library else library
    return ""


def _at(place: Path) -> Iterator[str]:
    try:
        yield from sorted(str(entry) for entry in place.iterdir() if entry.suffix == ".json")
    except NotADirectoryError:
        yield str(place)
    except OSError:
        return
