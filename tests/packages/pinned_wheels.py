"""Wheels of other packages in the versions of ``requirements/make.txt``, for a CPython of any version."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from debian_roots import run
from pinned import needed, read_pins

_PINNED = Path(__file__).parents[2] / "requirements" / "make.txt"
# Those of wheels for glibc 2.31.
_PLATFORMS = [f"manylinux{name}_x86_64" for name in ("_2_31", "_2_28", "_2_27", "_2_24", "_2_17", "2014", "2010", "1")]


def fetch(wanted: Iterable[str], version: str, folder: Path) -> None:
    """Wheels of ``wanted``, requirements, and of all that they need there, by their hashes. Needs a network.

    pip would look for what its own Python needs, so it is told all.
    """
    pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--quiet", f"--dest={folder}"]
    target = ["--only-binary=:all:", f"--python-version={version}", *(f"--platform={each}" for each in _PLATFORMS)]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pins:
        for pin in needed(read_pins(_PINNED.read_text(encoding="utf-8"), [version]), wanted):
            pins.write(f"{pin.name}=={pin.version} {' '.join(f'--hash=sha256:{each}' for each in pin.hashes)}\n")
        pins.flush()
        run(*pip, *target, "--no-deps", "--require-hashes", f"--requirement={pins.name}")
