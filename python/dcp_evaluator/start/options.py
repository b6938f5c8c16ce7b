"""The command line of ``dcp-evaluator-start``."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from ..commands.line import Parser, ShowVersion, port_number, split_at_dashes
from ..errors import UsageError

_EPILOG = """\
ARGS after -- go to the evaluator, as in: dcp-evaluator-start -p 9000 -- --options=--max-old-space-size=2048

exit status: the evaluator's; 1 when a pid file is held; 2 when the evaluator or a start-up file cannot be found,
or the command line is wrong"""

PROGRAM = "dcp-evaluator-start"

DEFAULT_PORT = 9000
"""dcp-worker's (etc/dcp-worker-config.js, evaluator.listen)."""

_LEVELS = {
    **dict.fromkeys(("emerg", "emergency"), 0),
    "alert": 1,
    **dict.fromkeys(("crit", "critical"), 2),
    **dict.fromkeys(("err", "error"), 3),
    **dict.fromkeys(("warn", "warning"), 4),
    **dict.fromkeys(("", "notice"), 5),
    "info": 6,
    "debug": 7,
}


def default_prefix() -> Path:
    """The folder above that of the program."""
    return Path(sys.argv[0]).resolve().parent.parent


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """``evaluator_arguments`` are those for the evaluator. Raises UsageError."""
    ours, theirs = split_at_dashes(arguments)
    options, unknown = _parser().parse_known_intermixed_args(ours)
    if unknown:
        raise UsageError(_unknown(ours, unknown[0]))
    options.evaluator_arguments = [*options.more, *theirs]
    del options.more
    if options.stdio:
        options.port = None
    return options


def _unknown(arguments: Sequence[str], first: str) -> str:
    at = arguments.index(first) if first in arguments else 0
    as_meant = shlex.join([PROGRAM, *arguments[:at], "--", *arguments[at:]])
    what = shlex.join(arguments[at:])
    return f"unrecognized arguments: {what}; options of the evaluator go after --: {as_meant}; see {PROGRAM} --help"


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} [-s | -p PORT] [-d LEVEL] [--prefix DIR] [OPTIONS] [-- ARGS]",
        description="Runs an evaluator with the start-up files of an installed dcp-client.",
        epilog=_EPILOG,
    )

    def add(*names: str, **rest: object) -> None:
        parser.add_argument(*(spelling for name in names for spelling in _spellings(name)), **rest)  # type: ignore[arg-type]

    add("--prefix", metavar="DIR", type=Path, default=default_prefix(), help="where bin/dcp-evaluator is")
    add("-p", "--port", type=port_number, default=DEFAULT_PORT, help=f"port to listen on (default: {DEFAULT_PORT})")
    add("-s", "--stdio", action="store_true", help="one sandbox on standard input and output, as for inetd")
    add("-e", "--evaluator", metavar="PATH", type=Path, help="the evaluator (default: PREFIX/bin/dcp-evaluator)")
    add("-r", "--r-evaluator", metavar="MODULE", help="the evaluator, as a file of an npm package")
    add("--dcp-client", metavar="DIR", type=Path, help="the folder of dcp-client (default: found)")
    add("--sandbox-libexec-dir", metavar="DIR", type=Path, help="the start-up files (default: dcp-client's)")
    add("--sandbox-definitions", metavar="FILE", type=Path, help="the list of them (default: dcp-client's)")
    add("-t", "--sandbox-type", metavar="TYPE", default="native", help="type of the evaluator (default: native)")
    add(
        "-d",
        "--debug-log-level",
        metavar="LEVEL",
        type=_level,
        help="emerg, alert, crit, error, warn, notice, info, debug",
    )
    add("-D", "--dump", action="store_true", help="show what would be run, and end")
    add("-T", "--dump-types", action="store_true", help="show the known types of evaluators, and end")
    add("-F", "--dump-files", action="store_true", help="show the start-up files, and end")
    add("-J", "--json", action="store_true", help="with -D, -T or -F: as JSON")
    add("-v", "--verbose", action="store_true", help="tell the command that is run")
    add("--version", action=ShowVersion, nargs=0, help="show the version, and end")
    add(
        "-f", "--pid-file", metavar="FILE", type=Path, nargs="?", const=Path(),
        help=f"keep the process id in FILE (default: PREFIX/run/{PROGRAM}.pid)",
    )  # fmt: skip
    parser.add_argument("more", metavar="ARGS", nargs="*", help=argparse.SUPPRESS)
    return parser


def _spellings(name: str) -> list[str]:
    """An option of two words has two spellings, as with yargs, which dcp-worker uses: --pid-file, --pidFile."""
    first, *rest = name.removeprefix("--").split("-") if name.startswith("--") else [name]
    camel = first + "".join(word.capitalize() for word in rest)
    return [name, f"--{camel}"] if rest else [name]


def _level(text: str) -> int:
    level = _LEVELS.get(text)
    if level is None and text in map(str, range(8)):
        level = int(text)
    if level is None:
        names = ", ".join(name for name in _LEVELS if name)
        raise argparse.ArgumentTypeError(f"there is no level {text!r}; levels are {names}")
    return level
