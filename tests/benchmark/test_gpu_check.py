"""benchmarks/gpu-check.sh: what is done is kept, a step that fails or hangs costs its own result only, and without a
network it says what is missing. The steps run on whatever adapter there is, small and short.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from gpu_check import lacks, page, speed
from gpu_check.step import StepFailedError
from gpu_check.steps import STEPS

from broken_driver import BODIES, broken_driver

pytestmark = pytest.mark.any_engine

SCRIPT = Path(__file__).parents[2] / "benchmarks/gpu-check.sh"


def check(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs it as the script does, after the build, with results in ``folder``."""
    command = [sys.executable, "-m", "gpu_check", "--quick", "--out", str(folder), *options]
    variables = {**os.environ, "PYTHONPATH": str(SCRIPT.parent), **environment}
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=110, check=False)


def results(folder: Path) -> dict[str, dict[str, Any]]:
    """By the names of the steps."""
    report = json.loads((folder / "gpu-check.json").read_text())
    return {step["name"]: step for step in report["steps"]}


def test_every_step_works_on_this_machine_s_adapter_or_says_why_it_does_not_apply(tmp_path: Path) -> None:
    """All but the project's own tests, which are those around this one."""
    steps = [step.name for step in STEPS if step.name != "tests"]
    done = check(tmp_path, "--only", ",".join(steps))
    found = results(tmp_path)
    assert {name: found[name]["error"] for name in steps if found[name]["verdict"] == "failed"} == {}
    assert done.returncode == 0, done.stdout
    (adapter, *_) = found["sealed"]["data"]["adapters"]
    text = (tmp_path / "gpu-check.txt").read_text()
    assert f"Ran on: {adapter['device']}" in text
    assert ("THIS IS AN ADAPTER IN SOFTWARE" in text) == (adapter["type"] == "cpu")
    assert "Not run yet: tests." in text
    assert max(map(len, text.splitlines())) <= 120
    written = text + (tmp_path / "gpu-check.json").read_text()
    assert str(Path.home()) not in written
    assert not re.search(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", written)


def test_what_is_done_is_not_done_again_unless_asked_for(tmp_path: Path) -> None:
    chosen = ("--only", "facts,sealed,round-trip")
    assert check(tmp_path, *chosen).returncode == 0
    first = results(tmp_path)
    assert check(tmp_path, *chosen).returncode == 0
    second = results(tmp_path)
    assert check(tmp_path, "--again", "--only", "round-trip").returncode == 0
    third = results(tmp_path)
    for name in ("facts", "sealed", "round-trip"):
        assert (first[name]["kept"], second[name]["kept"]) == (False, True)
        assert second[name]["data"] == first[name]["data"]
        assert third[name]["kept"] == (name != "round-trip")
    assert third["round-trip"]["data"] != first["round-trip"]["data"]
    assert third["f32"]["verdict"] == "not run"


def test_a_broken_driver_fails_its_steps_and_the_others_go_on(tmp_path: Path) -> None:
    manifest = str(broken_driver(tmp_path, BODIES["aborts"]))
    broken = {"VK_DRIVER_FILES": manifest, "VK_ICD_FILENAMES": manifest}
    done = check(tmp_path / "out", "--only", "facts,unsealed,sealed,round-trip", **broken)
    found = results(tmp_path / "out")
    assert done.returncode == 1
    assert found["facts"]["verdict"] == "ok"
    assert found["unsealed"]["verdict"] == found["sealed"]["verdict"] == "failed"
    assert "SIGABRT" in found["sealed"]["error"]
    assert found["round-trip"]["error"] == "a sealed host has no adapter 0"
    text = (tmp_path / "out/gpu-check.txt").read_text()
    assert "RAN ON NO ADAPTER" in text
    assert "The driver fails without the seal too" in text
    check(tmp_path / "out", "--only", "facts,sealed")
    repaired = results(tmp_path / "out")
    assert repaired["sealed"]["verdict"] == "ok"
    assert not repaired["facts"]["kept"]  # it was of other drivers


def test_a_step_that_hangs_is_ended_with_all_that_it_has_started(tmp_path: Path) -> None:
    """That nothing is left of the driver that hangs, conftest.py looks at."""
    manifest = str(broken_driver(tmp_path, BODIES["hangs"]))
    broken = {"VK_DRIVER_FILES": manifest, "VK_ICD_FILENAMES": manifest}
    chosen = ("--only", "facts,first-host,sealed", "--seconds", "5")
    assert check(tmp_path / "out", *chosen, **broken).returncode == 1
    found = results(tmp_path / "out")
    assert found["facts"]["verdict"] == "ok"
    assert found["first-host"]["verdict"] == "timed out"
    assert found["sealed"]["verdict"] == "not run"
    assert "the same command goes on from here" in found["sealed"]["error"]


def test_a_step_that_does_not_exist_is_told_with_those_that_do(tmp_path: Path) -> None:
    done = check(tmp_path, "--only", "facts,speed")
    assert done.returncode == 2
    assert "there is no step speed; the steps are facts, first-host" in done.stderr


def test_a_wrong_product_is_found() -> None:
    product = speed.Product("f16", 64)
    right = (product.a.astype(np.int64) @ product.b.astype(np.int64)).astype(np.float16).ravel()
    product.check(right)
    right[77] += 1
    with pytest.raises(StepFailedError, match="1 of 4096 elements are wrong: element 77 is "):
        product.check(right)


def test_the_page_says_first_what_is_at_fault() -> None:
    def result(name: str, verdict: str, **data: object) -> dict[str, Any]:
        return {"name": name, "title": name, "verdict": verdict, "error": None, "seconds": 1.0, "kept": False,
                "lines": ["a \x1b[2J line"], "data": data}  # fmt: skip

    gpu = {"device": "NVIDIA H100", "type": "discrete-gpu", "driver": "", "description": "570.1"}
    about = {"commit": "abc", "when": "today", "quick": False}
    killed = page.page([result("sealed", "failed", adapters=[], error="signal 31 (SIGSYS)")], **about)
    assert "'which-call' names it" in killed
    assert "\x1b" not in killed
    refused = page.page([result("sealed", "failed", adapters=[gpu]), result("which-layer", "failed")], **about)
    assert "not inside the seal" in refused
    assert "SOFTWARE" not in refused
    works = page.page([result("sealed", "ok", adapters=[gpu]), result("tests", "not run")], **about)
    assert "Not run yet: tests." in works
    assert "All steps that ran and apply are well." in works


# --- Without a network ---


def script(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    bash = shutil.which("bash") or "/bin/bash"
    variables = {**os.environ, **environment}
    return subprocess.run(
        [bash, SCRIPT, *options], env=variables, capture_output=True, text=True, timeout=60, check=False
    )


def test_help_tells_all_options() -> None:
    told = script("--help").stdout
    for option in (
        "--bundle",
        "--lacks",
        "--again",
        "--only",
        "--device",
        "--seconds",
        "--quick",
        "--out",
    ):
        assert option in told


def test_a_machine_without_a_new_python_is_told_what_to_install(tmp_path: Path) -> None:
    for program in ("dirname", "sed"):
        (tmp_path / program).symlink_to(shutil.which(program) or "")
    done = script("--lacks", PATH=str(tmp_path), PYTHON="no-such-python")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: Python 3.11 or newer is missing. Debian 12, Ubuntu 24.04: apt-get install python3"
    )


def test_a_folder_that_is_no_bundle_is_told_with_what_makes_one(tmp_path: Path) -> None:
    assert (
        f"error: there is no bundle in {tmp_path}: make bundle writes one" in script("--bundle", str(tmp_path)).stderr
    )
    assert "error: --bundle needs a folder" in script("--bundle").stderr


def test_what_is_missing_is_named_with_how_to_bring_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a compiler nothing is built. With a bundle nothing has to be."""
    (tmp_path / "apt-get").write_text("#!/bin/sh\n")
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(lacks, "_opens", lambda library: False)
    monkeypatch.setattr(sys, "argv", ["lacks"])
    assert lacks.main() == 1
    told = capsys.readouterr().err
    assert "missing: a C++ compiler (the build needs it)" in told
    assert "as root: apt-get install g++" in told
    monkeypatch.setattr(sys, "argv", ["lacks", "--bundle"])
    assert lacks.main() == 0
    told = capsys.readouterr().err
    assert "compiler" not in told
    assert "missing: the Vulkan loader, libvulkan.so.1 (may be needed)" in told
    assert "apt-get install --reinstall --download-only -o Dir::Cache::archives=$PWD libvulkan1 libxext6" in told
    assert "in it, as root: dpkg -i *.deb" in told


def test_drivers_are_told_with_why_they_cannot_be_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = tmp_path / "some_icd.json"
    manifest.write_text(json.dumps({"ICD": {"library_path": "libno_such_driver.so.1"}}))
    monkeypatch.setenv("VK_DRIVER_FILES", str(manifest))
    (line,) = lacks.drivers()
    assert line.startswith(
        f"{manifest}: libno_such_driver.so.1 cannot be loaded: libno_such_driver.so.1: cannot open shared"
    )
