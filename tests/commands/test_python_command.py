"""``dcp-evaluator python`` with the releases that are supported."""

from __future__ import annotations

import os
import pty
import re
import resource
import subprocess
from pathlib import Path

import pytest

from cli_driver import COMMAND, DEADLINE, one_message, run
from dcp_evaluator.distribution.releases import LOCK, RELEASES
from dcp_evaluator.settings.settings import CACHE_VARIABLE
from npm_packages import npm_packages
from pyodide_packages import carrier, wheel
from python_distribution import python_environment

pytestmark = pytest.mark.any_engine


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.delenv("DCP_EVALUATOR_PYTHON", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "dcp-evaluator" / "python"


def test_a_package_comes_and_goes_with_what_it_needs(place: Path, tmp_path: Path) -> None:
    done = run("python", "install", "--from", carrier(), "sklearn", "PIL")
    assert done.stderr == ""
    assert re.fullmatch(rf"Pyodide 0\.27\.7 \(Python 3\.12\) is in {place}/0\.27\.7: 7 packages, \d+ MB\n", done.stdout)
    shown = run("python", "list").stdout
    assert all(f" {name} " in shown for name in ("scikit-learn", "scipy", "numpy", "openblas", "pillow", "joblib"))
    (tmp_path / "tool-1.0-py3-none-any.whl").write_bytes(wheel("tool", "1.0", {"tool.py": ""}, ("numpy",)))
    assert run("python", "add", "--from", tmp_path, "tool").stdout == "tool 1.0 is added\n"
    assert " tool 1.0" in run("python", "list").stdout
    assert "not installed: 32 packages" in run("python", "list", "--all").stdout
    (place / "0.27.7" / "pyodide.asm.wasm").write_text("damaged")
    assert "pyodide.asm.wasm is damaged: its content is not that of the release" in run("python", "list").stdout
    gone = run("python", "remove", "pillow", "0.27.7")
    assert one_message(gone, 1) == "'pillow' is not installed; dcp-evaluator python list shows what is"
    assert run("python", "remove", "0.27.7").stdout == f"Pyodide 0.27.7 is removed from {place}/0.27.7\n"
    assert (
        run("python", "list").stdout
        == f"no Python distribution is installed in {place}; run: dcp-evaluator python install\n"
    )


def test_a_terminal_shows_how_much_has_come(place: Path) -> None:
    terminal, other_end = pty.openpty()
    command = [*COMMAND, "python", "install", "--from", carrier(), "six"]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=other_end, timeout=DEADLINE, check=True)
    os.close(other_end)
    shown = os.read(terminal, 1 << 16).decode()
    os.close(terminal)
    assert re.match(r"\r0\.\d of 13\.\d MB  \S+ of \S+", shown)
    assert shown.rpartition("MB")[2].endswith("\r" + " " * 79 + "\r")


def test_the_newer_release_is_that_of_npm(place: Path) -> None:
    done = run("python", "install", "--from", npm_packages("webassembly") / "pyodide")
    assert "Pyodide 314.0.7 (Python 3.14) is in" in done.stdout
    newest = RELEASES[-1]
    files = {path.name for path in (place / "314.0.7").iterdir() if not path.name.startswith(".")}
    assert files == {*newest.core, LOCK}


def test_what_pip_fetches_is_what_the_tests_have(place: Path) -> None:
    """By the same hash, so that it need not be fetched once more."""
    pinned = (Path(__file__).parents[2] / "requirements" / "pyodide.txt").read_text()
    (named,) = [release.carrier for release in RELEASES if release.carrier]
    assert f"{named.name}=={named.version} " in pinned
    assert f"--hash=sha256:{named.sha256}" in pinned
    kept = place / ".downloads" / f"{named.name}-{named.version}.whl"
    kept.parent.mkdir(parents=True)
    kept.symlink_to(carrier())
    assert "1 package, " in run("python", "install", "six").stdout
    assert not kept.is_symlink()
    assert run("python", "install", "six").stderr == ""  # nothing is fetched


def test_a_full_disk_is_told(place: Path) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = run("python", "install", "--from", carrier(), "six", before=small_files)
    assert one_message(done, 1) == f"{place}/0.27.7 cannot be written: File too large. Then run the command again"
    assert "1 package" in run("python", "install", "--from", carrier(), "six").stdout


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        ([], 2, "what to do is missing: install, add, prepare, list, remove; see dcp-evaluator python --help"),
        (["fetch"], 2, "argument ACTION: invalid choice: 'fetch'"),
        (["list", "numpy"], 2, "list takes no names"),
        (["remove"], 2, "remove needs the name of a package"),
        (["add"], 2, "add needs the name of a package"),
        (["add", "--index-url=x", "six"], 2, "unrecognized arguments: --index-url=x"),
        (["add", "http://x/y"], 2, "'http://x/y' is no name of a package, as in name or name==1.0"),
        (["install", "--release", "1"], 2, "--release has no meaning with install"),
        (["remove", "numpy", "--all"], 2, "--all has no meaning with remove"),
        (["install", "--from", "docs"], 1, "docs holds no pyodide-lock.json, and no packages of a distribution"),
        (["list", "--from", "x"], 2, "--from has no meaning with list"),
        (["install", "--from", "README.md"], 1, "README.md is no zip or tar file, or is damaged"),
        (["install", "--from", "ftp://x/"], 2, "--from takes a folder, an archive or an address with http or https"),
    ],
)
def test_bad_command_lines(place: Path, arguments: list[str], status: int, reason: str) -> None:
    assert one_message(run("python", *arguments, folder=Path(__file__).parents[2]), status).startswith(reason)


def test_what_is_installed_is_compiled_ahead(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, python_environment()[CACHE_VARIABLE])
    run("python", "install", "--from", carrier(), "six")
    done = run("python", "prepare")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "python_stdlib.zip is compiled (1 of 2)",
        "six-1.16.0-py2.py3-none-any.whl is compiled (2 of 2)",
        "Pyodide 0.27.7 is prepared",
    ]
    assert run("python", "prepare", "six").stdout == "Pyodide 0.27.7 is prepared\n"
    assert "no module or package 'sixty'" in one_message(run("python", "prepare", "sixty"), 1)
    compiled = place / "0.27.7" / "compiled"
    run("python", "remove", "six")
    assert [path.name.partition("-")[2] for path in compiled.iterdir()] == ["python_stdlib.zip"]
    monkeypatch.setenv("DCP_EVALUATOR_PYTHON", str(place / "0.27.7"))
    run("python", "remove", "0.27.7")
    assert not compiled.exists()
