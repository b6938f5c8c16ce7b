"""The manifests of a machine's Vulkan drivers, as GPU hosts find them (native/gpu/driver_manifests.cpp)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from . import places


def chosen() -> bool:
    """Whether the owner has named the drivers."""
    return any(os.environ.get(name) for name in places.CHOICES)


def folders() -> tuple[Path, ...]:
    """Where manifests are looked for, in the loader's order."""
    configuration, data = os.environ.get("XDG_CONFIG_DIRS"), os.environ.get("XDG_DATA_DIRS")
    return _folders(_listed(configuration, places.CONFIGURATION_FOLDERS), _listed(data, places.DATA_FOLDERS))


def _listed(value: str | None, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part for part in value.split(":") if part) if value else otherwise


@lru_cache(maxsize=4)
def _folders(configuration: tuple[str, ...], data: tuple[str, ...]) -> tuple[Path, ...]:
    bases = (*configuration, *places.SYSTEM_FOLDERS, *data)
    return (*(Path(base) / places.MANIFESTS for base in bases), *map(Path, places.OTHER_MANIFEST_FOLDERS))


def manifests() -> list[str]:
    """All of them, in the loader's order."""
    for name in places.CHOICES:
        if named := os.environ.get(name):
            return [found for part in named.split(":") if part for found in _at(Path(part))]
    added = [Path(part) for part in (os.environ.get(places.ADDITION) or "").split(":") if part]
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
