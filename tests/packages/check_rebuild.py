"""Builds the wheels of this commit a second time, in another folder, and compares them byte for byte.

``make check-rebuild`` calls it, after ``make wheels``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from debian_roots import BUILD, run
from sysroot import make_sysroot
from wheels import ROOT, Builder, parse, wheel_of

_AGAIN = BUILD / "again"


def main() -> int:
    """Returns the exit status: 1 where a wheel differs."""
    options = parse(__doc__)
    shutil.rmtree(_AGAIN, ignore_errors=True)
    source = _AGAIN / "another folder"
    source.mkdir(parents=True)
    run("sh", "-euc", 'git archive HEAD | tar --extract --directory="$1"', "sh", source, cwd=ROOT)
    builder = Builder(options.machine, make_sysroot(options.machine), source, _AGAIN / "build", _AGAIN)
    wheels = {version: wheel_of(version, options.machine) for version in options.versions}
    outcomes = [_compare(first, builder.build(version)) for version, first in wheels.items() if first is not None]
    if not outcomes:
        print("error: there is no such wheel in out/packages to compare with; run: make wheels", file=sys.stderr)
    return max(outcomes, default=1)


def _compare(first: Path, second: Path | None) -> int:
    if second is not None and first.read_bytes() == second.read_bytes():
        print(f"{first.name}: the same bytes")
        return 0
    print(f"error: {first.name}: {second and _difference(first, second)}", file=sys.stderr)
    return 1


def _difference(first: Path, second: Path) -> str:
    with zipfile.ZipFile(first) as one, zipfile.ZipFile(second) as other:
        names = sorted({*one.namelist(), *other.namelist()})
        crcs = [{info.filename: info.CRC for info in wheel.infolist()} for wheel in (one, other)]
    found = [name for name in names if crcs[0].get(name) != crcs[1].get(name)]
    if not found:
        return "the same files, packed otherwise"
    dirty = subprocess.run(["git", "-C", ROOT, "status", "--porcelain"], stdout=subprocess.PIPE, check=True).stdout
    return f"{', '.join(found)} differ{' (the work tree has changes)' if dirty else ''}"


if __name__ == "__main__":
    sys.exit(main())
