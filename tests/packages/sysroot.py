"""What wheels are compiled and linked against: the C library of an old release, and static libseccomp."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from architectures import Machine
from debian_roots import BUILD, make_root

# Debian 11, with glibc 2.31. libseccomp is a later one, which knows more system calls; none of glibc goes into it.
OLDEST, _SECCOMP_SUITE = "bullseye", "bookworm"
_HEADERS = Path("usr/include")


def make_sysroot(machine: Machine) -> Path:
    """The sysroot, whose C++ headers are those of the compiler."""
    folder = BUILD / machine.name
    root = make_root(OLDEST, ["libc6-dev", "linux-libc-dev"], folder / "sysroot", "extract", machine.debian)
    _make_links_relative(root)
    for headers in (_HEADERS / "c++", _HEADERS / machine.triple / "c++"):
        link = root / headers
        if not machine.crossed and not link.is_symlink():  # a cross compiler looks beside itself
            link.symlink_to(Path("/") / headers)
    seccomp = make_root(_SECCOMP_SUITE, ["libseccomp-dev"], folder / "seccomp", "extract", machine.debian)
    for name in ("seccomp.h", "seccomp-syscalls.h"):
        shutil.copy2(seccomp / _HEADERS / name, root / _HEADERS / name)
    shutil.copy2(seccomp / "usr/lib" / machine.triple / "libseccomp.a", root / "usr/lib" / machine.triple)
    return root


def _make_links_relative(root: Path) -> None:
    """A linker follows no absolute ones."""
    for folder in ("lib", "lib64", "usr/lib"):
        for link in (root / folder).rglob("*"):
            if link.is_symlink() and link.readlink().is_absolute():
                target = root / link.readlink().relative_to("/")
                link.unlink()
                link.symlink_to(os.path.relpath(target, link.parent))


def definitions(root: Path, machine: Machine) -> dict[str, object]:
    """Of CMake, for a build against the sysroot ``root``."""
    found: dict[str, object] = {
        "CMAKE_SYSROOT": root,
        "DCP_PORTABLE": "ON",
        "SECCOMP_INCLUDE_DIR": root / _HEADERS,
        "SECCOMP_LIBRARY": root / "usr/lib" / machine.triple / "libseccomp.a",
    }
    if machine.crossed:
        found |= {
            "CMAKE_SYSTEM_NAME": "Linux",
            "CMAKE_SYSTEM_PROCESSOR": machine.name,
            "CMAKE_C_COMPILER": f"{machine.triple}-gcc",
            "CMAKE_CXX_COMPILER": f"{machine.triple}-g++",
            "PYTHON_IS_DEBUG": "0",
            "PYTHON_MODULE_DEBUG_POSTFIX": "",
        }
    return found
