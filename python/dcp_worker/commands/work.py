"""``dcp-worker`` at work: everything that a run needs besides its settings."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from dcp_evaluator.net.pid_file import pid_file
from dcp_evaluator.service.manager import ServiceManager

from ..configuration.configuration import Configuration
from ..configuration.run_options import RunOptions
from ..configuration.settings import WorkerSettings
from ..node.evaluator import begin_evaluator
from . import startup
from .accounts import payment_address, worker_identity
from .line import tell
from .options import PROGRAM


def work(options: argparse.Namespace, configuration: Configuration, read: Callable[[], Configuration]) -> int:
    """Runs a worker until it is ended; the exit status. ``read`` gives the configuration anew.

    Raises WorkerError, WalletError, DcpError.
    """
    service = ServiceManager.of_environment()  # before anything is started that would inherit it
    _warn_of_what_has_no_effect(options)
    configuration = _with_startup_files(configuration)
    with begin_evaluator(configuration.settings) or nullcontext() as own:  # while the rest of the program is loaded
        from ..node.run import run

        chosen = _chosen(options, configuration.settings)
        with pid_file(_pid_path(options, configuration.settings)):
            return run(configuration, chosen, read, own, service)


def _chosen(options: argparse.Namespace, settings: WorkerSettings) -> RunOptions:
    account = payment_address(options, settings)  # first: without one no identity is made
    return RunOptions(
        identity=worker_identity(options),
        payment_address=account,
        verbosity=options.verbose,
        report_interval=options.reportInterval,
        exit_when_done=options.exit_when_done,
    )


def _warn_of_what_has_no_effect(options: argparse.Namespace) -> None:
    if options.joinKeystore:
        tell(PROGRAM, "warning: --joinKeystore has no effect, as in npm's worker; say --join KEY,SECRET")
    if options.dcpConfig:
        tell(PROGRAM, "warning: --dcpConfig has no effect, as in npm's worker; the variable DCP_CONFIG names a file")


def _with_startup_files(configuration: Configuration) -> Configuration:
    if configuration.settings.node.startup_files:
        return configuration
    client = startup.find(os.environ)
    if client is None:
        return configuration
    return configuration.with_options({"node": {"startupFiles": str(client.client)}}, "found on this machine")


def _pid_path(options: argparse.Namespace, settings: WorkerSettings) -> Path | None:
    """Where the process id is kept; None where that is not asked for."""
    if options.pidFile is None:
        return None
    if options.pidFile:
        return Path(options.pidFile)
    folder = Path(os.environ.get("XDG_RUNTIME_DIR") or ("/run" if os.getuid() == 0 else tempfile.gettempdir()))
    return folder / (settings.pid_file or f"{PROGRAM}.pid")
