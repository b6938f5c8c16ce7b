"""A wheel of ours and all that it needs, for a CPython of any version, in a folder."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

from debian_roots import BUILD
from pinned_wheels import fetch

_PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def dependencies(version: str) -> Path:
    """The folder of those for a CPython of that version."""
    return BUILD / "dependencies" / version


def fetch_dependencies(version: str, wheel: Path) -> None:
    """Into that folder, and nothing else: the versions that the SBOM lists, with those of ``dcp-scheduler``."""
    folder = dependencies(version)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    project = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    fetch([*project["dependencies"], *extras["network"], *extras["s3"]], version, folder)
    shutil.copy(wheel, folder)
