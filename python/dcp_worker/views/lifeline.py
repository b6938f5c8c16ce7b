"""Ends a surface together with the worker that has begun it."""

from __future__ import annotations

import asyncio
import contextlib
import os


async def closed(descriptor: int) -> None:
    """Until the other end of a pipe, which the worker holds and nobody writes to, is gone with it."""
    loop = asyncio.get_running_loop()
    gone = loop.create_future()

    def readable() -> None:
        with contextlib.suppress(BlockingIOError):
            if not os.read(descriptor, 1) and not gone.done():
                gone.set_result(None)

    os.set_blocking(descriptor, False)
    loop.add_reader(descriptor, readable)
    try:
        await gone
    finally:
        loop.remove_reader(descriptor)
