"""Runs a script that uses WebGPU in a fresh sandbox, with what such scripts share."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from cli_driver import run_script

PRELUDE = Path(__file__).with_name("js").joinpath("gpu_script.js").read_text(encoding="utf-8")


def identifier(name: str) -> str:
    """What ``GPUAdapterInfo.device`` has of an adapter's name."""
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")


def run(tmp_path: Path, body: str, *options: str) -> dict[str, Any]:
    """The object ``results`` after ``body``, the body of an async function."""
    script = PRELUDE + "(async () => {" + body + "\n})().then(() => print(JSON.stringify(results)), (error) => {\n"
    done = run_script(tmp_path, script + "print(`${error}\\n${error.stack}`); });", *options)
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1] if done.stdout else ""
    assert last.startswith("{"), done.stdout + done.stderr
    found: dict[str, Any] = json.loads(last)
    return found | {"stderr": done.stderr}
