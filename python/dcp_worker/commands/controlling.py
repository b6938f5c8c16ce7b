"""The commands that speak with a running worker: ``dcp-worker status``, ``logs``, ``finish``, ``stop`` and the like."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from ..configuration.load import load
from ..configuration.settings import NodeSettings
from ..control import methods
from ..control.client import Client
from ..control.log import LogLine, LogLines
from ..control.places import places
from ..errors import ConfigurationError, NoWorkerError
from ..node.state_folder import state_folder
from . import status_text
from .line import tell
from .options import PROGRAM
from .parser import Parser, duration, number, whole

Command = Callable[[Client, argparse.Namespace], Awaitable[None]]
_WHAT: Final = "cpu, gpu for all GPUs, or one as status names it (default: all)"
_LEVELS: Final = ("debug", "info", "warning", "error")


def run(name: str, arguments: Sequence[str]) -> int:
    """``name``: one of COMMANDS. Raises UsageError, NoWorkerError, ControlError."""
    description, command, describe = _COMMANDS[name]
    parser = Parser(f"{PROGRAM} {name}", description)
    describe(parser)
    parser.option("--socket", metavar="PATH", type=Path, help="its control socket (default: where workers have theirs)")
    options = parser.parse(arguments)
    asyncio.run(_run(command, options))
    return 0


async def _run(command: Command, options: argparse.Namespace) -> None:
    async with Client.connect(options.socket or find_socket()) as client:
        await command(client, options)


def running_configuration(path: str, socket: Path | None) -> str:
    """What counts in a running worker, or the part ``path`` of it. Raises NoWorkerError, ControlError."""

    async def ask() -> str:
        async with Client.connect(socket or find_socket()) as client:
            return await client.call(methods.Config(path=path), str)

    return asyncio.run(ask())


def find_socket() -> Path:
    """That of a worker with this user's configuration. Raises NoWorkerError."""
    try:
        node = load(None).settings.node
    except ConfigurationError as error:
        tell(PROGRAM, f"warning: the socket is looked for where it lies without configuration: {error}")
        node = NodeSettings()
    known = places(node.control_socket, state_folder(node.state_folder))
    for place in known:
        if place.is_socket():
            return place
    raise NoWorkerError(f"no worker runs: there is no socket {' nor '.join(map(str, known))}; else name it by --socket")


# The commands


async def _status(client: Client, options: argparse.Namespace) -> None:
    if options.watch is None:
        await _show_status(client, options)
        return
    async for event in client.subscribe(methods.Subscribe(interval=options.watch)):
        if not isinstance(event, LogLines):
            print(msgspec.json.encode(event).decode() if options.json else status_text.line(event), flush=True)


async def _show_status(client: Client, options: argparse.Namespace) -> None:
    if options.json:
        print(msgspec.json.format(await client.ask(methods.Status()), indent=2).decode())
    else:
        print(status_text.text(await client.status()))


async def _logs(client: Client, options: argparse.Namespace) -> None:
    if not options.follow:
        _print(await client.call(methods.Logs(lines=options.lines, level=options.level), tuple[LogLine, ...]), options)
        return
    wanted = methods.Subscribe(interval=None, log=options.level, backlog=options.lines)
    async for event in client.subscribe(wanted):
        if isinstance(event, LogLines):
            _print(event.lines, options)


def _print(lines: Sequence[LogLine], options: argparse.Namespace) -> None:
    for one in lines:
        print(msgspec.json.encode(one).decode() if options.json else status_text.log_line(one), flush=True)


async def _finish(client: Client, options: argparse.Namespace) -> None:
    await client.ask(methods.Finish())
    await _until_ended(client, options)


async def _stop(client: Client, options: argparse.Namespace) -> None:
    await client.ask(methods.Stop(hard=options.hard))
    await _until_ended(client, options)


async def _until_ended(client: Client, options: argparse.Namespace) -> None:
    if options.wait:
        await client.wait_ended()


async def _pause(client: Client, options: argparse.Namespace) -> None:
    await client.ask(methods.Pause(resource=options.what, seconds=options.time, kept=options.keep))


async def _resume(client: Client, options: argparse.Namespace) -> None:
    await client.ask(methods.Resume(resource=options.what))


async def _exit_when_done(client: Client, options: argparse.Namespace) -> None:
    await client.ask(methods.ExitWhenDone(value=not options.never))


# Their options


def _of_status(parser: Parser) -> None:
    parser.option("--json", action="store_true", help="as JSON; its schema is docs/worker.md's")
    parser.option(
        "--watch", nargs="?", const=1.0, type=number(0.1, 3600), metavar="SECONDS",
        help="a line whenever it has changed, at most one in SECONDS (default: 1)",
    )  # fmt: skip


def _of_logs(parser: Parser) -> None:
    parser.option("-n", "--lines", type=whole(1, 1000), default=100, metavar="N", help="how many (default: 100)")
    parser.option("-f", "--follow", action="store_true", help="then those that come, until the worker ends")
    parser.option("--level", choices=_LEVELS, default="debug", help="of this level and above")
    parser.option("--json", action="store_true", help="each line as JSON")


def _of_ends(parser: Parser) -> None:
    parser.option("--wait", action="store_true", help="until it has ended")


def _of_stop(parser: Parser) -> None:
    parser.option("--hard", action="store_true", help="what runs goes back to the scheduler, too")
    _of_ends(parser)


def _of_pause(parser: Parser) -> None:
    _of_resume(parser)
    parser.option("--for", dest="time", type=duration, metavar="TIME", help="so long: 90s, 30m, 8h, 2d")
    parser.option("--keep", action="store_true", help="also after a restart of the worker; with --for it always is")


def _of_resume(parser: Parser) -> None:
    parser.add_argument("what", nargs="?", default="all", metavar="WHAT", help=_WHAT)


def _of_exit(parser: Parser) -> None:
    parser.option("--never", action="store_true", help="it goes on waiting for work")


_COMMANDS: Final[dict[str, tuple[str, Command, Callable[[Parser], None]]]] = {
    "status": ("Shows what a running worker does.", _status, _of_status),
    "logs": ("Shows the last lines of a running worker's log.", _logs, _of_logs),
    "pause": ("Has a worker rest, by your order, until it is resumed or for a time.", _pause, _of_pause),
    "resume": ("Takes back what pause has ordered; rules of the configuration still hold.", _resume, _of_resume),
    "finish": ("Has a worker take no new work, and end once it has done what it has.", _finish, _of_ends),
    "stop": ("Ends a worker: what runs may finish within 30 seconds, what waits goes back.", _stop, _of_stop),
    "exit-when-done": ("Has a worker end once the scheduler has no work for it.", _exit_when_done, _of_exit),
}
