"""The sdist: what a build needs, the same bytes each time."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_engine

ROOT = Path(__file__).parents[2]
_MAKE = "import sys, scikit_build_core.build as b; b.build_sdist(sys.argv[1])"


def make(folder: Path, python_hash_seed: str) -> Path:
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1700000000", "PYTHONHASHSEED": python_hash_seed}
    command = [sys.executable, "-c", _MAKE, folder]
    subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
    (sdist,) = folder.iterdir()
    return sdist


def test_it_has_the_sources_and_nothing_that_was_built(tmp_path):
    first, second = (make(tmp_path / seed, seed) for seed in ("1", "2"))
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    sources = [path for top in ("native", "python") for path in (ROOT / top).rglob("*")]
    wanted = {str(path.relative_to(ROOT)) for path in sources if path.is_file() and "__pycache__" not in path.parts}
    assert wanted | {"CMakeLists.txt", "LICENSE", "README.md", "pyproject.toml", "PKG-INFO"} <= names
    assert {name.partition("/")[0] for name in names} & {".venv", ".ci", ".git", "build", "out"} == set()
