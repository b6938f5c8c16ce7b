"""Asking one of our programs for JSON, in a process of its own: whatever a driver does there, the probe goes on."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Mapping
from typing import Any

from . import installation
from .errors import DcpError
from .exit_status import ExitStatus

TIMEOUT = 60.0
"""Seconds for each part; a driver may compile for long when it is first used."""
_GRACE = 2.0


def ask(
    program: str, arguments: list[str], environment: Mapping[str, str], kind: type[Any], timeout: float = TIMEOUT
) -> tuple[Any, None] | tuple[None, str]:
    """The JSON value that ``program`` prints, of type ``kind``, or the reason why there is none."""
    try:
        command = [installation.executable(program), *arguments]
        status, output, errors = _run(command, environment, timeout)
        answer = json.loads(output)
        return (answer, None) if isinstance(answer, kind) else (None, f"{program} printed something unknown")
    except ValueError:
        last = errors.decode("utf-8", "replace").strip().splitlines()[-1:]
        return None, ": ".join(
            [f"{program} failed ({ExitStatus(status)})", *(line.removeprefix(f"{program}: ") for line in last)]
        )
    except subprocess.TimeoutExpired:
        return None, f"{program} gave no answer within {timeout:g} s"
    except OSError as error:
        return None, f"{program} cannot be run: {error.strerror}"
    except DcpError as error:
        return None, str(error)


def _run(command: list[str], environment: Mapping[str, str], timeout: float) -> tuple[int, bytes, bytes]:
    """Status, output and errors. A process that hangs in the kernel, where no signal ends it, is left behind."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)
    try:
        output, errors = process.communicate(timeout=timeout)
    except BaseException:
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_GRACE)
        raise
    return process.returncode, output, errors
