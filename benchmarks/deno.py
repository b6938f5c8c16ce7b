"""Deno of npm, which WebGPU is compared with."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from npm_packages import npm_packages


def deno_command(packages: Path, program: Path) -> list[str | Path]:
    """``packages``: of npm, with Deno among them."""
    return [packages / "@deno/linux-x64-glibc/deno", "run", "--unstable-webgpu", program]


def deno(program: Path) -> dict[str, Any]:
    """Runs a program, whose last line of output is JSON."""
    return last_line(deno_command(npm_packages("deno"), program))


def deno_call(function: str, argument: int) -> dict[str, Any]:
    """Runs ``await function(argument)`` in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program.js"
        program.write_text(f"const run = {function};\nconsole.log(JSON.stringify(await run({argument})));\n")
        return deno(program)


def last_line(command: list[str | Path]) -> dict[str, Any]:
    """What a command wrote last, which is JSON."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    return json.loads(done.stdout.splitlines()[-1])
