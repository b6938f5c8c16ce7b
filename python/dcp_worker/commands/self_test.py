"""Whether work can run on this machine: one slice in a sandbox, and DCP's start-up files in another."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from dcp_evaluator import DcpError, Evaluator, compute_for
from dcp_evaluator.processes.ask import Question, ask
from dcp_evaluator.settings.settings import Settings
from dcp_protocol.errors import ProtocolError
from dcp_protocol.kvin import marshal, unmarshal

from ..configuration.settings import NodeSettings
from ..errors import WorkerError

_WORK: Final = "(n, m) => { progress(); return n * m; }"


def run_slice(settings: NodeSettings) -> str:
    """Runs one slice; what ran it. Raises WorkerError."""
    try:
        with Evaluator(engine=settings.engine, isolation=settings.isolation) as evaluator:
            (result,) = compute_for([6], _WORK, 7).local_exec(sandboxes=1, evaluator=evaluator)
            engine: str = evaluator.engine
    except (DcpError, ValueError) as error:
        raise WorkerError(f"no slice can run on this machine: {error}; see dcp-evaluator --probe") from None
    if result != 42:
        raise WorkerError(f"a slice gave {str(result)[:20]} for 6 * 7; see dcp-evaluator --probe")
    return engine


def worktimes(files: Sequence[Path], settings: NodeSettings) -> list[str]:
    """The names and versions of what sandboxes with these start-up files can run. Raises WorkerError."""
    try:
        arguments = Settings(engine=settings.engine, isolation=settings.isolation).command_arguments()
        told, problem = ask("dcp-evaluator", [*arguments, *map(str, files)], os.environ, dict, question=_DESCRIBE)
    except (DcpError, ValueError) as error:
        raise WorkerError(f"the start-up files cannot be loaded: {error}") from None
    if told is None:
        raise WorkerError(f"sandboxes with the start-up files give no answer: {problem}")
    try:
        message = unmarshal({"_serializeVerId": "v8", **told["message"]})
        found = message["value"]["worktimes"] if "value" in message else message["worktimes"]
        return [f"{entry['name']} {_versions(entry)}" for entry in found]
    except (ProtocolError, LookupError, TypeError):
        raise WorkerError("sandboxes with the start-up files give an answer that is not DCP's") from None


def _versions(entry: Any) -> str:
    versions = entry["versions"] if "versions" in entry else [entry["version"]]
    return ", ".join(str(version)[:50] for version in list(versions)[:10])


def _answer(line: bytes) -> bytes | None:
    return line.removeprefix(b"MSG:") if line.startswith(b"MSG:") and b'"describe"' in line else None


_MESSAGE: Final = {"type": "workerMessage", "message": marshal({"request": "describe"}, 8)}
_DESCRIBE: Final = Question(json.dumps(_MESSAGE).encode() + b"\n", _answer)
