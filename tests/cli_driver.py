"""Runs ``dcp-evaluator`` as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

COMMAND = [sys.executable, "-m", "dcp_evaluator"]
DEADLINE = 60.0
"""Seconds after which a test gives up; far above what anything takes."""


def run(
    *arguments: str | Path,
    lines: str = "",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    before: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end. ``environment`` is added to ours; ``before`` runs in the child."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=lines,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        preexec_fn=before,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
        check=False,
    )


def write(folder: Path, **sources: str) -> list[str]:
    """Writes ``NAME.js`` for each of ``sources``; their names in ``folder``."""
    for name, source in sources.items():
        (folder / f"{name}.js").write_text(source, encoding="utf-8")
    return [f"{name}.js" for name in sources]


def run_script(
    folder: Path, source: str, *options: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs ``source`` as ``script.js`` in a fresh sandbox of ``--shell``."""
    (name,) = write(folder, script=source)
    return run("--shell", *options, folder / name, environment=environment)


def one_message(done: subprocess.CompletedProcess[str], status: int) -> str:
    """The only line on stderr of a command that ended with ``status``, without the program's name."""
    assert done.returncode == status, done.stderr
    (line,) = done.stderr.splitlines()
    name, _, message = line.partition(": ")
    assert name == "dcp-evaluator"
    return message
