"""Writes a folder, and a tar of it, from which a machine without a network installs the package and all that it needs.

``make bundle`` calls it, after ``make wheels``; it needs a network. ``offline`` has the files that it is written from.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from architectures import MACHINES
from beside import BESIDE
from check_sdist import make_sdist
from debian_roots import run
from pinned_wheels import fetch
from pythons import VERSIONS
from sums import write_sums
from wheels import ROOT, WHEELS, time_of_commit, wheel_of

sys.path.insert(0, str(ROOT / "tests"))

from dcp_worker.commands import packages
from dcp_worker.commands.registry import find_registry
from dcp_worker.errors import WorkerError
from python_distribution import python_folder

MACHINE = MACHINES["x86_64"]
_FILES = Path(__file__).parent / "offline"
_EXTRAS = ("network", "s3", "web")
# The distribution's carrier has added it to Pyodide, for itself.
_LEFT_OUT = "provisa_client-*"


def main() -> int:
    """Returns the exit status."""
    versions = parse(__doc__)
    missing = [version for version in versions if wheel_of(version, MACHINE) is None]
    if missing:
        print(f"error: out/packages has no wheel for CPython {', '.join(missing)}; run: make wheels", file=sys.stderr)
        return 1
    folder = bundle_folder()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for version in versions:
        print(f"==> Wheels for CPython {version}", flush=True)
        _add_wheels(version, folder / "wheels")
    print("==> Start-up files, Python for work functions, sources", flush=True)
    _add_startup_files(folder / "startup")
    pyodide = _add_python(folder / "python")
    (folder / "source").mkdir()
    shutil.copy(make_sdist(), folder / "source")
    _add_texts(folder, versions, pyodide)
    _sum_up(folder)
    archive = _packed(folder)
    print(f"{archive.relative_to(ROOT)}: {archive.stat().st_size / 1e6:.0f} MB, and the same as a folder beside it")
    return 0


def bundle_folder() -> Path:
    return WHEELS / f"bundle-{_project()['version']}-{MACHINE.name}"


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def _add_wheels(version: str, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    wheel = wheel_of(version, MACHINE)
    assert wheel is not None
    shutil.copy(wheel, folder)
    project = _project()
    extras = [needed for name in _EXTRAS for needed in project["optional-dependencies"][name]]
    fetch([*project["dependencies"], *extras, *BESIDE], version, folder)


def _add_startup_files(folder: Path) -> None:
    """The packages of npm, as it packs them."""
    folder.mkdir()
    try:
        registry = find_registry(None)
        for package in packages.packages_of(packages.DEFAULT_VERSION):
            tarball = registry.tarball(package.name, package.version)
            packages.check(package, tarball, registry.location)
            (folder / f"{package.name}-{package.version}.tgz").write_bytes(tarball)
    except WorkerError as error:
        sys.exit(f"error: {error}")


def _add_python(folder: Path) -> str:
    """Returns the version of Pyodide."""
    distribution = max(python_folder().glob("*/pyodide-lock.json")).parent
    shutil.copytree(distribution, folder, ignore=shutil.ignore_patterns(".*", _LEFT_OUT))
    return distribution.name


def _add_texts(folder: Path, versions: Sequence[str], pyodide: str) -> None:
    shutil.copy(_FILES / "install.sh", folder)
    tell = ["git", "-C", ROOT, "describe", "--always", "--dirty=+"]
    commit = subprocess.run(tell, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    (folder / "COMMIT").write_text(f"{commit}\n", encoding="utf-8")
    text = (_FILES / "README.txt").read_text(encoding="utf-8")
    facts = {"VERSION": _project()["version"], "COMMIT": commit, "PYTHONS": ", ".join(versions), "PYODIDE": pyodide}
    for name, value in facts.items():
        text = text.replace(f"@{name}@", str(value))
    (folder / "README.txt").write_text(text, encoding="utf-8")


def _sum_up(folder: Path) -> None:
    """Writes SHA256SUMS, and gives all the modes that they should have, whatever the umask."""
    write_sums(folder)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.suffix == ".sh" else 0o644)


def _packed(folder: Path) -> Path:
    """The tar of a folder: the same bytes of the same files. Wheels are compressed, so it is not."""
    archive = folder.with_name(f"{folder.name}.tar")
    same = ["--sort=name", f"--mtime=@{time_of_commit()}", "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"]
    run("tar", "--create", *same, f"--file={archive}", f"--directory={folder.parent}", folder.name)
    return archive


def parse(description: str | None) -> Sequence[str]:
    """The versions of CPython that are asked for."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("versions", nargs="*", default=VERSIONS, metavar="VERSION", help="of CPython; otherwise all")
    versions: Sequence[str] = parser.parse_args().versions
    return versions


if __name__ == "__main__":
    sys.exit(main())
