"""The command line of ``dcp-scheduler``: without a command it is a scheduler."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from dcp_evaluator.metrics.address import MetricsAddress, metrics_address

from .operating import COMMANDS

PROGRAM = "dcp-scheduler"
_PORT = 9800
_STATE = {"metavar": "FOLDER", "type": Path, "help": "what survives (%(default)s)"}
_DATABASE = {
    "metavar": "URL",
    "help": "postgresql://user@host/name, which several processes may share, and not SQLite in the state's folder",
}
_CONTENTS = {
    "metavar": "s3://BUCKET/PREFIX",
    "help": "code, data and results in a bucket, and not in the state's folder; docs/network.md says how it is found",
}


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """``command``: None for a scheduler."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description="A network of one's own for DCP's clients and workers.", allow_abbrev=False
    )
    _add_serving(parser)
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(title="commands of its operator", metavar="COMMAND")
    rooms: dict[str, argparse._SubParsersAction[argparse.ArgumentParser]] = {}
    for command in COMMANDS:
        first, _, second = command.words.partition(" ")
        if second and first not in rooms:
            room = commands.add_parser(first, help=f"{first}s", allow_abbrev=False)
            rooms[first] = room.add_subparsers(required=True, metavar="COMMAND")
        into, name = (rooms[first], second) if second else (commands, first)
        leaf = into.add_parser(name, help=command.help, description=command.help, allow_abbrev=False)
        for argument, about in command.arguments.items():
            leaf.add_argument(argument, **about)
        leaf.add_argument("--json", action="store_true", help="for programs")
        leaf.add_argument("--state", **{**_STATE, "default": argparse.SUPPRESS, "help": "of the scheduler"})  # type: ignore[arg-type]
        leaf.add_argument("--database", **_DATABASE, default=argparse.SUPPRESS)  # type: ignore[arg-type]
        leaf.add_argument("--contents", **_CONTENTS, default=argparse.SUPPRESS)  # type: ignore[arg-type]
        leaf.set_defaults(command=command)
    return parser.parse_args(arguments)


def _add_serving(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--listen", metavar="[ADDRESS:]PORT", type=_address, default=("127.0.0.1", _PORT),
        help=f"where; only this machine's programs reach it, on port {_PORT}, unless told otherwise",
    )  # fmt: skip
    parser.add_argument(
        "--tls", nargs=2, metavar=("CERTIFICATE", "KEY"), type=Path,
        help="https: files of PEM, read again when they change, and at SIGHUP",
    )  # fmt: skip
    parser.add_argument("--state", **_STATE, default=_state_folder())  # type: ignore[arg-type]
    parser.add_argument("--database", **_DATABASE, default="")  # type: ignore[arg-type]
    parser.add_argument("--contents", **_CONTENTS, default="")  # type: ignore[arg-type]
    parser.add_argument("--public", metavar="URL", type=_url, help="under which others reach it, if not that")
    parser.add_argument(
        "--limits", metavar="FILE", type=Path, help="how much each peer may have: TOML, docs/network.md"
    )
    parser.add_argument(
        "--metrics", metavar="[ADDRESS:]PORT", type=_metrics,
        help="serve metrics there, too; they are at the control socket in any case",
    )  # fmt: skip
    parser.add_argument("--log-format", choices=("text", "json"), default="text", help="of what is told on stderr")
    parser.add_argument("--verbose", action="store_true", help="tell what happens")


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    with contextlib.suppress(ValueError):
        if 0 <= int(port) < 65536:
            return host.strip("[]") or "127.0.0.1", int(port)
    raise argparse.ArgumentTypeError(f"{text!r} is not [ADDRESS:]PORT")


def _metrics(text: str) -> MetricsAddress:
    try:
        return metrics_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is no URL with http or https")
    return text.rstrip("/") + "/"


def _state_folder() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or ""
    return (Path(base) if base.startswith("/") else Path.home() / ".local" / "state") / PROGRAM
