"""``python -m gpu_check.lacks [--bundle]``: what this machine lacks for the build and for a Vulkan driver.

It runs before anything is installed. Exit status 1: no build is possible. With a bundle nothing is built, and there
is no network.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_MANIFESTS = (
    "/etc/vulkan/icd.d", "/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d",
    "/run/opengl-driver/share/vulkan/icd.d",
)  # fmt: skip
_CHOICES = ("VK_DRIVER_FILES", "VK_ICD_FILENAMES")


@dataclass(frozen=True)
class Part:
    """``packages``: its name for apt, dnf and pacman. ``builds``: whether the build needs it, else a driver may."""

    what: str
    is_there: Callable[[], bool]
    packages: tuple[str, str, str]
    builds: bool


@dataclass(frozen=True)
class Manager:
    """``install``: from the network; ``fetch``, ``bring``: on a machine of the same system with one, then here."""

    program: str
    install: str
    fetch: str
    bring: str


_MANAGERS = (
    Manager("apt-get", "apt-get install {}",
            "apt-get install --reinstall --download-only -o Dir::Cache::archives=$PWD {}", "dpkg -i *.deb"),
    Manager("dnf", "dnf install {}", "dnf download --resolve {}", "dnf install ./*.rpm"),
    Manager("pacman", "pacman -S {}", "pacman -Sw --cachedir . {}", "pacman -U ./*.pkg.tar.zst"),
)  # fmt: skip


def parts() -> tuple[Part, ...]:
    """All that is looked for."""
    return (
        Part("a C++ compiler", lambda: shutil.which("g++") is not None, ("g++", "gcc-c++", "gcc"), True),
        Part("libseccomp's headers", lambda: Path("/usr/include/seccomp.h").exists(),
             ("libseccomp-dev", "libseccomp-devel", "libseccomp"), True),
        Part("Python's headers", _python_headers, ("python3-dev", "python3-devel", "python"), True),
        Part("Python's venv", lambda: importlib.util.find_spec("venv") is not None,
             ("python3-venv", "python3-libs", "python"), True),
        Part("the Vulkan loader, libvulkan.so.1", lambda: _opens("libvulkan.so.1"),
             ("libvulkan1", "vulkan-loader", "vulkan-icd-loader"), False),
        Part("libXext, which NVIDIA's library needs", lambda: _opens("libXext.so.6"),
             ("libxext6", "libXext", "libxext"), False),
    )  # fmt: skip


def missing() -> list[Part]:
    return [part for part in parts() if not part.is_there()]


def drivers() -> Iterator[str]:
    """A line for each Vulkan driver of the loader's folders, or one that says that there is none."""
    files = list(_manifests())
    for file in files:
        library = _library(file)
        problem = "is no manifest" if library is None else _loading_fails(library)
        yield f"{file}: {library}" + (f" cannot be loaded: {problem}" if problem else ", can be loaded")
    if not files:
        yield (
            "no Vulkan driver: for a GPU install its vendor's (docs/gpus.md); without any, WebGPU has no adapter. "
            "In a container NVIDIA's needs NVIDIA_DRIVER_CAPABILITIES=graphics,compute,utility"
        )


def remedy(packages: list[str], manager: Manager | None, offline: bool) -> Iterator[str]:
    """How to get packages here."""
    if not packages:
        return
    names = " ".join(packages)
    if manager is None:
        yield f"install, by the names of Debian: {names}"
    elif not offline:
        yield f"as root: {manager.install.format(names)}"
    else:
        yield f"on the same system with a network, as root, in an empty folder: {manager.fetch.format(names)}"
        yield f"bring that folder here; in it, as root: {manager.bring}"


def main() -> int:
    has_bundle = "--bundle" in sys.argv[1:]
    manager = next((each for each in _MANAGERS if shutil.which(each.program)), None)
    column = 0 if manager is None else _MANAGERS.index(manager)
    absent = [part for part in missing() if not (part.builds and has_bundle)]
    for part in absent:
        _say(f"missing: {part.what} ({'the build needs it' if part.builds else 'may be needed'})")
    for line in remedy(list(dict.fromkeys(part.packages[column] for part in absent)), manager, has_bundle):
        _say(f"  {line}")
    for line in drivers():
        _say(f"driver: {line}")
    return 1 if any(part.builds for part in absent) else 0


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _python_headers() -> bool:
    return Path(sysconfig.get_path("include"), "Python.h").exists()


def _opens(library: str) -> bool:
    return _loading_fails(library) is None


def _loading_fails(library: str) -> str | None:
    """Why it cannot be loaded, found in another process: it may be a driver that crashes."""
    code = "import ctypes, sys; ctypes.CDLL(sys.argv[1])"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, library], capture_output=True, text=True, timeout=20, check=False
        )
    except subprocess.TimeoutExpired:
        return "it takes longer than 20 s"
    if done.returncode == 0:
        return None
    return done.stderr.strip().rpartition("\n")[2].removeprefix("OSError: ") or f"status {done.returncode}"


def _manifests() -> Iterator[Path]:
    chosen = next((value for name in _CHOICES if (value := os.environ.get(name))), None)
    if chosen is not None:
        yield from map(Path, filter(None, chosen.split(":")))
        return
    for folder in _MANIFESTS:
        yield from sorted(Path(folder).glob("*.json"))


def _library(manifest: Path) -> str | None:
    try:
        path = str(json.loads(manifest.read_bytes())["ICD"]["library_path"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return str(manifest.parent / path) if "/" in path else path


if __name__ == "__main__":
    sys.exit(main())
