"""CPython's versions, and the headers of each that modules are compiled with."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from architectures import Machine
from debian_roots import BUILD, make_root

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
# The release of Debian that has it. None has had 3.12.
SUITES = {"3.11": "bookworm", "3.13": "trixie", "3.14": "forky"}
_TELL = "import sysconfig; print(sysconfig.get_path('include'))"


def headers(version: str, machine: Machine) -> Path | None:
    """The folder with ``Python.h``; None where neither Debian nor this machine has that version."""
    if version in SUITES:
        return _debian_headers(version, machine)
    python = interpreter(version)
    if python is None:
        return None
    folder = Path(subprocess.run([python, "-c", _TELL], stdout=subprocess.PIPE, text=True, check=True).stdout.strip())
    return folder if (folder / "Python.h").exists() else None


def _debian_headers(version: str, machine: Machine) -> Path:
    folder = BUILD / machine.name / "headers" / version
    if not folder.exists():
        package, where = f"libpython{version}-dev", BUILD / machine.name / f"headers-{version}"
        include = make_root(SUITES[version], [package], where, "extract", machine.debian) / "usr" / "include"
        shutil.copytree(include / f"python{version}", folder)
        # There, it names this one, by a path that is not beside it.
        shutil.copy2(include / machine.triple / f"python{version}" / "pyconfig.h", folder)
    return folder


def interpreter(version: str) -> Path | None:
    """A CPython of that version on this machine, from pyenv or on the path; None if there is none."""
    name = f"python{version}"
    installed = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for python in (*sorted(installed.glob(f"{version}.*/bin/{name}")), shutil.which(name)):
        if python is not None and subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0:
            return Path(python)
    return None
