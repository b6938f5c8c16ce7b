"""Reports of ``dcp-evaluator`` as programs read them, each held against its schema."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema

import dcp_evaluator
from cli_driver import run


def probe(status: int = 0, *files: str, options: tuple[str, ...] = (), **environment: str) -> dict[str, Any]:
    """Of ``--probe``; nothing but JSON may be on stdout, and no traceback on stderr."""
    done = run("--probe", "--json", *options, *files, environment=environment)
    assert "Traceback" not in done.stderr
    assert done.returncode == status, done.stderr
    return checked("probe-1", done.stdout)


def checked(name: str, text: str) -> dict[str, Any]:
    """The report, after it was held against the schema ``name``; no member may come that it does not describe."""
    report: dict[str, Any] = json.loads(text)
    jsonschema.validate(report, _closed(copy.deepcopy(schema(name))))
    return report


def schema(name: str) -> dict[str, Any]:
    """``schemas/NAME.json`` of the installed package."""
    file = Path(dcp_evaluator.__file__).parent / "schemas" / f"{name}.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _closed(part: Any) -> Any:
    if isinstance(part, list):
        return [_closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    closed = {name: _closed(value) for name, value in part.items()}
    if isinstance(part.get("properties"), dict) and part.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed
