"""Wheels of a package index, with pip: its configuration says which index, and it checks hashes that are given."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import InstallationError


def download(requirement: str, folder: Path, options: Sequence[str] = ()) -> None:
    """Puts the wheel of ``requirement``, a line of a file of requirements, into ``folder``, and those it needs.

    Raises InstallationError with pip's reason.
    """
    if importlib.util.find_spec("pip") is None:
        raise InstallationError(
            f"pip is missing in {sys.prefix}; run: {sys.executable} -m ensurepip, or name a folder with --from"
        )
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--no-cache-dir"]
    command += ["--only-binary", ":all:", "--dest", str(folder), *options]
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as requirements:
        requirements.write(requirement + "\n")
        requirements.flush()
        shown = sys.stderr if sys.stderr.isatty() else subprocess.DEVNULL
        done = subprocess.run(
            [*command, "--requirement", requirements.name], stdin=subprocess.DEVNULL, stdout=shown,
            stderr=subprocess.PIPE, encoding="utf-8", errors="replace", check=False,
        )  # fmt: skip
    if done.returncode != 0:
        reasons = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
        reason = reasons[-1] if reasons else done.stderr.strip() or f"it ended with status {done.returncode}"
        raise InstallationError(f"pip cannot fetch {requirement.split()[0]}: {_printable(reason)}")


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text[:1000])
