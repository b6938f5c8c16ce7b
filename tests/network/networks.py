"""A scheduler in this process, and workers of ours that work for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from dcp_scheduler.server.server import Server
from scheduler_stand_in.workers import own_program, running


@asynccontextmanager
async def network(folder: Path, *, workers: int = 1, group: str = "dcp", options: tuple[str, ...] = (), **settings: Any
) -> AsyncIterator[Server]:  # fmt: skip
    """A scheduler with that many workers of ours. ``options``: theirs; ``settings``: of the scheduler."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(Server(folder / "scheduler", **settings))
        for number in range(workers):
            program = own_program(group)
            await stack.enter_async_context(running(program, folder, server, options, name=f"worker{number}"))  # type: ignore[arg-type]
        yield server
