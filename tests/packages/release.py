"""A release: what has to agree before it is built, and what is written beside it. ``make release`` calls it.

``release.py check``: version, changelog, tags and work tree. ``release.py write``: into ``out/release``, all packages
of this version, SHA256SUMS, and the SBOM.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from agreement import faults
from architectures import MACHINES
from native_parts import libseccomp, libstdcxx
from pythons import VERSIONS
from sbom import sbom
from sums import write_sums
from wheels import ROOT, WHEELS, time_of_commit, wheel_of

_RELEASE = ROOT / "out" / "release"
# By the target that makes them: globs, each of which has to find something.
_OTHERS = {
    "check-sdist": "dcp_evaluator-{version}.tar.gz",
    "bundle": "bundle-{version}-x86_64.tar",
    "deb": "dcp-evaluator_{version}-*.deb",
    "image": "dcp-evaluator-{version}-oci.tar",
}


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("check", "write"))
    parser.add_argument("--rehearsal", action="store_true", help="tell what does not agree, and go on")
    options = parser.parse_args()
    version: str = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    found = list(_disagreements(version) if options.step == "check" else _missing(version))
    for fault in found:
        print(f"{'warning' if options.rehearsal else 'error'}: {fault}", file=sys.stderr)
    if found and not options.rehearsal:
        return 1
    if options.step == "write":
        _write(version)
    return 0


def _disagreements(version: str) -> Iterator[str]:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    tags, tags_here = _git("tag").split(), _git("tag", "--points-at", "HEAD").split()
    return faults(version, changelog, tags, tags_here, _git("status", "--porcelain"))


def _git(*arguments: str) -> str:
    return subprocess.run(["git", "-C", ROOT, *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout


def _missing(version: str) -> Iterator[str]:
    for target, found in _packages(version):
        if not found:
            yield f"a package of version {version} is missing in out/packages; run: make {target}"


def _write(version: str) -> None:
    shutil.rmtree(_RELEASE, ignore_errors=True)
    _RELEASE.mkdir(parents=True)
    for _, packages in _packages(version):
        for package in packages:
            os.link(package, _RELEASE / package.name)
    libraries = [library(machine) for machine in MACHINES.values() for library in (libseccomp, libstdcxx)]
    parts = sbom(ROOT, int(time_of_commit()), libraries)
    (_RELEASE / f"dcp-evaluator-{version}.cdx.json").write_text(parts, encoding="utf-8")
    print(f"{_RELEASE.relative_to(ROOT)}: {write_sums(_RELEASE)} files, and their SHA256SUMS")


def _packages(version: str) -> Iterator[tuple[str, list[Path]]]:
    """By the target that makes them."""
    for machine in MACHINES.values():
        for python in VERSIONS:
            wheel = wheel_of(python, machine)
            here = wheel is not None and wheel.name.startswith(f"dcp_evaluator-{version}-")
            yield f"wheels MACHINE={machine.name}  # CPython {python}", [wheel] if wheel and here else []
    for target, pattern in _OTHERS.items():
        yield target, sorted(WHEELS.glob(pattern.format(version=version)))


if __name__ == "__main__":
    sys.exit(main())
