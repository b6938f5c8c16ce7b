"""The dashboard from start to end."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from ..errors import WorkerError
from ..views.lifeline import closed
from ..views.watch import Watch
from .app import Dashboard


def run(path: Path, lifeline: int | None = None) -> None:
    """Until its user leaves it. ``path``: of the control socket. Raises WorkerError where there is no terminal.

    ``lifeline``: a pipe's descriptor; it closes where the worker, whose terminal this is, has ended, and so does this.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise WorkerError("a dashboard needs a terminal; dcp-worker status and dcp-worker logs need none")
    asyncio.run(_run(path, lifeline))


async def _run(path: Path, lifeline: int | None) -> None:
    dashboard = Dashboard(Watch(path), stops_worker=lifeline is not None)
    ending = asyncio.create_task(_end_with_worker(dashboard, lifeline)) if lifeline is not None else None
    try:
        await dashboard.run_async()
    finally:
        if ending:
            ending.cancel()


async def _end_with_worker(dashboard: Dashboard, lifeline: int) -> None:
    await closed(lifeline)
    dashboard.exit()
