"""Tries each Debian package of ``out/packages`` in a fresh Debian of its release, which is booted, without a network.

``make check-deb`` calls it, after ``make deb``; it needs root, mmdebstrap, systemd-container and lintian. try_deb.sh is
what happens there.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from architectures import Machine
from containers import boot
from deb import RELEASES, Release, package_of
from debian_roots import BUILD, make_root, run
from trial import trial
from wheels import parse

_HERE = Path(__file__).parent
# What the package needs, and a machine has.
_PACKAGES = ["dbus", "libvulkan1", "mesa-vulkan-drivers", "openssl", "python3", "systemd-sysv"]
_OLDER = "0.0.1"


def main() -> int:
    """Returns the exit status."""
    machine = parse(__doc__).machine
    missing = [release for release in RELEASES if not package_of(release, machine).exists()]
    if missing:
        print(
            f"error: there is no {package_of(missing[0], machine).name} in out/packages; run: make deb", file=sys.stderr
        )
        return 1
    for release in RELEASES:
        _try(release, machine)
    return 0


def _try(release: Release, machine: Machine) -> None:
    package = package_of(release, machine)
    print(f"==> Trying {package.name} in Debian {release.number}", flush=True)
    run("lintian", "--fail-on=error", "--suppress-tags=no-manual-page", package)
    root = make_root(release.suite, _PACKAGES, BUILD / "roots" / f"deb-{release.suite}")
    scripts = {f"/run/{name}": _HERE / name for name in ("try_deb.sh", "as_service.sh", "try_scheduler.py")}
    mounts = {"/run/new.deb": package, "/run/old.deb": _older(package)} | scripts | trial()
    boot(root, mounts, "/run/try_deb.sh")


def _older(package: Path) -> Path:
    """The same as an older version."""
    folder = BUILD / "deb" / "older"
    shutil.rmtree(folder, ignore_errors=True)
    run("dpkg-deb", "--raw-extract", package, folder)
    control = folder / "DEBIAN" / "control"
    lines = control.read_text(encoding="utf-8").splitlines()
    lines = [f"Version: {_OLDER}" if line.startswith("Version: ") else line for line in lines]
    control.write_text("\n".join(lines) + "\n", encoding="utf-8")
    run("dpkg-deb", "--root-owner-group", "-Znone", "--build", folder, folder.with_suffix(".deb"))
    shutil.rmtree(folder)
    return folder.with_suffix(".deb")


if __name__ == "__main__":
    sys.exit(main())
