"""The command line of ``dcp-evaluator-manager``."""

from __future__ import annotations

import argparse
import re
import signal
from collections.abc import Sequence
from pathlib import Path

from ..commands.line import Parser, ShowVersion, peer_timeout, port_number, seconds, split_at_dashes
from ..settings.settings import PEER_TIMEOUT
from ..start.options import DEFAULT_PORT, default_prefix
from .limits import LOAD_TYPES
from .signals import ALLOWED, MODES

PROGRAM = "dcp-evaluator-manager"
MONITORS = ("session", "screensaver", "signal")

_EPILOG = """\
OPTIONS after -- go to dcp-evaluator-start (see dcp-evaluator-start --help), those after a second -- to the evaluator.

exit status: 0 when a signal ended it; 1 when the pid file is held; 2 when the command line is wrong, the port is in
use or the evaluator cannot be found; 3 when a monitor cannot work"""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """``start_options`` are those for dcp-evaluator-start, ``monitors`` names those to use. Raises UsageError."""
    ours, theirs = split_at_dashes(arguments)
    options = _parser().parse_args(ours)
    options.start_options = ["--stdio", "--prefix", str(options.prefix), *theirs]
    disabled = MONITORS if options.always else options.disable_monitor
    options.monitors = [name for name in MONITORS if name not in disabled]
    return options


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} [-p PORT] [-a] [-L] [-i SECONDS] [-d MONITOR] [OPTIONS] [-- OPTIONS]",
        description="Listens for connections and runs an evaluator for each, while nobody else uses the machine.",
        epilog=_EPILOG,
        where_others_go="options of dcp-evaluator-start go after --, those of the evaluator after a second --",
    )
    add = parser.add_argument
    add("-P", "--prefix", metavar="DIR", type=Path, default=default_prefix(), help="where bin/dcp-evaluator is")
    add("-p", "--port", type=port_number, default=DEFAULT_PORT, help=f"port to listen on (default: {DEFAULT_PORT})")
    add("--address", default="localhost", help="address to listen on (default: localhost)")
    add(
        "--peer-timeout", metavar="SECONDS", type=peer_timeout, default=PEER_TIMEOUT,
        help=f"a peer without a sign of life for so long has gone (default: {PEER_TIMEOUT})",
    )  # fmt: skip
    add("-f", "--pidfile", metavar="FILE", type=Path, help="keep the process id in FILE")
    add("-v", "--verbose", action="store_true", help="tell of every connection")
    add("--version", action=ShowVersion, nargs=0, help="show the version, and end")
    _add_monitors(parser)
    _add_limits(parser)
    return parser


def _add_monitors(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("when the machine is in use").add_argument
    add("-a", "--always", action="store_true", help="use no monitor: never say that the machine is in use")
    add(
        "-d", "--disable-monitor", metavar="MONITOR", choices=MONITORS, action="append", default=[],
        help="do without this monitor: session, screensaver or signal; may be repeated",
    )  # fmt: skip
    add(
        "-i",
        "--idle-timeout",
        metavar="SECONDS",
        type=seconds,
        default=30.0,
        help="a terminal counts as used for so long (default: 30)",
    )
    add(
        "--pts",
        metavar="DIR",
        type=Path,
        default=Path("/dev/pts"),
        help="folder of pseudo terminals (default: /dev/pts)",
    )
    add(
        "-s", "--signal", metavar="NAME[,MODE]", type=_signal, default=(signal.SIGPWR, "toggle"),
        help="signal that pauses evaluators and lets them go on (toggle), or only ends those that run (quick); "
        "default: SIGPWR,toggle",
    )  # fmt: skip


def _add_limits(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("limits for new connections").add_argument
    add("-l", "--max-load", metavar="LOAD", type=_load, help="refuse connections above this load")
    add(
        "-T",
        "--loadavg-type",
        choices=LOAD_TYPES,
        type=_load_type,
        default="short",
        help="average over 1, 5 or 15 minutes, or a random number from 0 to 1 (default: short)",
    )
    add("-r", "--rate", metavar="SECONDS", type=seconds, default=0.0, help="least time between two connections")
    add(
        "-L",
        "--only-limits",
        action="store_true",
        help="do not refuse connections while the machine is in use, but then keep to the limits",
    )


def _signal(text: str) -> tuple[signal.Signals, str]:
    """By name, with or without SIG, or number; either part may be left out."""
    name, _, mode = text.partition(",")
    mode = mode or "toggle"
    if mode not in MODES:
        raise argparse.ArgumentTypeError(f"there is no mode {mode!r}; modes are {', '.join(MODES)}")
    for allowed in (signal.Signals[allowed] for allowed in ALLOWED):
        if (name or "PWR").upper().removeprefix("SIG") in (allowed.name.removeprefix("SIG"), str(allowed.value)):
            return allowed, mode
    raise argparse.ArgumentTypeError(f"the signal {name!r} cannot be used; one of {', '.join(ALLOWED)} can")


def _load(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no load, as in 1.5")
    return float(text)


def _load_type(text: str) -> str:
    return "medium" if text == "med" else text
