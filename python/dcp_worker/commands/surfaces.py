"""``dcp-worker dashboard`` and ``dcp-worker web``: surfaces of a worker that runs, or will."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .controlling import find_socket
from .options import PROGRAM
from .parser import Parser


def dashboard(arguments: Sequence[str]) -> int:
    """Raises UsageError, WorkerError."""
    parser = Parser(
        f"{PROGRAM} dashboard", "Shows in this terminal what a running worker does, and takes orders for it."
    )
    parser.option("--socket", metavar="PATH", type=Path, help="its control socket (default: where workers have theirs)")
    options = parser.parse(arguments)
    from ..dashboard.run import run

    run(options.socket or find_socket())
    return 0
