"""What the console commands share: kinds of arguments, and how errors become messages and exit statuses."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import re
import sys
from collections.abc import Callable, Sequence

from ..errors import DcpError, UsageError, reason_of
from ..settings.settings import LONGEST_PEER_TIMEOUT, SHORTEST_PEER_TIMEOUT

TYPE_CHECKING = False  # typing takes long to load

if TYPE_CHECKING:
    from typing import NoReturn

_SIGINT_STATUS, _SIGPIPE_STATUS = 130, 141


class Parser(argparse.ArgumentParser):
    """Raises UsageError instead of ending the program; options are to be spelled out.

    ``where_others_go``: where options of other programs are to stand.
    """

    def __init__(self, prog: str, usage: str, description: str, epilog: str, where_others_go: str = "") -> None:
        super().__init__(
            prog, usage, description, epilog, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
        )
        self._where_others_go = where_others_go

    def error(self, message: str) -> NoReturn:
        if self._where_others_go and message.startswith("unrecognized arguments: "):
            message += f"; {self._where_others_go}"
        raise UsageError(f"{message}; see {self.prog} --help")


class ShowVersion(argparse.Action):
    """Prints the program's name and version, and ends it."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from ..settings.installation import VERSION  # loads the native module

        print(f"{parser.prog} {VERSION}")
        parser.exit()


def split_at_dashes(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The program's own arguments, and those after the first ``--``, which are for the program that it starts."""
    ours, theirs = list(arguments), []
    if "--" in ours:
        position = ours.index("--")
        ours, theirs = ours[:position], ours[position + 1 :]
    return ours, theirs


def number(text: str, low: int, high: int) -> int:
    """Raises ArgumentTypeError."""
    if not re.fullmatch(r"[0-9]{1,12}", text) or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low} to {high}")
    return int(text)


def port_number(text: str) -> int:
    """Raises ArgumentTypeError."""
    return number(text, 0, 65535)


def seconds(text: str) -> float:
    """More than 0. Raises ArgumentTypeError."""
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text) or float(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return float(text)


def peer_timeout(text: str) -> int:
    """Seconds. Raises ArgumentTypeError."""
    return number(text, SHORTEST_PEER_TIMEOUT, LONGEST_PEER_TIMEOUT)


def run_command(name: str, run: Callable[[Sequence[str]], int], arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs a command with the program's arguments, unless others are given, and ends the process with its status."""
    message = ""
    try:
        status = run(sys.argv[1:] if arguments is None else arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except DcpError as error:
        status, message = error.exit_status, str(error)
    except ImportError as error:
        status, message = 2, f"this installation is broken: {error}; install dcp-evaluator again"
    except KeyboardInterrupt:
        status = _SIGINT_STATUS
    except BrokenPipeError:
        status = _SIGPIPE_STATUS
        _discard_output()
    except OSError as error:
        status, message = 1, _message(error)
        _discard_output()
    if message:
        print(f"{name}: {message}", file=sys.stderr)
    sys.exit(status)


def _message(error: OSError) -> str:
    if error.filename is None and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"the output cannot be written: {reason_of(error)}"
    return reason_of(error) if error.filename is None else f"{error.filename}: {reason_of(error)}"


def _discard_output() -> None:
    """So that the interpreter does not try once more to write what nobody takes."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
