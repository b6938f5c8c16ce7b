"""Runs dcp-gpu-host and other programs for a step: what they say, and how they ended."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dcp_evaluator.gpu.environment import host_environment
from dcp_evaluator.processes.exit_status import ExitStatus
from dcp_evaluator.settings import installation

SEAL = ("landlock", "root", "seccomp", "rlimits")
"""The layers that ``dcp-gpu-host --without`` knows."""
LOADER_LOG = {"VK_LOADER_DEBUG": "error,warn,driver"}
_SECONDS = 40.0


@dataclass
class Answer:
    """``error``: how it ended, None where it ended well. ``said``: its stderr by lines, at most the last 3000."""

    adapters: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None
    said: list[str] = field(default_factory=list)


def run(command: list[str], environment: Mapping[str, str], seconds: float = _SECONDS) -> tuple[str, Answer]:
    """stdout, and the answer without adapters."""
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as late:
        return "", Answer(error=f"no answer within {seconds:g} s", said=_lines(late.stderr or b""))
    except OSError as error:
        return "", Answer(error=f"{command[0]} cannot be run: {error.strerror}")
    status = done.returncode
    ended = None if status == 0 else str(ExitStatus(status))
    return done.stdout.decode("utf-8", "replace"), Answer(error=ended, said=_lines(done.stderr))


def ask_host(*options: str, environment: Mapping[str, str] | None = None, seconds: float = _SECONDS) -> Answer:
    """``dcp-gpu-host OPTIONS`` with its adapters; ``environment`` is added to that of a GPU host."""
    command = [installation.executable("dcp-gpu-host"), "--library", installation.wgpu_library(), *options]
    output, answer = run(command, {**host_environment(), **(environment or {})}, seconds)
    try:
        answer.adapters = list(json.loads(output)["adapters"])
    except (ValueError, LookupError, TypeError):
        answer.error = answer.error or "it printed no list of adapters"
    return answer


def _lines(text: bytes) -> list[str]:
    return [line for line in text.decode("utf-8", "replace").splitlines() if line.strip()][-3000:]
