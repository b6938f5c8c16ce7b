"""Reference machines: what ``dcp-evaluator --benchmark --json`` printed there, measured by this project.

``NAME.json`` beside this file is the machine called NAME. To add or refresh one, on that machine while it is quiet:
``make bench-reference NAME=...``.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def references() -> dict[str, dict[str, Any]]:
    """Reports by the name of the machine."""
    found = sorted((file for file in files(__package__).iterdir() if file.name.endswith(".json")), key=lambda f: f.name)
    return {file.name.removesuffix(".json"): json.loads(file.read_text(encoding="utf-8")) for file in found}
