"""What commands share: options that are spelled out, and how errors become messages and exit statuses."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import NoReturn

from ..errors import ProtocolError

_DISTRIBUTION = "dcp-evaluator"
_FAILED, _WRONG_LINE, _SIGINT_STATUS, _SIGPIPE_STATUS = 1, 2, 130, 141
_STDERR = 2


class UsageError(Exception):
    """The command line is wrong."""


class Parser(argparse.ArgumentParser):
    """Raises UsageError instead of ending the program; options are to be spelled out."""

    def __init__(self, prog: str, description: str = "", epilog: str = "", **_: object) -> None:
        super().__init__(
            prog,
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Of what is not understood, the message shows the names of options alone: the rest may be a secret."""
        options, unknown = self.parse_known_args(arguments)
        if names := [argument.partition("=")[0] for argument in unknown if argument.startswith("--")]:
            self.error(f"unrecognized options: {' '.join(names)}")
        if unknown:
            self.error(f"arguments too many: {len(unknown)}")
        return options

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


class ShowVersion(argparse.Action):
    """Prints the program's name and version, and ends it."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        print(f"{parser.prog} {version(_DISTRIBUTION)}")
        parser.exit()


def run_command(name: str, run: Callable[[Sequence[str]], None]) -> NoReturn:
    """Runs a command with the program's arguments, and ends the process with its status."""
    status, message = 0, ""
    open_missing_streams()
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        try:
            run(sys.argv[1:])
        finally:
            sys.stdout.flush()
    except UsageError as error:
        status, message = _WRONG_LINE, str(error)
    except ProtocolError as error:
        status, message = _FAILED, str(error)
    except KeyboardInterrupt:
        status = _SIGINT_STATUS
    except BrokenPipeError:
        status = _SIGPIPE_STATUS
        discard_output()
    except OSError as error:
        status, message = _FAILED, f"{error.filename or 'the output cannot be written'}: {error.strerror}"
        discard_output()
    if message:
        print(f"{name}: {message}", file=sys.stderr)
    sys.exit(status)


def open_missing_streams() -> None:
    """Streams that were closed when the program began become /dev/null, so that no file takes their descriptors."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(descriptor)
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 (until the end)
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115


def discard_output() -> None:
    """So that the interpreter does not try once more to write what nobody takes."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
