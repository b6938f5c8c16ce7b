"""The command ``dcp-scheduler``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import SchedulerError

_PROGRAM = "dcp-scheduler"
_PORT = 9800


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status."""
    options = _parse(arguments)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.basicConfig(format=f"{_PROGRAM}: %(message)s", level=logging.INFO if options.verbose else logging.WARNING)
    try:
        asyncio.run(_serve(options))
    except ModuleNotFoundError as error:
        print(f"{_PROGRAM}: {error.name} is missing; run: pip install 'dcp-evaluator[network]'", file=sys.stderr)
        return 1
    except SchedulerError as error:
        print(f"{_PROGRAM}: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(options: argparse.Namespace) -> None:
    from ..server.server import Server  # what its database needs is an extra

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    host, port = options.listen
    server = Server(options.state, host=host, port=port, database=options.database, public=options.public or "")
    async with server:
        print(f"{_PROGRAM}: a network at {server.location}", file=sys.stderr)
        print(f"  clients: DCP_SCHEDULER_LOCATION={server.location} node program.js", file=sys.stderr)
        print(f"  workers: dcp-worker --dcp-scheduler {server.location}", file=sys.stderr, flush=True)
        await stop.wait()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=_PROGRAM, description="A network of one's own for DCP's clients and workers.")
    parser.add_argument(
        "--listen", metavar="[ADDRESS:]PORT", type=_address, default=("127.0.0.1", _PORT),
        help=f"where; only this machine's programs reach it, on port {_PORT}, unless told otherwise",
    )  # fmt: skip
    parser.add_argument(
        "--state", metavar="FOLDER", type=Path, default=_state_folder(), help="what survives (%(default)s)"
    )
    parser.add_argument(
        "--database", metavar="URL", default="",
        help="postgresql://user@host/name, which several processes may share, and not SQLite in the state's folder",
    )  # fmt: skip
    parser.add_argument("--public", metavar="URL", type=_url, help="under which others reach it, if not that")
    parser.add_argument("--verbose", action="store_true", help="tell what happens")
    return parser.parse_args(arguments)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    with contextlib.suppress(ValueError):
        if 0 <= int(port) < 65536:
            return host.strip("[]") or "127.0.0.1", int(port)
    raise argparse.ArgumentTypeError(f"{text!r} is not [ADDRESS:]PORT")


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is no URL with http or https")
    return text.rstrip("/") + "/"


def _state_folder() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or ""
    return (Path(base) if base.startswith("/") else Path.home() / ".local" / "state") / _PROGRAM


if __name__ == "__main__":
    sys.exit(main())
