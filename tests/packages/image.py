"""Builds the container image into ``out/packages``: Debian with Python and Mesa, and the wheel of ``make wheels``.

``make image`` calls it; it needs root, mmdebstrap and bubblewrap, and no daemon. Two builds of a commit, from the same
packages of Debian and the same wheels, are the same bytes. docs/container.md says how the image is used.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pip
from architectures import MACHINES
from debian_roots import BUILD, make_root, run
from dependencies import dependencies, fetch_dependencies
from oci_archive import Layer, OciArchive
from wheels import ROOT, WHEELS, time_of_commit, wheel_of

MACHINE = MACHINES["x86_64"]
PYTHON, _SUITE = "3.13", "trixie"
# Mesa and its loader: GPUs of AMD and Intel, and WebGPU in software. tini, as process 1, waits for orphans.
_PACKAGES = ["ca-certificates", f"python{PYTHON}", "libvulkan1", "mesa-vulkan-drivers", "tini"]
USER = 10001
_STATE, _CACHE = "/var/lib/dcp", "/var/cache/dcp"
_ENVIRONMENT = {
    "PATH": "/opt/dcp/bin:/usr/bin:/bin",
    "HOME": _STATE,
    "XDG_CACHE_HOME": _CACHE,
    "LC_ALL": "C.UTF-8",
    "PYTHONUNBUFFERED": "1",
    # What NVIDIA's runtime brings of its driver. Without graphics there is no Vulkan.
    "NVIDIA_DRIVER_CAPABILITIES": "compute,graphics,utility",
}
_FOLDER = BUILD / "image"
# What a container has no use for goes; licences stay. The user comes.
_STRIP = f"""
find /usr/share/doc -type f ! -name copyright -delete
rm -rf /usr/share/locale/* /usr/share/man/* /usr/share/info/* /usr/share/lintian /usr/lib/python{PYTHON}/test
rm -rf /etc/apt /etc/hostname /etc/resolv.conf /etc/machine-id /etc/*- /boot/*
rm -rf /var/cache/* /var/lib/apt /var/lib/dpkg/*-old /var/log/*
mkdir /etc/dcp
find / -xdev -name __pycache__ -prune -exec rm -rf {{}} +
find / -xdev -type f -perm /6000 -exec chmod ug-s {{}} +
echo 'dcp:x:{USER}:' >>/etc/group
echo 'dcp:x:{USER}:{USER}::{_STATE}:/usr/sbin/nologin' >>/etc/passwd
install --directory --mode=700 --owner={USER} --group={USER} {_STATE} {_CACHE}
python{PYTHON} -m compileall -q --invalidation-mode unchecked-hash /usr/lib/python{PYTHON}
"""
# The environment has no pip: nothing is installed in a container that runs.
_INSTALL = f"""
python{PYTHON} -m venv --without-pip /opt/dcp
PYTHONPATH=/run/pip /opt/dcp/bin/python -m pip install --quiet --disable-pip-version-check --no-index \
  --find-links /run/wheels --no-compile --no-cache-dir --root-user-action ignore 'dcp-evaluator[network,s3]'
find /opt/dcp -name __pycache__ -prune -exec rm -rf {{}} +
/opt/dcp/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/dcp/lib
"""


def main() -> int:
    """Returns the exit status."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    wheel = wheel_of(PYTHON, MACHINE)
    if wheel is None:
        print(f"error: there is no wheel for CPython {PYTHON} in out/packages; run: make wheels", file=sys.stderr)
        return 1
    fetch_dependencies(PYTHON, wheel)
    system = _system()
    evaluator = _evaluator(system)
    path, version = image_of(wheel), _version(wheel)
    print(f"==> Writing {path.relative_to(ROOT)}", flush=True)
    layers = [Layer(system, f"Debian {_SUITE}: {' '.join(_PACKAGES)}"), Layer(evaluator, wheel.name)]
    with OciArchive(path, f"dcp-evaluator:{version}", int(time_of_commit())) as archive:
        archive.write(layers, MACHINE.debian, _config(version))
    sizes = [_megabytes(layer.folder) for layer in layers]
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e6:.0f} MB; unpacked, {sizes[0]} and {sizes[1]} MB")
    return 0


def image_of(wheel: Path) -> Path:
    """Where the image with that wheel is, or will be."""
    return WHEELS / f"dcp-evaluator-{_version(wheel)}-oci.tar"


def _version(wheel: Path) -> str:
    return wheel.name.split("-")[1]


def _system() -> Path:
    """A copy of a fresh Debian, stripped."""
    made, system = make_root(_SUITE, _PACKAGES, BUILD / "roots" / "image", "essential"), _FOLDER / "system"
    shutil.rmtree(system, ignore_errors=True)
    system.parent.mkdir(parents=True, exist_ok=True)
    run("cp", "--archive", made, system)
    shutil.rmtree(system / "dev")
    (system / "dev").mkdir()
    _inside(system, _STRIP)
    return system


def _evaluator(system: Path) -> Path:
    """A folder with what is to be added to that."""
    added = _FOLDER / "evaluator"
    shutil.rmtree(added, ignore_errors=True)
    _inside(system, _INSTALL)
    (added / "opt").mkdir(parents=True)
    (system / "opt" / "dcp").rename(added / "opt" / "dcp")
    return added


def _inside(root: Path, script: str, *arguments: str) -> None:
    """Runs the shell's ``script``, with ``$1`` and so on, in ``root``, as its root, without a network."""
    variables = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}
    options = [
        *("--bind", root, "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/run", "--tmpfs", "/tmp"),
        *("--ro-bind", dependencies(PYTHON), "/run/wheels", "--ro-bind", Path(pip.__path__[0]), "/run/pip/pip"),
        *("--unshare-net", "--unshare-pid", "--die-with-parent", "--clearenv"),
        *(word for name, value in variables.items() for word in ("--setenv", name, value)),
    ]
    run("bwrap", *options, "sh", "-euc", script, "sh", *arguments)


def _config(version: str) -> dict[str, Any]:
    healthy = ["CMD", "dcp-worker", "status"]
    labels = {"title": "dcp-evaluator", "version": version, "licenses": "MIT", "revision": _revision()}
    return {
        "User": f"{USER}:{USER}",
        "Env": [f"{name}={value}" for name, value in _ENVIRONMENT.items()],
        "Entrypoint": ["tini", "--"],
        "Cmd": ["dcp-worker"],
        "WorkingDir": _STATE,
        "Volumes": {_STATE: {}, _CACHE: {}},
        "StopSignal": "SIGTERM",
        "Labels": {f"org.opencontainers.image.{name}": value for name, value in labels.items()},
        # Docker's alone; times are in nanoseconds.
        "Healthcheck": {"Test": healthy, "Interval": 60 * 10**9, "Timeout": 20 * 10**9, "StartPeriod": 60 * 10**9},
    }


def _revision() -> str:
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def _megabytes(folder: Path) -> int:
    return round(sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6)


if __name__ == "__main__":
    sys.exit(main())
