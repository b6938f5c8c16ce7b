"""Asking one of our programs for JSON, in a process of its own: whatever a driver does there, the probe goes on."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import DcpError, reason_of
from ..settings import installation
from .exit_status import ExitStatus

TIMEOUT = 60.0
"""Seconds for each part; a driver may compile for long when it is first used."""
LIBRARY_LOG = "wgpu: "
"""How lines of wgpu-native's own log begin; they tell no end of the process."""
_GRACE = 2.0


@dataclass(frozen=True)
class Outcome:
    """What one run of a program gave."""

    answer: Any = None
    """The JSON value that it printed."""
    error: str | None = None
    """Why there is no answer."""
    status: ExitStatus | None = None
    """None: it did not end by itself, or was not started."""
    log: tuple[str, ...] = ()
    """Lines of its stderr."""


class Question(NamedTuple):
    """``text``: what is written to the program's input, less than 4 KiB; it stays open until the answer has come.

    ``answer``: the JSON of a line that is the answer, None for other lines.
    """

    text: bytes
    answer: Callable[[bytes], bytes | None]


def ask(
    program: str,
    arguments: list[str],
    environment: Mapping[str, str],
    kind: type[Any],
    timeout: float = TIMEOUT,
    question: Question | None = None,
) -> tuple[Any, None] | tuple[None, str]:
    """The JSON value that ``program`` prints, of type ``kind``, or the reason why there is none.

    ``question``: what it is asked for the value, where it does not print it by itself.
    """
    outcome = run(program, arguments, environment, kind, timeout, question)
    return (outcome.answer, None) if outcome.error is None else (None, outcome.error)


def run(
    program: str,
    arguments: list[str],
    environment: Mapping[str, str],
    kind: type[Any],
    timeout: float = TIMEOUT,
    question: Question | None = None,
) -> Outcome:
    """As ``ask``, with all that the program said. Raises nothing."""
    try:
        command = [*_command(program), *arguments]
        if question is None:
            status, output, errors = _run(command, environment, timeout)
        else:
            status, output, errors = _converse(command, environment, timeout, question)
    except subprocess.TimeoutExpired as error:
        return Outcome(error=f"{program} gave no answer within {timeout:g} s", log=_lines(error.stderr or b""))
    except OSError as error:
        return Outcome(error=f"{program} cannot be run: {reason_of(error)}")
    except DcpError as error:
        return Outcome(error=str(error))
    log = _lines(errors)
    try:
        answer = json.loads(output)
    except (ValueError, RecursionError):
        failure = ": ".join([f"{program} failed ({status})", *_last_line(log, program)])
        return Outcome(error=failure, status=status, log=log)
    if isinstance(answer, kind):
        return Outcome(answer, status=status, log=log)
    return Outcome(error=f"{program} printed something unknown", status=status, log=log)


def _command(program: str) -> list[str]:
    if program == "dcp-evaluator":
        return [sys.executable, "-m", "dcp_evaluator"]
    return [installation.executable(program)]


def _lines(errors: bytes) -> tuple[str, ...]:
    """A driver may have written them: what could steer a terminal is replaced."""
    lines = errors.decode("utf-8", "replace").strip().splitlines()
    return tuple("".join(each if each.isprintable() else "?" for each in line) for line in lines)


def _last_line(log: tuple[str, ...], program: str) -> list[str]:
    last = [line for line in log if not line.startswith(LIBRARY_LOG)][-1:]
    return [line.removeprefix(f"{program}: ") for line in last]


def _run(command: list[str], environment: Mapping[str, str], timeout: float) -> tuple[ExitStatus, bytes, bytes]:
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
    return ExitStatus(process.returncode), output, errors


def _converse(
    command: list[str], environment: Mapping[str, str], timeout: float, question: Question
) -> tuple[ExitStatus, bytes, bytes]:
    """Status, the answer, which is empty where there is none, and errors."""
    pipe = subprocess.PIPE
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=errors) as process:
            try:
                answer = _first_answer(process, question, timeout)
                if not answer:
                    process.wait(_GRACE)
            finally:
                process.terminate()
        errors.seek(0)
        return ExitStatus(process.returncode), answer, errors.read()


def _first_answer(process: subprocess.Popen[bytes], question: Question, timeout: float) -> bytes:
    """Empty where the output ends before. Raises subprocess.TimeoutExpired, OSError."""
    assert process.stdin is not None and process.stdout is not None
    deadline = time.monotonic() + timeout
    with contextlib.suppress(BrokenPipeError):  # it has ended: its status and its errors say why
        os.write(process.stdin.fileno(), question.text)
    rest = b""
    while select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
        data = os.read(process.stdout.fileno(), 1 << 16)
        if not data:
            return b""
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            if (answer := question.answer(line)) is not None:
                return answer
    raise subprocess.TimeoutExpired(process.args, timeout)
