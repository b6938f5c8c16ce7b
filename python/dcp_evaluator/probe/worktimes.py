"""Which worktimes sandboxes can run: what of DCP a slice's work function is written for."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

from ..jobs.python_job import WORKTIME
from ..processes.ask import Question, ask
from ..settings.settings import Settings

_LOCAL = [{"name": "map-basic", "versions": ["1.0.0"]}]
"""Of local_exec: one call of a JavaScript function a datum."""


def worktimes(files: Sequence[str], settings: Settings, pythons: Sequence[str] = ()) -> dict[str, Any]:
    """``{"local": [{name, versions}], "files": the same or None, "capabilities": ..., "error": text or None}``.

    ``local`` are those of the Python API, with ``pythons``, the versions of Pyodide that are installed. ``files`` and
    ``capabilities``: what a sandbox with these start-up files, which are DCP's, tells DCP's supervisor; None where no
    files are given or it gives no answer.
    """
    local = [*_LOCAL, {"name": WORKTIME, "versions": list(pythons)}] if pythons else _LOCAL
    report: dict[str, Any] = {"local": local, "files": None, "capabilities": None, "error": None}
    if files:
        told, problem = ask(
            "dcp-evaluator", ["-d", "3", *settings.command_arguments(), *files], os.environ, dict, question=_DESCRIBE
        )
        if told is not None:
            try:
                report |= _described(told)
            except (ValueError, LookupError, TypeError, RecursionError):
                problem = "their answer is not one of DCP's"
        if problem is not None:
            report["error"] = f"the start-up files tell no worktimes: {problem}"
    return report


def _answer(line: bytes) -> bytes | None:
    return line.removeprefix(b"MSG:") if line.startswith(b"MSG:") and b'"describe"' in line else None


_MESSAGE = {"type": "workerMessage", "message": {"_serializeVerId": "v8", "what": {"raw": {"request": "describe"}}}}
_DESCRIBE = Question(json.dumps(_MESSAGE).encode() + b"\n", _answer)
"""What DCP's supervisor asks. At the end of its input the sandbox would not wait for the GPU's answer."""


def _described(message: dict[str, Any]) -> dict[str, Any]:
    """What a sandbox said, which is not to be trusted. Raises one of several errors where it is not as DCP has it."""
    answer = _plain(message["message"]["what"])["value"]
    return {
        "files": [_worktime(item) for item in answer["worktimes"]],
        "capabilities": dict(answer["capabilities"]),
    }


def _worktime(item: dict[str, Any]) -> dict[str, Any]:
    name, versions = item["name"], item["versions"]
    if not (isinstance(name, str) and isinstance(versions, list) and all(isinstance(each, str) for each in versions)):
        raise TypeError(name)
    return {"name": name, "versions": versions}


def _plain(value: Any) -> Any:
    """A value as npm's kvin, DCP's serializer, marshals it. Of objects only the enumerable members come over."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict) or "undefined" in value:
        return None if isinstance(value, dict) else value
    if "raw" in value:
        return value["raw"]
    if "arr" in value:
        return _plain(value["arr"])
    return {name: _plain(member) for name, member in value["ps"].items()}
