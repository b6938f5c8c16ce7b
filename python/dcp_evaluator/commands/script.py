"""``dcp-evaluator --python``: runs a Python program in one fresh sandbox, to its end."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import DcpError, JobError, SliceError, UsageError
from ..functions.own_modules import own_modules
from ..gpu.options import GpuOptions
from ..jobs.events import STDERR_LEVELS, ConsoleEvent, WorkEvent
from ..jobs.script_job import ScriptJob
from ..net.streams import write_all
from ..settings.settings import Settings
from ..supervision.evaluator import Evaluator

_STANDARD_INPUT = "-"
_LONGEST_NAME = 200
_STREAMS = {"stdout": 1, "stderr": 2}


def run_script(
    file: str,
    arguments: Sequence[str],
    settings: Settings,
    *,
    memory_limit: int | None = None,
    gpu: GpuOptions | None = None,
) -> int:
    """Runs ``file``, standard input where it is ``-``. Returns the exit status of the program.

    Raises UsageError for a file that cannot be read, InstallationError where no Python is installed, ZygoteError,
    JobError, OSError for output.
    """
    source = _read(file)
    name = "<stdin>" if file == _STANDARD_INPUT else file
    modules = own_modules(source, Path(file).parent)
    job = ScriptJob(source, name, [file, *arguments], modules, _input(source, file))
    for name in _STREAMS:
        job.work.on(name, _write)
    job.work.on("missing", lambda event: _advise(job, event.value))
    job.on("console", _write_console)
    with Evaluator.of(settings, memory_limit, gpu) as evaluator:
        try:
            return _status(job.start(evaluator)[0])
        except SliceError as error:
            if error.code == "ESANDBOX":
                raise JobError(f"the sandbox ended before its program did: {error.message}") from None
            raise JobError(error.message, name=error.name) from None


def _read(file: str) -> str:
    if file == _STANDARD_INPUT and sys.stdin is None:
        raise UsageError("there is no standard input to read the program from")
    try:
        octets = sys.stdin.buffer.read() if file == _STANDARD_INPUT else Path(file).read_bytes()
        return octets.decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise UsageError(f"cannot read {file!r}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{file!r} is not UTF-8 text: line {line}, byte {octets[error.start]:#04x}") from None


def _input(source: str, file: str) -> bytes:
    """What the program finds on its standard input. Others than its text says that it reads may never end."""
    reads = "stdin" in source or "input(" in source
    if file == _STANDARD_INPUT or not reads or sys.stdin is None or sys.stdin.isatty():
        return b""
    return sys.stdin.buffer.read()


def _status(value: Any) -> int:
    if type(value) is int and 0 <= value <= 255:
        return value
    raise JobError("the sandbox gave no exit status: its program has changed what runs it")


def _write(event: WorkEvent) -> None:
    if isinstance(event.value, str | bytes):
        data = event.value if isinstance(event.value, bytes) else event.value.encode("utf-8", "replace")
        write_all(_STREAMS[event.name], data)


def _write_console(event: ConsoleEvent) -> None:
    """JavaScript's console, which a program reaches through ``js``."""
    write_all(2 if event.level in STDERR_LEVELS else 1, f"{event.message}\n".encode("utf-8", "replace"))


def _advise(job: ScriptJob, module: Any) -> None:
    """How to get a module that a program lacks."""
    if job.python is not None and isinstance(module, str) and len(module) <= _LONGEST_NAME:
        try:
            job.python.distribution.resolve([module])
        except DcpError as error:
            print(f"dcp-evaluator: {error}", file=sys.stderr)
