"""clang-tidy over the C++ of native, with the checks of .clang-tidy; it needs a build.

A file is looked at again when it, a header of the project that it includes, or the checks have changed.
Run from the project's root: python tests/lint/tidy.py BUILD
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path.cwd()
DONE = ROOT / "build" / "tidy"


def sources(build: Path) -> list[Path]:
    """The sources of native that the build compiles, without generated ones."""
    commands = json.loads((build / "compile_commands.json").read_text())
    return sorted({file for command in commands if (file := Path(command["file"])).is_relative_to(ROOT / "native")})


def included(build: Path) -> dict[Path, list[Path]]:
    """What Ninja knows of each source: the headers of this folder that it includes."""
    listed = subprocess.run(
        [Path(sys.executable).with_name("ninja"), "-C", build, "-t", "deps"], capture_output=True, text=True, check=True
    ).stdout
    found: dict[Path, list[Path]] = {}
    for block in listed.split("\n\n"):
        files = [Path(os.path.normpath(build / line.strip())) for line in block.splitlines()[1:]]
        own = [file for file in files if file.is_relative_to(ROOT) and not file.is_relative_to(ROOT / ".venv")]
        if files:
            found[files[0]] = own
    return found


def digest(files: list[Path]) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files if file.exists())).hexdigest()


def passes(build: Path, source: Path) -> bool:
    tidy = Path(sys.executable).with_name("clang-tidy")
    done = subprocess.run([tidy, "-p", build, "--quiet", source], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stdout or done.stderr, flush=True)
    return done.returncode == 0


def main() -> int:
    build = Path(sys.argv[1]).resolve()
    DONE.mkdir(parents=True, exist_ok=True)
    headers = included(build)
    common = [ROOT / ".clang-tidy", ROOT / "pyproject.toml"]
    stamps = {source: DONE / digest([source, *headers.get(source, []), *common]) for source in sources(build)}
    changed = [source for source, stamp in stamps.items() if not stamp.exists()]
    for old in set(DONE.iterdir()) - set(stamps.values()):
        old.unlink()
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        passed = list(pool.map(lambda source: passes(build, source), changed))
    for source, is_right in zip(changed, passed, strict=True):
        if is_right:
            stamps[source].touch()
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
