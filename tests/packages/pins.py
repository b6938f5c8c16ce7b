"""Wheels of other packages in the versions of ``requirements/make.txt``, for a CPython of any version."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from debian_roots import run
from packaging.requirements import Requirement

_PINNED = Path(__file__).parents[2] / "requirements" / "make.txt"
# Those of wheels for glibc 2.31.
_PLATFORMS = [f"manylinux{name}_x86_64" for name in ("_2_31", "_2_28", "_2_27", "_2_24", "_2_17", "2014", "2010", "1")]


def fetch(wanted: Iterable[str], version: str, folder: Path) -> None:
    """Wheels of what is wanted and of all that it needs there, by their hashes. Needs a network."""
    pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--quiet", f"--dest={folder}"]
    target = ["--only-binary=:all:", f"--python-version={version}", *(f"--platform={each}" for each in _PLATFORMS)]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.writelines(entries(_PINNED.read_text(encoding="utf-8"), version))
        constraints.flush()
        run(*pip, *target, "--require-hashes", f"--constraint={constraints.name}", *wanted)


def entries(text: str, version: str) -> Iterator[str]:
    """Those for that CPython on Linux. pip itself would take those for its own."""
    there = {"python_version": version, "python_full_version": f"{version}.0"}
    for entry in re.split(r"^(?=[^\s#])", text, flags=re.MULTILINE)[1:]:
        first, _, hashes = entry.partition(" \\\n")
        requirement = Requirement(first)
        if requirement.marker is None or requirement.marker.evaluate(there):
            yield f"{requirement.name}{requirement.specifier} \\\n{hashes}"
