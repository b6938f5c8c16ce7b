"""What wheels are compiled and linked against: the C library of an old release, and static libseccomp."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from debian_roots import BUILD, make_root

# Debian 11, with glibc 2.31. libseccomp is a later one, which knows more system calls; none of glibc goes into it.
_SUITE, _SECCOMP_SUITE = "bullseye", "bookworm"
_HEADERS = Path("usr/include")
_LIBRARIES = Path("usr/lib/x86_64-linux-gnu")


def make_sysroot() -> Path:
    """The sysroot, whose C++ headers are the machine's."""
    root = make_root(_SUITE, ["libc6-dev", "linux-libc-dev"], BUILD / "sysroot", "extract")
    _make_links_relative(root)
    for headers in (_HEADERS / "c++", _HEADERS / "x86_64-linux-gnu" / "c++"):
        link = root / headers
        if not link.is_symlink():
            link.symlink_to(Path("/") / headers)
    seccomp = make_root(_SECCOMP_SUITE, ["libseccomp-dev"], BUILD / "seccomp", "extract")
    for name in ("seccomp.h", "seccomp-syscalls.h"):
        shutil.copy2(seccomp / _HEADERS / name, root / _HEADERS / name)
    shutil.copy2(seccomp / _LIBRARIES / "libseccomp.a", root / _LIBRARIES / "libseccomp.a")
    return root


def _make_links_relative(root: Path) -> None:
    """A linker follows no absolute ones."""
    for folder in ("lib64", "usr/lib"):
        for link in (root / folder).rglob("*"):
            if link.is_symlink() and link.readlink().is_absolute():
                target = root / link.readlink().relative_to("/")
                link.unlink()
                link.symlink_to(os.path.relpath(target, link.parent))


def libseccomp(sysroot: Path) -> Path:
    return sysroot / _LIBRARIES / "libseccomp.a"


def seccomp_headers(sysroot: Path) -> Path:
    return sysroot / _HEADERS
