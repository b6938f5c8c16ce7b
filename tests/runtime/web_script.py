"""Scripts in a fresh sandbox of ``dcp-evaluator --shell``, and what they print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cli_driver import run_script


def lines(tmp_path: Path, script: str) -> list[str]:
    """What ``script`` prints; it must end well."""
    done = run_script(tmp_path, script)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


PRELUDE = """
const results = {};
const attempt = (run) => {
  try {
    return run();
  } catch (error) {
    return `${error.name}${error.code === undefined ? "" : " " + error.code}`;
  }
};
"""


def values(tmp_path: Path, script: str) -> dict[str, Any]:
    """The object ``results`` after ``script``, through JSON."""
    printed = lines(tmp_path, PRELUDE + script + "\nprint(JSON.stringify(results));")
    found: dict[str, Any] = json.loads(printed[-1])
    return found
