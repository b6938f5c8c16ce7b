"""The bundle for machines without a network: what its install.sh refuses, and which versions each Python gets."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pinned import read_pins

pytestmark = pytest.mark.any_engine
INSTALL = Path(__file__).parent / "offline" / "install.sh"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """One for this Python, without pip."""
    folder = tmp_path / "a bundle"
    (folder / "wheels").mkdir(parents=True)
    shutil.copy(INSTALL, folder)
    tag = f"cp3{sys.version_info.minor}"
    wheel = folder / "wheels" / f"dcp_evaluator-1.0-{tag}-{tag}-manylinux_2_31_x86_64.whl"
    wheel.write_bytes(b"a wheel")
    sums = f"{hashlib.sha256(b'a wheel').hexdigest()}  wheels/{wheel.name}\n"
    (folder / "SHA256SUMS").write_text(sums)
    return folder


def program(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def refusal(bundle: Path, **environment: str) -> str:
    """What install.sh says last. It leaves nothing behind."""
    target = bundle.parent / "made"
    variables = {**os.environ, "PYTHON": sys.executable, **environment}
    done = subprocess.run([bundle / "install.sh", target], env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
    assert not target.exists()
    return done.stderr


def test_damaged_and_missing_files_are_named(bundle: Path) -> None:
    (wheel,) = (bundle / "wheels").iterdir()
    wheel.write_bytes(b"another")
    told = refusal(bundle)
    assert f"wheels/{wheel.name}: FAILED" in told
    assert told.splitlines()[-1].startswith("error: files of this bundle are damaged or missing")
    wheel.unlink()
    assert f"wheels/{wheel.name}: No such file" in refusal(bundle)


def test_a_python_without_a_wheel_is_told_with_those_that_have_one(bundle: Path, tmp_path: Path) -> None:
    here = f"this bundle is for CPython 3.{sys.version_info.minor}, and"
    old = program(tmp_path, "old", 'case $1 in -c) echo cp39-cp39 ;; *) echo "Python 3.9.2" ;; esac')
    assert f"error: {here} {old} here is: Python 3.9.2. Debian 12 or newer" in refusal(bundle, PYTHON=str(old))
    missing = str(tmp_path / "missing")
    assert f"error: {here} {missing} here is: no such program" in refusal(bundle, PYTHON=missing)


def test_another_kind_of_machine_is_told(bundle: Path, tmp_path: Path) -> None:
    program(tmp_path, "uname", "echo aarch64")
    path = f"{tmp_path}:{os.environ['PATH']}"
    assert refusal(bundle, PATH=path) == "error: this bundle is for x86-64, and this machine is aarch64\n"


def test_this_python_is_taken_and_nothing_is_left_of_a_failure(bundle: Path) -> None:
    """Its wheels are found; pip's is missing."""
    assert "pip says above why it cannot install" in refusal(bundle)


def test_what_is_there_is_left_alone(bundle: Path) -> None:
    done = subprocess.run([bundle / "install.sh", bundle], capture_output=True, text=True, check=False)
    assert done.stderr.startswith(f"error: {bundle} is there already: remove it, or name another one")
    assert (bundle / "wheels").exists()


@pytest.mark.parametrize(("python", "numpy"), [("3.11", "2.4.6"), ("3.14", "2.5.5")])
def test_each_python_gets_its_own_version(python: str, numpy: str) -> None:
    text = """\
# made by make lock
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:1
numpy==2.5.5 ; python_full_version >= '3.12' \\
    --hash=sha256:2
colorama==1 ; sys_platform == 'win32' \\
    --hash=sha256:3
rich==14 \\
    --hash=sha256:4
"""
    assert [(pin.name, pin.version) for pin in read_pins(text, [python])] == [("numpy", numpy), ("rich", "14")]
