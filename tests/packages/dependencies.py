"""Wheels of all that a wheel of ours needs, for a CPython of any version, in a folder."""

from __future__ import annotations

import shutil
import sys
import tomllib
from pathlib import Path

from debian_roots import BUILD, run

# Dependencies without a wheel for a Python. There pip would compile it; here what works without it is tried.
MISSING: dict[str, list[str]] = {}
_PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def dependencies(version: str) -> Path:
    """The folder of those for a CPython of that version."""
    return BUILD / "dependencies" / version


def fetch_dependencies(version: str, wheel: Path) -> None:
    """The wheel, and all that pip would fetch for it there with V8, into that folder. Needs a network."""
    folder = dependencies(version)
    for old in folder.glob(f"{wheel.name.partition('-')[0]}-*"):
        old.unlink()
    names = ("_2_31", "_2_28", "_2_27", "_2_17", "2014", "2010", "1")
    platforms = [f"--platform=manylinux{name}_x86_64" for name in names]
    pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--quiet", "--only-binary=:all:"]
    pip += [f"--dest={folder}", f"--python-version={version}", *platforms]
    missing = MISSING.get(version, [])
    if not missing:
        run(*pip, f"{wheel}[engine-v8]")
        return
    print(f"{wheel.name}: not tried with {', '.join(missing)}, of which there is no wheel for CPython {version}")
    project = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["engine-v8"]]
    run(*pip, *(name for name in wanted if not name.startswith(tuple(missing))))
    shutil.copy(wheel, folder)
