"""The command ``dcp-worker``."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Sequence
from typing import Final, NoReturn

from ..configuration import display, remote
from ..configuration.configuration import Configuration
from ..configuration.load import load
from ..configuration.suggestions import nearest
from ..errors import ConfigurationError
from .line import run_command, tell
from .options import COMMANDS, PROGRAM, fragment, parse
from .parser import UsageError

_OTHERS: Final = ("config", "setup", "dashboard", "report", "web")


def main() -> NoReturn:
    """Runs the command with the program's arguments, and ends the process."""
    run_command(PROGRAM, _run)


def _run(arguments: Sequence[str]) -> int:
    match arguments[:1]:  # each loads what it needs alone
        case ["config"]:
            from . import explain

            return explain.run(arguments[1:])
        case ["setup"]:
            from . import setup

            return setup.run(arguments[1:])
        case ["dashboard"]:
            from . import surfaces

            return surfaces.dashboard(arguments[1:])
        case ["report"]:
            from . import report

            return report.run(arguments[1:])
        case ["web"]:
            from . import surfaces

            return surfaces.web(arguments[1:])
        case [command] if command in COMMANDS:
            from . import controlling

            return controlling.run(command, arguments[1:])
    if arguments and (command := nearest(arguments[0], _OTHERS + COMMANDS)):
        raise UsageError(f"there is no such command (is it {command}?); see {PROGRAM} --help")
    options = parse(arguments)
    configuration = configured(options)
    for message in (*configuration.messages, *configuration.advice()):
        tell(PROGRAM, message)
    if options.showConfig is not None:
        print(display.show(_with_remote(configuration), options.showConfig))
        return 0
    if options.dumpConfig:
        print(display.dump(_with_remote(configuration)))
        return 0
    from .work import work

    return work(options, configuration, lambda: configured(options))


def configured(options: argparse.Namespace) -> Configuration:
    """The configuration of files, variables and options. Raises ConfigurationError."""
    environment = dict(os.environ)
    if options.configScope:
        environment["DCP_CONFIG_SCOPE"] = options.configScope
    configuration = load(options.dcp_scheduler, environment=environment)
    return configuration.with_options(fragment(options, configuration))


def _with_remote(configuration: Configuration) -> Configuration:
    """With what the scheduler says, where it says anything."""
    location = configuration.config_location
    if location is None:
        return configuration
    try:
        return configuration.with_remote(asyncio.run(remote.fetch(location)), location)
    except ConfigurationError as error:
        tell(PROGRAM, f"warning: without what the scheduler says: {error}")
        return configuration
