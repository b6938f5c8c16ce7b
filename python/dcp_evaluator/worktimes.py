"""Which worktimes sandboxes can run: what of DCP a slice's work function is written for."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

_LOCAL = [{"name": "map-basic", "versions": ["1.0.0"]}]
"""Of local_exec: one call of a JavaScript function a datum."""
_DESCRIBE = {"type": "workerMessage", "message": {"_serializeVerId": "v8", "what": {"raw": {"request": "describe"}}}}
_TIMEOUT = 60.0


def worktimes(files: Sequence[str]) -> dict[str, Any]:
    """``{"local": [{name, versions}], "files": the same or None, "capabilities": ..., "error": text or None}``.

    ``local`` are those of the Python API. ``files`` and ``capabilities``: what a sandbox with these start-up files,
    which are DCP's, tells DCP's supervisor; None where no files are given or it gives no answer.
    """
    report: dict[str, Any] = {"local": _LOCAL, "files": None, "capabilities": None, "error": None}
    if files:
        try:
            answer = _plain(_describe(files)["message"]["what"])["value"]
            report["files"] = [_worktime(item) for item in answer["worktimes"]]
            report["capabilities"] = dict(answer["capabilities"])
        except (ValueError, LookupError, TypeError, OSError, RecursionError):
            report["error"] = (
                "the start-up files tell no worktimes: they are not DCP's, do not work here, or take too long"
            )
    return report


def _describe(files: Sequence[str]) -> Any:
    """The answer of a sandbox of ``dcp-evaluator FILE...`` to what DCP's supervisor asks. It is not to be trusted.

    Raises LookupError where there is none.
    """
    command = [sys.executable, "-m", "dcp_evaluator", "-d", "0", *files]
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nothing) as process:
        assert process.stdin is not None and process.stdout is not None
        deadline = threading.Timer(_TIMEOUT, process.terminate)
        deadline.start()
        try:
            # Input stays open meanwhile: at its end the sandbox would not wait for the GPU's answer.
            process.stdin.write(json.dumps(_DESCRIBE).encode() + b"\n")
            process.stdin.flush()
            for line in process.stdout:
                if line.startswith(b"MSG:") and b'"describe"' in line:
                    return json.loads(line.removeprefix(b"MSG:"))
        finally:
            deadline.cancel()
            process.terminate()
    raise LookupError


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
