"""Compiled shaders of the job that runs, kept for its next run: a driver takes longer to compile them than to run them.

A driver runs what it finds in its cache, and whoever owns a GPU host writes what it likes into the cache there. So what
a host has compiled reaches hosts of the same job only (docs/security.md).
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .. import _native
from ..processes.notices import notice
from ..settings.settings import Settings
from .environment import host_environment
from .shader_archive import pack, unpack
from .shader_folder import ShaderFolder
from .surroundings import installed_drivers

# What hosts are given lies beside what they compile (native/gpu/driver_files.cpp): 16 MiB and 1024 files and folders.
MOST_SHADERS = 512
MOST_BYTES = 6 << 20
_OF_PROCESSORS = ("vendor_id", "cpu family", "model", "flags", "CPU ", "Features")

Job = Callable[[], bytes | None]
"""The digest of all that a job is (supervision/identity.py); None where it is not to be known again."""


@dataclass(slots=True)
class _Shaders:
    """Of the job that runs. ``new``: whether they are more than what is kept. ``spoiled``: that a host has failed."""

    key: bytes
    found: dict[str, bytes]
    new: bool = False
    spoiled: bool = False


class ShaderCache:
    """Of the jobs of one pool of GPU hosts, which runs one at a time. Not thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._kept: _native.KeptFiles | None = None
        self._job: Job | None = None
        self._shaders: _Shaders | None = None  # none before a host is handed out

    @property
    def is_on(self) -> bool:
        return self._settings.cache_folder("shaders") is not None

    def begin(self, job: Job) -> None:
        """Hosts are this job's from now on."""
        self._job, self._shaders = job, None

    def give(self, folder: ShaderFolder | None) -> None:
        """A host is about to be handed to a sandbox of the job: it gets what there is of the job's shaders."""
        if folder is None:
            return
        shaders = self._shaders or self._find()
        if shaders is not None:
            folder.job = shaders.key
            folder.put(shaders.found)

    def take(self, folder: ShaderFolder | None, *, failed: bool) -> None:
        """A host has ended. What one has compiled that failed is not used again, nor what it was given."""
        shaders = self._shaders
        if folder is None or shaders is None or folder.job != shaders.key:
            return
        if failed:
            shaders.found, shaders.new, shaders.spoiled = {}, False, True
            return
        room = MOST_BYTES - sum(len(data) for data in shaders.found.values())
        new = folder.new(shaders.found, MOST_SHADERS - len(shaders.found), room)
        shaders.found |= new
        shaders.new = shaders.new or bool(new)

    def end(self) -> None:
        """The job has ended, and its hosts."""
        shaders = self._shaders
        self._job = self._shaders = None
        if shaders is None:
            return
        if shaders.new:
            self._files().write(shaders.key, pack(shaders.key, shaders.found))
        elif shaders.spoiled:
            self._files().remove(shaders.key)

    def _find(self) -> _Shaders | None:
        job = None if self._job is None else self._job()
        if job is None:
            self._job = None
            return None
        key = _key(job)
        data = self._files().read(key)
        self._shaders = _Shaders(key, {} if data is None else unpack(key, data))
        return self._shaders

    def _files(self) -> _native.KeptFiles:
        if self._kept is None:
            folder = self._settings.cache_folder("shaders") or ""
            self._kept = _native.KeptFiles(folder, self._settings.cache_limit)
            if self._kept.refusal:
                notice(f"compiled shaders are not kept: {self._kept.refusal}")
        return self._kept


def _key(job: bytes) -> bytes:
    """Of a job with these drivers, as they are set, and this processor, for which drivers in software compile."""
    drivers = (installed_drivers(), sorted(host_environment().items()))
    parts = (_native.built_wgpu, platform.machine(), _processor(), *drivers)
    return hashlib.sha256(job + repr(parts).encode()).digest()


@cache
def _processor() -> list[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return sorted({line for line in text.splitlines() if line.startswith(_OF_PROCESSORS)})
