"""The command ``dcp-evaluator-manager``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import Sequence
from typing import NoReturn

from ..activity.monitor import Monitor
from ..activity.sessions import SessionMonitor
from ..commands.line import run_command
from ..net.listener import allow_many_descriptors, listen
from ..net.pid_file import pid_file
from ..start.evaluator_command import evaluator_command
from ..start.options import parse as parse_start
from .limits import Limits
from .manager import Manager
from .options import PROGRAM, parse
from .signals import SignalMonitor


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command and ends the process."""
    run_command(PROGRAM, _run, arguments)


def _run(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    command = evaluator_command(parse_start(options.start_options))
    command.check()
    limits = Limits(options.max_load, options.loadavg_type, options.rate)
    manager = Manager(
        command, limits, only_limits=options.only_limits, peer_timeout=options.peer_timeout, verbose=options.verbose
    )
    with contextlib.ExitStack() as stack:
        stack.enter_context(pid_file(options.pidfile))
        listeners = [stack.enter_context(listener) for listener in listen(options.address, options.port)]
        allow_many_descriptors()
        asyncio.run(manager.run(listeners, _monitors(options, manager)))
    return 0


def _monitors(options: argparse.Namespace, manager: Manager) -> list[Monitor]:
    monitors: list[Monitor] = []
    if "session" in options.monitors:
        remedy = f"name the folder of terminals with --pts, or {_without('session')}"
        monitors.append(SessionMonitor(options.pts, options.idle_timeout, remedy))
    if "screensaver" in options.monitors:
        from ..activity.screensaver import ScreensaverMonitor  # loads the D-Bus library

        remedy = f"start {PROGRAM} in the user's session, or {_without('screensaver')}"
        monitors.append(ScreensaverMonitor(remedy))
    if "signal" in options.monitors:
        number, mode = options.signal
        monitors.append(SignalMonitor(number, mode, manager.kill_evaluators))
    return monitors


def _without(monitor: str) -> str:
    return f"use --disable-monitor={monitor}"
