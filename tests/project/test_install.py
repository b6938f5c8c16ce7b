"""The installation: what the package brings, and what the bootstrap says where it cannot go on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest
from packaging.version import InvalidVersion, Version

import dcp_evaluator
from dcp_evaluator.settings import installation

pytestmark = pytest.mark.any_engine

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_versions_agree():
    assert version("dcp-evaluator") == PROJECT["project"]["version"] == dcp_evaluator.__version__


def test_the_tests_run_against_the_installed_package():
    assert ROOT / "python" not in Path(dcp_evaluator.__file__).parents


def test_native_programs_are_installed():
    for name in ("dcp-zygote", "dcp-gpu-host"):
        assert Path(installation.executable(name)).parent.parent == Path(dcp_evaluator.__file__).parent


def test_the_command_is_installed():
    (command,) = entry_points(group="console_scripts", name="dcp-evaluator")
    script = Path(sys.executable).parent / command.name
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"dcp-evaluator {dcp_evaluator.__version__}\n"


def test_the_development_build_uses_the_same_versions_as_the_package():
    """`make` builds without isolation: its group repeats what the package asks for."""
    build = set(PROJECT["dependency-groups"]["build"])
    assert set(PROJECT["project"]["dependencies"]) <= build
    assert set(PROJECT["build-system"]["requires"]) <= build


def test_no_extra_reads_as_a_version():
    """pip 24.1 to 25.3 installs no wheel that has one: it compares ``extra == "v8"`` by versions, and fails."""
    for extra in PROJECT["project"]["optional-dependencies"]:
        with pytest.raises(InvalidVersion):
            Version(extra)


@pytest.fixture
def clone(tmp_path):
    """The files that the bootstrap reads, in a folder of their own."""
    for folder in (".ci", "requirements"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def prepare(clone: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(clone), "PYTHON": sys.executable, **environment}
    command = [clone / ".ci" / "prepare"]
    return subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, check=False)


def only(clone: Path, *programs: str) -> str:
    """A PATH with these programs alone."""
    folder = clone / "bin"
    folder.mkdir()
    for program in programs:
        found = shutil.which(program)
        assert found, program
        (folder / program).symlink_to(found)
    return str(folder)


def test_without_apt_it_names_what_is_missing_and_the_command(clone):
    done = prepare(clone, PATH=only(clone, "bash", "env", "id", "grep"))
    assert done.returncode == 1
    assert "Missing: g++" in done.stderr
    assert "apt-get install g++" in done.stderr
    assert re.search(r"^error: the build cannot go on without: g\+\+", done.stderr, re.MULTILINE)
    assert not (clone / ".venv").exists()


def test_without_python_it_says_which_one_is_wanted(clone):
    done = prepare(clone, PATH=only(clone, "bash", "env"), PYTHON="no-such-python")
    assert done.returncode == 1
    assert done.stderr.startswith("error: Python 3.11 or newer is missing.")


def test_without_a_package_index_it_says_so(clone):
    done = prepare(clone, PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull)
    assert done.returncode == 1
    assert re.search(r"^error: pip could not install what the build and the tests need", done.stderr, re.MULTILINE)
    assert "pip config list" in done.stderr
