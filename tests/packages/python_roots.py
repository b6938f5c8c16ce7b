"""A fresh Debian that has a CPython of some version, and WebGPU in software; neither compilers nor headers."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from debian_roots import BUILD, make_root
from pythons import SUITES, interpreter

_DRIVERS = ["libvulkan1", "mesa-vulkan-drivers"]
# What a CPython of the machine's own needs, which is taken along where Debian has none: the machine is a Debian 12.
_FOREIGN_SUITE = "bookworm"
_FOREIGN_PACKAGES = ["libbz2-1.0", "libffi8", "liblzma5", "libsqlite3-0", "libssl3", "zlib1g"]


@dataclass(frozen=True)
class PythonRoot:
    """``python``: the program there. ``mounts``: what it needs, for ``run_inside``."""

    suite: str
    folder: Path
    python: str
    mounts: dict[str, Path] = field(default_factory=dict)


def python_root(version: str) -> PythonRoot:
    """Made once. Exits where neither Debian nor this machine has that version."""
    suite = SUITES.get(version, _FOREIGN_SUITE)
    packages, python, mounts = [f"python{version}-venv"], f"python{version}", {}  # python3-venv has pip
    if version not in SUITES:
        foreign = interpreter(version)
        if foreign is None:
            sys.exit(f"error: there is no python{version} here, to try its wheel with")
        mounts["/run/python"] = foreign.resolve().parents[1]
        packages, python = _FOREIGN_PACKAGES, f"/run/python/bin/{python}"
    folder = make_root(suite, [*packages, *_DRIVERS], BUILD / "roots" / f"{suite}-{version}")
    return PythonRoot(suite, folder, python, mounts)
