"""The parts of the wheels that are not of PyPI: what ``make wheels`` links into programs and modules."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from architectures import Machine
from debian_roots import BUILD
from sums import sha256


@dataclass(frozen=True)
class Library:
    """Of Debian. ``sha256``: of the file that is linked."""

    name: str
    package: str
    version: str
    architecture: str
    sha256: str
    licence: str


def libseccomp(machine: Machine) -> Library:
    """That of sysroot.py. Exits where ``make wheels`` has not made it."""
    root = BUILD / machine.name / "seccomp"
    changes = root / "usr/share/doc/libseccomp-dev/changelog.Debian.gz"
    if not changes.exists():
        sys.exit(f"error: {root} is missing, from which libseccomp is linked; run: make wheels MACHINE={machine.name}")
    with gzip.open(changes, "rt", encoding="utf-8") as file:
        found = re.match(r"libseccomp \((.+)\)", file.readline())
    assert found is not None
    file_of_it = root / "usr/lib" / machine.triple / "libseccomp.a"
    return Library("libseccomp", "libseccomp-dev", found[1], machine.debian, sha256(file_of_it), "LGPL-2.1-only")


def libstdcxx(machine: Machine) -> Library:
    """That of the compiler, for this machine or for another."""
    compiler = f"{machine.triple}-g++" if machine.crossed else "g++"
    file = Path(_output(compiler, "-print-file-name=libstdc++.a"))
    package = _output("dpkg-query", "--search", str(file)).partition(":")[0]
    version = _output("dpkg-query", "--show", "--showformat=${Version}", package)
    licence = "GPL-3.0-or-later WITH GCC-exception-3.1"
    return Library("libstdc++", package, version, machine.debian, sha256(file), licence)


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"error: what `make wheels` links cannot be told: {error}. It builds with Debian's {command[0]}")
