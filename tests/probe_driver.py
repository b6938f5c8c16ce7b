"""Runs ``dcp-evaluator --probe`` as a program does, and holds each report against the schema."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema

from cli_driver import run
from dcp_evaluator import probe as probe_module


def probe(status: int = 0, *files: str, options: tuple[str, ...] = (), **environment: str) -> dict[str, Any]:
    """The report; nothing but JSON may be on stdout, and no traceback on stderr."""
    done = run("--probe", "--json", *options, *files, environment=environment)
    assert "Traceback" not in done.stderr
    assert done.returncode == status, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(report, strict_schema())
    return report


def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(probe_module.SCHEMA_FILE.read_text(encoding="utf-8"))
    return found


def strict_schema() -> dict[str, Any]:
    """The schema, and no member may come that it does not describe."""
    return _closed(copy.deepcopy(schema()))


def _closed(part: Any) -> Any:
    if isinstance(part, list):
        return [_closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    closed = {name: _closed(value) for name, value in part.items()}
    if isinstance(part.get("properties"), dict) and part.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed
