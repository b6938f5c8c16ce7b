"""Debian of other releases than the machine's, in folders, from the mirror that its apt uses."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

BUILD = Path(__file__).parents[2] / "build" / "packages"
# Of programs that have not the names of their packages.
_PACKAGES = {
    "bwrap": "bubblewrap",
    "dh": "debhelper",
    "qemu-aarch64-static": "qemu-user-static",
    "systemd-nspawn": "systemd-container",
}


def make_root(
    suite: str, packages: Sequence[str], folder: Path, variant: str = "minbase", architecture: str | None = None
) -> Path:
    """``folder`` with ``packages`` of ``suite`` and what those need, installed; of the machine's architecture or that.

    The variant ``extract`` only unpacks them. Made once: a folder that has the same stays. Exits with the reason where
    it cannot be made.
    """
    wanted = f"{suite} {variant} {' '.join(packages)}\n"
    made = folder.with_name(f"{folder.name}.made")
    if made.exists() and made.read_text(encoding="utf-8") == wanted:
        return folder
    print(f"==> Making {folder.relative_to(BUILD)}: Debian {suite} with {' '.join(packages)}", flush=True)
    made.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as settings:
        settings.write(_output("apt-config", "dump", "--format", '%f "%v";%n', "Acquire"))
        settings.flush()
        options = [f"--variant={variant}", f"--include={','.join(packages)}", f"--aptopt={settings.name}"]
        if architecture is not None:
            options.append(f"--architectures={architecture}")
        as_root = ["--mode=root", '--aptopt=APT::Sandbox::User "root"']
        run("mmdebstrap", "--quiet", *as_root, *options, suite, folder, _mirror())
    made.write_text(wanted, encoding="utf-8")
    return folder


def _mirror() -> str:
    """Where this machine's apt has Debian from."""
    sites = _output("apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages", "Label: Debian").split()
    if not sites:
        sys.exit("error: this machine's apt names no mirror of Debian. Wheels are built on Debian 12.")
    return sites[0]


def _output(*command: str) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def run(*command: str | Path, **options: object) -> None:
    """Runs it, and exits with its name where it fails, or with its package where it is missing."""
    require(str(command[0]))
    try:
        subprocess.run(command, check=True, **options)  # type: ignore[call-overload]
    except subprocess.CalledProcessError as error:
        sys.exit(f"error: {command[0]} failed with exit status {error.returncode}; its messages are above.")


def require(program: str) -> None:
    """Exits with the package that has the program, where that is missing."""
    if shutil.which(program) is None:
        sys.exit(f"error: {program} is missing. As root: apt-get install {_PACKAGES.get(program, program)}")
