"""The files of pinned versions and hashes, and the lint that holds them against pyproject.toml."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_engine

ROOT = Path(__file__).parents[2]
LINT = ROOT / "tests" / "lint" / "lock.py"


def check(root: Path) -> str:
    """What the lint says of a project there."""
    program = "import runpy, sys, pathlib; sys.exit(runpy.run_path(sys.argv[1])['main'](pathlib.Path(sys.argv[2])))"
    done = subprocess.run([sys.executable, "-c", program, LINT, root], capture_output=True, text=True, check=False)
    assert (done.returncode == 1) == bool(done.stderr), done.stderr
    return done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_files_fit() -> None:
    assert check(ROOT) == ""


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        (
            "pyproject.toml",
            lambda text: text.replace('"numpy>=1.26,<3"', '"numpy>=1.26,<2"'),
            r"requirements/make.txt: numpy [0-9.]+ is none of numpy<2,>=1.26; run: make lock\n",
        ),
        (
            "pyproject.toml",
            lambda text: text.replace('"hypothesis>=6,<7"', '"hypothesis>=6,<7", "tomli>=2"'),
            r"requirements/make.txt: tomli is missing; run: make lock\n",
        ),
        (
            "requirements/peers.txt",
            lambda text: text.replace("pythonmonkey==1.", "pythonmonkey==0."),
            r"requirements/peers.txt: pythonmonkey 0\.[0-9.]+ is none of pythonmonkey<2,>=1.1; run: make lock\n",
        ),
        (
            "requirements/lock.txt",
            lambda text: re.sub(r"    --hash=\S+( \\)?\n", "", text),
            r"requirements/lock.txt: no version with its hashes: 'uv==[0-9.]+'; run: make lock\n",
        ),
        (
            "requirements/lock.txt",
            lambda text: f"--index-url somewhere\n{text}",
            r"requirements/lock.txt: no version with its hashes: '--index-url somewhere'; run: make lock\n",
        ),
    ],
    ids=["another range", "a new dependency", "another version", "no hashes", "an index"],
)
def test_a_difference_is_found(project: Path, file: str, change: Callable[[str], str], said: str) -> None:
    path = project / file
    text = path.read_text(encoding="utf-8")
    path.write_text(change(text), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != text
    assert re.search(said, check(project))


def test_pip_refuses_a_package_with_another_hash(tmp_path: Path) -> None:
    """As `.ci/prepare` calls it."""
    wheel = tmp_path / "iniconfig-99-py3-none-any.whl"
    wheel.write_bytes(b"")
    (tmp_path / "make.txt").write_text(f"iniconfig==99 --hash=sha256:{'0' * 64}\n")
    prepare = (ROOT / ".ci" / "prepare").read_text(encoding="utf-8")
    assert "pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes" in prepare
    command = [sys.executable, "-m", "pip", "install", "--only-binary", ":all:", "--require-hashes", "--no-index"]
    done = subprocess.run(
        [*command, "--find-links", tmp_path, "--target", tmp_path / "to", "-r", tmp_path / "make.txt"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr
