"""Installs each wheel of ``out/packages`` in a fresh Debian without compilers or network, and tries it there.

``make check-wheels`` calls it, after ``make wheels``; it needs root, mmdebstrap and bubblewrap. First auditwheel says
whether a wheel keeps to its platform's libraries. Then, as a user of that Debian: ``--probe`` exits with 0 on both
engines, the demo agrees with numpy, and installed.py passes.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from debian_roots import BUILD, make_root, run
from pythons import SUITES, VERSIONS, interpreter
from wheels import PLATFORM, WHEELS

_LARGEST = 12e6  # bytes
_HERE = Path(__file__).parent
_TOOLS = BUILD / "tools" / "bin"
# WebGPU in software; python3-venv has pip.
_PACKAGES = ["libvulkan1", "mesa-vulkan-drivers"]
# What a CPython of the machine's own needs, which is taken along where Debian has none: the machine is a Debian 12.
_FOREIGN_SUITE = "bookworm"
_FOREIGN_PACKAGES = ["libbz2-1.0", "libffi8", "liblzma5", "libsqlite3-0", "libssl3", "zlib1g"]
# Dependencies without a wheel for a Python. There pip would compile it; here what works without it is tried.
_MISSING = {"3.14": ["coincurve"]}
_USER = "1000"
_BECOME_USER = """
install --directory --mode=700 --owner="$1" --group="$1" "$HOME"
user=$1 try=$2
shift 2
exec setpriv --reuid="$user" --regid="$user" --clear-groups sh -euc "$try" sh "$@"
"""
_TRY = """
quietly() { "$@" >log 2>&1 || { status=$?; cat log >&2; exit $status; }; }
cd "$HOME"
for compiler in cc gcc g++ clang; do if command -v "$compiler"; then exit 1; fi; done
quietly "$1" -m venv env
shift
case $# in
  0) quietly env/bin/python -m pip install "dcp-evaluator[engine-v8]" ;;
  *) quietly env/bin/python -m pip install --no-deps /run/wheels/*.whl ;;
esac
quietly env/bin/dcp-evaluator --probe
head -n 1 log
quietly env/bin/python -m dcp_evaluator.demo
env/bin/python /run/installed.py "$@"
"""


def main(versions: list[str]) -> int:
    """Returns the exit status."""
    found = {version: wheel for version in VERSIONS if (wheel := _wheel(version)) is not None}
    chosen = {version: found[version] for version in versions or found}
    if not chosen:
        print("error: there is no wheel in out/packages; run: make wheels", file=sys.stderr)
        return 1
    for version, wheel in chosen.items():
        _check_file(wheel)
        _fetch_dependencies(version, wheel)
        print(f"==> Trying the wheel for CPython {version} in {_name(version)}", flush=True)
        _try(version)
    return 0


def _wheel(version: str) -> Path | None:
    return next(WHEELS.glob(f"*-cp{version.replace('.', '')}-*.whl"), None)


def _check_file(wheel: Path) -> None:
    if wheel.stat().st_size > _LARGEST:
        sys.exit(f"error: {wheel.name} has {wheel.stat().st_size / 1e6:.1f} MB, more than {_LARGEST / 1e6:.0f}")
    show = [_TOOLS / "python", "-m", "auditwheel", "show", "--json", wheel]
    needed = json.loads(subprocess.run(show, stdout=subprocess.PIPE, check=True).stdout)["overall_tag"]
    if _glibc(needed) > _glibc(PLATFORM):
        sys.exit(f"error: {wheel.name} needs {needed}. What of it: auditwheel show {wheel}")
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.2f} MB, needs no more than {needed}")


def _glibc(platform: str) -> tuple[int, ...]:
    """Of ``manylinux_2_31_x86_64``; a platform that promises nothing is above all others."""
    found = re.match(r"manylinux_(\d+)_(\d+)_", platform)
    return tuple(map(int, found.groups())) if found else (sys.maxsize,)


def _fetch_dependencies(version: str, wheel: Path) -> None:
    """The wheel, and all that pip would fetch for it there, into a folder."""
    folder = _dependencies(version)
    for old in folder.glob(f"{wheel.name.partition('-')[0]}-*"):
        old.unlink()
    names = ("_2_31", "_2_28", "_2_27", "_2_17", "2014", "2010", "1")
    platforms = [f"--platform=manylinux{name}_x86_64" for name in names]
    pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--quiet", "--only-binary=:all:"]
    pip += [f"--dest={folder}", f"--python-version={version}", *platforms]
    missing = _MISSING.get(version, [])
    if not missing:
        run(*pip, f"{wheel}[engine-v8]")
        return
    print(f"{wheel.name}: not tried with {', '.join(missing)}, of which there is no wheel for CPython {version}")
    project = tomllib.loads((_HERE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["engine-v8"]]
    run(*pip, *(name for name in wanted if not name.startswith(tuple(missing))))
    shutil.copy(wheel, folder)


def _dependencies(version: str) -> Path:
    return BUILD / "dependencies" / version


def _name(version: str) -> str:
    return f"Debian {SUITES.get(version, _FOREIGN_SUITE)}"


def _try(version: str) -> None:
    python, packages, mounts = f"python{version}", [f"python{version}-venv"], []
    if version not in SUITES:
        foreign = interpreter(version)
        if foreign is None:
            sys.exit(f"error: there is no python{version} here, to try its wheel with")
        packages, python = _FOREIGN_PACKAGES, f"/run/python/bin/{python}"
        mounts = [
            "--ro-bind",
            foreign.resolve().parents[1],
            "/run/python",
            "--setenv",
            "LD_LIBRARY_PATH",
            "/run/python/lib",
        ]
    suite = SUITES.get(version, _FOREIGN_SUITE)
    root = make_root(suite, [*packages, *_PACKAGES], BUILD / "roots" / f"{suite}-{version}")
    become_user = ["sh", "-euc", _BECOME_USER, "sh", _USER, _TRY, python, *_MISSING.get(version, [])]
    run("bwrap", *_sandbox(root), "--ro-bind", _dependencies(version), "/run/wheels", *mounts, *become_user)


def _sandbox(root: Path) -> list[str | Path]:
    """Options of bubblewrap: the root is read only, and all that is written is gone afterwards."""
    variables = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/home/user",
        "LC_ALL": "C.UTF-8",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": "/run/wheels",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    return [
        *("--ro-bind", root, "/", "--proc", "/proc", "--dev", "/dev", "--ro-bind", "/sys", "/sys"),
        *("--perms", "1777", "--tmpfs", "/tmp", "--tmpfs", "/run", "--tmpfs", "/home"),
        *("--ro-bind", _HERE / "installed.py", "/run/installed.py"),
        *("--unshare-net", "--unshare-pid", "--die-with-parent", "--new-session", "--clearenv"),
        *(word for name, value in variables.items() for word in ("--setenv", name, value)),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
