"""A worker that its scheduler has ended for good starts again only if its owner wants that."""

from __future__ import annotations

import contextlib
import sys
from datetime import UTC, datetime
from pathlib import Path

from ..errors import WorkerError

_NAME = "ended-by-scheduler"


def disable(state: Path | None, scheduler: str) -> None:
    """Notes that this scheduler wants this worker to stay away, where that can be kept."""
    if state is not None:
        with contextlib.suppress(OSError):
            (state / _NAME).write_text(f"{scheduler} at {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n", "utf-8")


def require_enabled(state: Path | None) -> None:
    """Asks the owner on the terminal, where a scheduler has said so. Raises WorkerError."""
    path = state / _NAME if state else None
    if path is None or not path.exists():
        return
    with contextlib.suppress(OSError):
        told = path.read_text("utf-8", "replace").strip()
        if _agrees(f"The scheduler {told:.200} has ended this worker for good. Start it all the same? [y/N] "):
            path.unlink()
            return
    raise WorkerError(f"the scheduler has ended this worker for good; to start it all the same, remove the file {path}")


def _agrees(question: str) -> bool:
    if not sys.stdin.isatty():
        return False
    return input(question).strip().lower() in ("y", "yes")
