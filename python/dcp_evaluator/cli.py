"""The command ``dcp-evaluator``."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

from .errors import DcpError, UsageError

_DESCRIPTION = "Runs untrusted JavaScript, WebAssembly and WebGPU in sealed sandboxes, for DCP and for Python."
_EPILOG = """\
FILEs are start-up files, evaluated in order. Without -p the evaluator is one sandbox that speaks lines on standard
input and output; with -p it gives every connection a fresh one. After -- an old option is understood:
--options=--max-old-space-size=MIB sets the memory limit.
Exit status: 2 for a wrong command line, a missing file, a port in use, or (--probe) where no slice can run."""
_OLD_SPACE = re.compile(r"--max[-_]old[-_]space[-_]size=(\d+)\Z")
_LARGEST_MEMORY_MIB = 1 << 24


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="dcp-evaluator",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", metavar="FILE", nargs="*", help="JavaScript file")
    parser.add_argument("-p", "--port", type=_port, help="listen for TCP connections on this port")
    parser.add_argument("--address", default="localhost", help="address to listen on (default: localhost)")
    parser.add_argument("-d", "--debug", metavar="LEVEL", type=_level, default=5, help="what to tell on stderr, 0 to 7")
    parser.add_argument("--memory-limit", metavar="MIB", type=_mebibytes, help="memory a sandbox may use")
    parser.add_argument("--shell", action="store_true", help="evaluate the files with print(), then exit")
    parser.add_argument("--module", action="store_true", help="with --shell: the last file is a module")
    parser.add_argument("--probe", action="store_true", help="show what this machine offers to sandboxes")
    parser.add_argument("--json", action="store_true", help="with --probe: for programs")
    parser.add_argument("--version", action="store_true", help="show the version")
    return parser


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see dcp-evaluator --help")


def _number(text: str, low: int, high: int) -> int:
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low} to {high}")
    return int(text)


def _port(text: str) -> int:
    return _number(text, 0, 65535)


def _level(text: str) -> int:
    return _number(text, 0, 7)


def _mebibytes(text: str) -> int:
    return _number(text, 1, _LARGEST_MEMORY_MIB)


def _memory_from(arguments: Sequence[str]) -> int | None:
    """The memory limit among the ARGS after ``--``, in MiB; what else is there gets a notice."""
    limit = None
    for argument in arguments:
        name, equals, value = argument.partition("=")
        options = re.split(r"[\s,]+", value.strip()) if name == "--options" and equals else [argument]
        for option in filter(None, options):
            match = _OLD_SPACE.match(option)
            if match and 1 <= int(match[1]) <= _LARGEST_MEMORY_MIB:
                limit = int(match[1])
            else:
                print(f"dcp-evaluator: the option {option} after -- has no meaning here", file=sys.stderr)
    return limit


def _check_files(files: Sequence[str]) -> None:
    for path in files:
        try:
            with open(path, "rb") as file:
                file.read(1)
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from None


def _run(arguments: Sequence[str]) -> int:
    ours, theirs = list(arguments), []
    if "--" in ours:
        position = ours.index("--")
        ours, theirs = ours[:position], ours[position + 1 :]
    options = _parser().parse_intermixed_args(ours)
    memory = _memory_from(theirs) if options.memory_limit is None else options.memory_limit
    memory_limit = None if memory is None else memory << 20
    if options.version:
        from .installation import VERSION

        print(f"dcp-evaluator {VERSION}")
        return 0
    if options.json and not options.probe:
        raise UsageError("--json needs --probe")
    if options.module and not options.shell:
        raise UsageError("--module needs --shell")
    if options.probe:
        from .probe import run_probe

        return run_probe(as_json=options.json)
    if not options.files:
        raise UsageError("no FILE is given; see dcp-evaluator --help")
    if options.shell:
        from .shell import run_shell

        return run_shell(options.files, module=options.module, memory_limit=memory_limit)
    _check_files(options.files)
    from .server import serve_stdio, serve_tcp

    if options.port is None:
        return serve_stdio(options.files, memory_limit=memory_limit, level=options.debug)
    return serve_tcp(options.files, options.address, options.port, memory_limit=memory_limit, level=options.debug)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command and ends the process."""
    try:
        status = _run(sys.argv[1:] if arguments is None else arguments)
    except UsageError as error:
        print(f"dcp-evaluator: {error}", file=sys.stderr)
        status = 2
    except DcpError as error:
        print(f"dcp-evaluator: {error}", file=sys.stderr)
        status = 1
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)
