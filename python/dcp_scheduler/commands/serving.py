"""The scheduler itself, until a signal ends it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys

from dcp_evaluator.service.manager import ServiceManager

from .limits_file import read_limits
from .parser import PROGRAM

_LOG = logging.getLogger(__name__)


def serve(options: argparse.Namespace) -> int:
    """The exit status. Raises SchedulerError."""
    from ..observation.logs import set_up

    set_up(PROGRAM, as_json=options.log_format == "json", verbose=options.verbose)
    asyncio.run(_serve(options))
    return 0


async def _serve(options: argparse.Namespace) -> None:
    from ..server.server import Server  # what its database needs is an extra
    from ..server.tls import Certificate

    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    tls = Certificate(*options.tls) if options.tls else None
    loop.add_signal_handler(signal.SIGHUP, tls.reload if tls else _nothing_to_read)
    host, port = options.listen
    manager = ServiceManager.of_environment()
    server = Server(
        options.state, host=host, port=port, database=options.database, contents=options.contents,
        public=options.public or "", metrics=options.metrics, tls=tls,
        limits=read_limits(options.limits) if options.limits else None,
    )  # fmt: skip
    async with server:
        _announce(server.location, server.metrics_url, as_json=options.log_format == "json")
        manager.ready(f"a network at {server.location}")
        await stop.wait()
        manager.stopping("what is under way is answered")
    manager.close()


def _nothing_to_read() -> None:
    _LOG.info("SIGHUP: there is no certificate to read again")


def _announce(location: str, metrics: str, *, as_json: bool) -> None:
    """On stderr, however little else is told there."""
    if as_json:
        _LOG.setLevel(logging.INFO)
        details = {"location": location, **({"metrics": metrics} if metrics else {})}
        _LOG.info("a network at %s", location, extra={"details": details})
        return
    lines = [f"{PROGRAM}: a network at {location}", f"  clients: DCP_SCHEDULER_LOCATION={location} node program.js"]
    lines.append(f"  workers: dcp-worker --dcp-scheduler {location}")
    lines.append(f"  people: {location}portal/")
    if metrics:
        lines.append(f"  metrics: {metrics}")
    print("\n".join(lines), file=sys.stderr, flush=True)
