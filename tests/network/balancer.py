"""One address for several processes: each connection goes to one of those that live."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager


@asynccontextmanager
async def balancer(port: int, ports: Sequence[int]) -> AsyncIterator[None]:
    """Listens on ``port`` of loopback, for who listens on ``ports``."""
    turns = itertools.cycle(ports)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        try:
            for _ in ports:
                with contextlib.suppress(OSError):
                    there = await asyncio.open_connection("127.0.0.1", next(turns))
                    await _carry((reader, writer), there)
                    return
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


_End = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _carry(here: _End, there: _End) -> None:
    """Until one of the two has nothing more to say."""
    moves = [asyncio.create_task(_move(here[0], there[1])), asyncio.create_task(_move(there[0], here[1]))]
    try:
        await asyncio.wait(moves, return_when=asyncio.FIRST_COMPLETED)
    finally:
        there[1].close()
        for move in moves:
            move.cancel()
        await asyncio.gather(*moves, return_exceptions=True)


async def _move(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
