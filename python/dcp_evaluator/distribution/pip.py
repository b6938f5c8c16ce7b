"""Wheels of a package index, with pip: its configuration says which index, and it checks hashes that are given."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import InstallationError

_LONGEST_REASON = 1000


def download(what: str, arguments: Sequence[str], folder: Path) -> None:
    """Puts the wheels of ``arguments``, options and requirements, into ``folder``.

    ``what``: what messages call them. Raises InstallationError with pip's reason.
    """
    if importlib.util.find_spec("pip") is None:
        raise InstallationError(
            f"pip is missing in {sys.prefix}; run: {sys.executable} -m ensurepip, or name a folder with --from"
        )
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--no-cache-dir"]
    command += ["--only-binary", ":all:", "--dest", str(folder), *arguments]
    shown = sys.stderr if sys.stderr.isatty() else subprocess.DEVNULL
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=shown, stderr=subprocess.PIPE, encoding="utf-8", errors="replace",
        check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise InstallationError(f"pip cannot fetch {what}: {_reason(done)}")


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """The last error that pip tells, in one line."""
    told = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
    text = told[-1] if told else done.stderr.strip() or f"it ended with status {done.returncode}"
    return "".join(letter if letter.isprintable() else " " for letter in text[:_LONGEST_REASON])
