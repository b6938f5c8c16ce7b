"""Builds the wheels of this commit into ``out/packages``: one for each CPython, for x86-64 and glibc 2.31 or newer.

``make wheels`` calls it. The machine's g++ compiles against the C library of an old Debian (sysroot.py), so that the
wheels run there too. The programs are compiled once; of each wheel, only two modules depend on its Python.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from debian_roots import BUILD, run
from pythons import VERSIONS, headers
from sysroot import libseccomp, make_sysroot, seccomp_headers

ROOT = Path(__file__).parents[2]
WHEELS = ROOT / "out" / "packages"
PLATFORM = "manylinux_2_31_x86_64"


def main(versions: list[str]) -> int:
    """Returns the exit status: 1 where a wheel is left out, for want of a Python's headers."""
    sysroot = make_sysroot()
    WHEELS.mkdir(parents=True, exist_ok=True)
    left_out = []
    for version in versions or VERSIONS:
        folder = headers(version)
        if folder is None:
            left_out.append(version)
            continue
        print(f"==> Building the wheel for CPython {version}", flush=True)
        build(version, folder, sysroot)
    for wheel in sorted(WHEELS.glob("*.whl")):
        print(f"{wheel.relative_to(ROOT)}: {wheel.stat().st_size / 1e6:.2f} MB")
    for version in left_out:
        print(
            f"error: no wheel for CPython {version}: this machine has no python{version} with headers", file=sys.stderr
        )
    return 1 if left_out else 0


def build(version: str, headers: Path, sysroot: Path) -> None:
    settings = [f"-C{name}={value}" for name, value in _settings(version, headers, sysroot)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": _time_of_commit()}
    pip = [sys.executable, "-m", "pip", "wheel", "--disable-pip-version-check", "--quiet"]
    run(*pip, "--no-deps", "--no-build-isolation", f"--wheel-dir={WHEELS}", *settings, str(ROOT), env=environment)


def _settings(version: str, headers: Path, sysroot: Path) -> Iterator[tuple[str, object]]:
    """Of scikit-build-core."""
    python = f"cp{version.replace('.', '')}"
    yield "build-dir", BUILD / "x86_64"
    yield "wheel.tags", f"{python}-{python}-{PLATFORM}"
    definitions = {
        "CMAKE_SYSROOT": sysroot,
        "DCP_PORTABLE": "ON",
        "DCP_PYTHON_HEADERS": headers,
        "PYTHON_MODULE_EXTENSION": f".cpython-{python[2:]}-x86_64-linux-gnu.so",
        "SECCOMP_INCLUDE_DIR": seccomp_headers(sysroot),
        "SECCOMP_LIBRARY": libseccomp(sysroot),
    }
    for name, value in definitions.items():
        yield f"cmake.define.{name}", value


def _time_of_commit() -> str:
    """In seconds: dates of the files in a wheel."""
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
