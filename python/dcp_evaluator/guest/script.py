"""Runs a whole program inside the sandbox, as ``python FILE.py`` does: ``dcp-evaluator --python``."""

from __future__ import annotations

import ast
import asyncio
import atexit
import contextlib
import io
import os
import sys
from collections.abc import Coroutine
from types import CodeType, ModuleType
from typing import Any

from . import api, console, failures
from .functions import show_lines

_INTERRUPTED = 130


def run(program: dict[str, Any]) -> Coroutine[Any, Any, int] | int:
    """Its exit status. ``program``: ``source``, ``file``, ``arguments``, which are all of ``sys.argv``, and ``stdin``.

    What it writes goes out as the events ``stdout`` and ``stderr``, in text where it is text. The name of a module that
    it lacks, where that ends it, is the event ``missing``.
    """
    _take_streams(program["stdin"])
    sys.argv[:] = program["arguments"]
    sys.path.insert(0, os.getcwd())  # noqa: PTH109  modules beside the program are there
    try:
        main = _started(program["source"], program["file"])
    except BaseException as error:
        return _ended(error)
    return _finished(main)


class _Output(io.RawIOBase):
    def __init__(self, event: str) -> None:
        self._event = event

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        octets = bytes(data)
        try:
            api.emit(self._event, octets.decode())
        except UnicodeDecodeError:  # they are no text, or end within a character
            api.emit(self._event, octets)
        api.progress()  # sends it at once
        return len(octets)


def _take_streams(stdin: bytes) -> None:
    """Python's own, a line at a time, in place of a job's console."""
    console.remove()
    for name, errors in (("stdout", "strict"), ("stderr", "backslashreplace")):
        stream = io.TextIOWrapper(io.BufferedWriter(_Output(name)), "utf-8", errors, line_buffering=True)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BytesIO(stdin), "utf-8")  # type: ignore[misc]


def _started(source: str, file: str) -> Coroutine[Any, Any, None] | None:
    """Runs it, up to its end unless it awaits at its top."""
    show_lines(file, 1, source)
    main = sys.modules["__main__"] = ModuleType("__main__")
    vars(main)["__file__"] = file
    code: CodeType = compile(source, file, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    result: Coroutine[Any, Any, None] | None = eval(code, vars(main))
    return result


async def _finished(main: Coroutine[Any, Any, None] | None) -> int:
    """Also the tasks that it has begun and did not wait for."""
    try:
        if main is not None:
            await main
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.gather(*tasks)
    except BaseException as error:
        return _ended(error)
    return _ended(None)


def _ended(error: BaseException | None) -> int:
    status = _status_of(error)
    try:
        atexit._run_exitfuncs()
    except BaseException:  # which it has shown
        status = status or 1
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # the program has closed or replaced it
            stream.flush()
    return status


def _status_of(error: BaseException | None) -> int:
    """Shows the error where it is one."""
    match error:
        case None:
            return 0
        case SystemExit(code=int() | None as code):
            return (code or 0) & 0xFF
        case SystemExit(code=message):
            print(message, file=sys.stderr)
            return 1
    _show(error)
    return _INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1


def _show(error: BaseException) -> None:
    if sys.excepthook is sys.__excepthook__:
        print(failures.traceback_of(error), file=sys.stderr)
    else:
        sys.excepthook(type(error), error, failures.users_frames(error.__traceback__))
    if isinstance(error, ModuleNotFoundError):
        api.emit("missing", error.name)
