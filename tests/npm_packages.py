"""Packages of npm that tests run, fetched when a test first asks for them and kept below ``build/npm``.

A group of packages is a folder ``tests/npm/GROUP`` with a ``package.json`` and its ``package-lock.json``, which pins
the version and the hash of each and names no registry. No install script runs. To add or change one, in that folder:
``npm install --package-lock-only --save-exact --ignore-scripts --omit-lockfile-registry-resolved PACKAGE``.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from node import run_npm

_GROUPS = Path(__file__).parent / "npm"
_INSTALLED = Path(__file__).parents[1] / "build" / "npm"
_FILES = ("package.json", "package-lock.json")


@functools.cache
def npm_packages(group: str) -> Path:
    """The folder ``node_modules`` of ``tests/npm/GROUP``. A test that cannot have it fails, with npm's reason."""
    folder = _INSTALLED / f"{group}-{_digest(group)}"
    if not folder.exists():
        _install(group, folder)
    return folder / "node_modules"


def installed(group: str) -> Path | None:
    """The same where it is there already, for those who can do without; None where it is not."""
    folder = _INSTALLED / f"{group}-{_digest(group)}" / "node_modules"
    return folder if folder.exists() else None


def _digest(group: str) -> str:
    pinned = b"".join((_GROUPS / group / name).read_bytes() for name in _FILES)
    return hashlib.sha256(pinned).hexdigest()[:16]


def _install(group: str, folder: Path) -> None:
    """Installs beside ``folder`` and moves it there when it is whole."""
    _INSTALLED.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f"{group}-", dir=_INSTALLED))
    try:
        for name in _FILES:
            shutil.copy(_GROUPS / group / name, made)
        done = run_npm("ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", folder=made)
        if done.returncode != 0:
            reason = f"npm could not install the packages of tests/npm/{group}. Is there a network?\n{done.stderr}"
            pytest.fail(reason, pytrace=False)
        try:
            made.rename(folder)
        except OSError:  # another process of the tests was faster
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def main(groups: list[str]) -> None:
    """Fetches the groups ahead of the tests, which takes minutes the first time; what fails, the tests tell again."""
    for group in groups:
        if not (_INSTALLED / f"{group}-{_digest(group)}").exists():
            print(f"==> Fetching the npm packages of tests/npm/{group}", flush=True)
        try:
            npm_packages(group)
        except pytest.fail.Exception as error:
            print(error, file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
