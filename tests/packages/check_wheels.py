"""Installs each wheel of ``out/packages`` in a fresh Debian without compilers or network, and tries it there.

``make check-wheels`` calls it, after ``make wheels``; it needs root, mmdebstrap and bubblewrap. First auditwheel says
whether a wheel keeps to its platform's libraries. Then installed.py passes, as a user of that Debian.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from architectures import Machine
from debian_roots import BUILD, make_root
from dependencies import dependencies, fetch_dependencies
from fresh_debian import run_inside
from python_roots import python_root
from sysroot import OLDEST
from trial import trial
from wheels import parse, wheel_of

_LARGEST = 12e6  # bytes
_TOOLS = BUILD / "tools" / "bin"
_TRY = """
for compiler in cc gcc g++ clang; do if command -v "$compiler"; then exit 1; fi; done
quietly "$1" -m venv env
quietly env/bin/python -m pip install dcp-evaluator
env/bin/python /run/installed.py --dcp-client /run/node_modules/dcp-client
"""
# Each tells of its layers; the compiler, of its options.
_TRY_PROGRAMS = """
for program in dcp-zygote dcp-gpu-host; do
  "/run/programs/$program" --report-isolation >report
  if grep false report; then exit 1; fi
done
/run/programs/dcp-compiler --no-such-option 2>&1 | grep --quiet usage:
echo "$(grep --count true report) layers in force, with $(ldd --version | head -n 1)"
"""


def main() -> int:
    """Returns the exit status: 1 where a wheel is missing, after the others were tried."""
    options = parse(__doc__)
    wheels = {version: wheel_of(version, options.machine) for version in options.versions}
    chosen = {version: wheel for version, wheel in wheels.items() if wheel is not None}
    if not chosen:
        print("error: there is no such wheel in out/packages; run: make wheels", file=sys.stderr)
        return 1
    _try_programs(next(iter(chosen.values())))
    for version, wheel in chosen.items():
        _check_file(wheel, options.machine)
        fetch_dependencies(version, wheel)
        _try(version)
    for version in wheels.keys() - chosen.keys():
        print(f"error: no wheel for CPython {version} is in out/packages to try; run: make wheels", file=sys.stderr)
    return 1 if None in wheels.values() else 0


def _try_programs(wheel: Path) -> None:
    """The programs of a wheel need no Python, and are the same in all: they start in the oldest release too."""
    print(f"==> Trying the programs in Debian {OLDEST}", flush=True)
    unpacked = BUILD / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    with zipfile.ZipFile(wheel) as file:
        file.extractall(unpacked)
    programs = unpacked / "dcp_evaluator" / "bin"
    for program in programs.iterdir():
        program.chmod(0o755)
    root = make_root(OLDEST, ["libstdc++6"], BUILD / "roots" / OLDEST)
    run_inside(root, {"/run/programs": programs}, _TRY_PROGRAMS)


def _check_file(wheel: Path, machine: Machine) -> None:
    if wheel.stat().st_size > _LARGEST:
        sys.exit(f"error: {wheel.name} has {wheel.stat().st_size / 1e6:.1f} MB, more than {_LARGEST / 1e6:.0f}")
    show = [_TOOLS / "python", "-m", "auditwheel", "show", "--json", wheel]
    needed = json.loads(subprocess.run(show, stdout=subprocess.PIPE, check=True).stdout)["overall_tag"]
    if _glibc(needed) > _glibc(machine.platform):
        sys.exit(f"error: {wheel.name} needs {needed}. What of it: auditwheel show {wheel}")
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.2f} MB, needs no more than {needed}")


def _glibc(platform: str) -> tuple[int, ...]:
    """Of ``manylinux_2_31_x86_64``; a platform that promises nothing is above all others."""
    found = re.match(r"manylinux_(\d+)_(\d+)_", platform)
    return tuple(map(int, found.groups())) if found else (sys.maxsize,)


def _try(version: str) -> None:
    root = python_root(version)
    print(f"==> Trying the wheel for CPython {version} in Debian {root.suite}", flush=True)
    mounts = {"/run/wheels": dependencies(version)} | root.mounts | trial()
    run_inside(root.folder, mounts, _TRY, root.python)


if __name__ == "__main__":
    sys.exit(main())
