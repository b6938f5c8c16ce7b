"""The command ``dcp-evaluator-start``."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, TextIO

from ..commands.line import run_command
from ..errors import UsageError
from ..net.pid_file import pid_file
from .evaluator_command import EvaluatorCommand, evaluator_command, startup_files
from .options import PROGRAM, parse

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command and ends the process."""
    run_command(PROGRAM, _run, arguments)


def _run(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    if options.dump or options.dump_files or options.dump_types:
        _dump(options)
        return 0
    command = evaluator_command(options)
    command.check()
    if not options.stdio:
        _introduce(command, options)
    if options.verbose:
        _say(f"in {command.folder}, runs {' '.join(map(repr, command.argv))}", sys.stderr)
    path = _pid_path(options)
    if path is None:
        _become(command)
    with pid_file(path):
        return _wait_for(command)


def _introduce(command: EvaluatorCommand, options: argparse.Namespace) -> None:
    _say(f"{command.evaluator} on port {options.port}, of type {options.sandbox_type}, with {len(command.files)} files")
    if options.sandbox_type == "node":
        _say("warning: evaluators of type node do not keep work functions from this machine's files", sys.stderr)


def _say(text: str, stream: TextIO | None = None) -> None:
    print(f"{PROGRAM}: {text}", file=stream, flush=True)


def _pid_path(options: argparse.Namespace) -> Path | None:
    if options.pid_file != Path():
        path: Path | None = options.pid_file
        return path
    folder = options.prefix / "run"
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}, for the pid file, cannot be made: {error.strerror}; name a FILE with -f") from None
    return Path(folder / f"{PROGRAM}.pid")


def _become(command: EvaluatorCommand) -> NoReturn:
    """Signals, streams and the exit status are the evaluator's own then. Raises OSError."""
    try:
        os.chdir(command.folder)
        os.execve(command.evaluator, command.argv, {**os.environ, **command.environment})
    except OSError as error:
        raise UsageError(f"{command.evaluator} cannot be run: {error.strerror}") from None


def _wait_for(command: EvaluatorCommand) -> int:
    """Passes signals on. Returns the exit status, as a shell shows it."""
    process: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def pass_on(number: int, frame: object) -> None:
        if process is None:
            early.append(number)
        else:
            process.send_signal(number)

    for number in _PASSED_ON:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, pass_on)
    environment = {**os.environ, **command.environment}
    try:
        process = subprocess.Popen(command.argv, executable=command.evaluator, cwd=command.folder, env=environment)
    except OSError as error:
        raise UsageError(f"{command.evaluator} cannot be run: {error.strerror}") from None
    for arrived in early:
        process.send_signal(arrived)
    status = process.wait()
    return status if status >= 0 else 128 - status


def _dump(options: argparse.Namespace) -> None:
    if options.dump_types:
        _show(startup_files(options).types, as_json=options.json)
        return
    if options.dump_files:
        _show([str(path) for path in startup_files(options).files(options.sandbox_type)], as_json=options.json)
        return
    command = evaluator_command(options)
    if options.json:
        shown = {
            name: value if isinstance(value, (bool, int, list)) else str(value)
            for name, value in vars(options).items()
            if value is not None
        }
        files, args = [str(path) for path in command.files], list(command.arguments)
        print(json.dumps({"evaluator": str(command.evaluator), "files": files, "args": args, "options": shown}))
    else:
        print(f"in {command.folder}:\n{' '.join(command.argv)}")


def _show(names: Sequence[str], *, as_json: bool) -> None:
    print(json.dumps(names) if as_json else "\n".join(names))
