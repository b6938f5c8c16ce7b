"""A distribution of Pyodide of a few kilobytes, of a release that only tests know."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcp_evaluator.distribution.releases import LOCK, Release
from pyodide_packages import wheel


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class SmallDistribution:
    """``files``: the content of each by its name, the lock's included."""

    files: dict[str, bytes]
    release: Release

    @property
    def releases(self) -> tuple[Release, ...]:
        return (self.release,)

    def write(self, folder: Path, *names: str) -> Path:
        """All of them, or those of ``names``, into a folder that is made."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in names or self.files:
            (folder / name).write_bytes(self.files[name])
        return folder


def small_distribution(version: str = "1.2.3", python: str = "3.12", **packages: dict[str, Any]) -> SmallDistribution:
    """``packages``: entries of its lock beside those of ``_PACKAGES``; their files are made."""
    files = {
        "pyodide.asm.js": f"// Pyodide {version}".encode(),
        "pyodide.asm.wasm": b"\0asm\1\0\0\0" + version.encode() * 5000,
        "python_stdlib.zip": _zip("json/__init__.py", "pyodide/__init__.py", "wave.py"),
    }
    core = {name: sha256(content) for name, content in files.items()}
    entries = {}
    for name, entry in (_PACKAGES | packages).items():
        kind = entry.get("package_type", "package")
        file = f"{name}-1.0.zip" if kind == "shared_library" else f"{name.replace('-', '_')}-1.0-py3-none-any.whl"
        files[file] = wheel(name.replace("-", "_"), "1.0", {f"{name}.py": name * 2000})
        described = {"name": name, "version": "1.0", "file_name": file, "sha256": sha256(files[file])}
        entries[name] = described | {"imports": [name], "depends": [], "package_type": kind} | entry
    files[LOCK] = json.dumps({"info": {"python": f"{python}.1"}, "packages": entries}).encode()
    platforms = ("pyodide_2024_0_wasm32",)
    return SmallDistribution(files, Release(version, python, core, (sha256(files[LOCK]),), platforms))


_PACKAGES: dict[str, dict[str, Any]] = {
    "linear": {"imports": [], "package_type": "shared_library"},
    "arrays": {"depends": ["Linear"]},
    "science-kit": {"imports": ["skit", "skit_tests"], "depends": ["arrays", "threads_info"]},
    "threads-info": {"depends": ["science_kit"], "imports": ["threads_info"]},
    "arrow.core": {"imports": ["arrow.core"]},
}
"""With a circle, names in several spellings, and a module in a package of others."""


def _zip(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), "")
    return buffer.getvalue()
