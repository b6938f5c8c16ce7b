"""What tests of the shells share: a bounded run, an echo, servers and pipes that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from certificates import Authority
from dcp_protocol.transport.listener import Listener
from dcp_protocol.transport.transport import Transport


def run(body: Coroutine[Any, Any, None]) -> None:
    """Runs to its end, within the time of a test, and sees that no task is left."""

    async def bounded() -> None:
        async with asyncio.timeout(90):
            await body
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(bounded())


async def echo(listener: Listener) -> None:
    """Sends back what comes on each transport, until the listener closes."""

    async def answer(transport: Transport) -> None:
        async for text in transport:
            with contextlib.suppress(Exception):  # the other end may be gone by now
                await transport.send(text)

    async with asyncio.TaskGroup() as group:
        async for transport in listener:
            group.create_task(answer(transport))


@contextlib.asynccontextmanager
async def echoing(listener: Listener) -> AsyncIterator[str]:
    """The location of an echo on ``listener``."""
    async with listener:
        served = asyncio.create_task(echo(listener))
        yield f"http://127.0.0.1:{listener.port}/"
    await served


@contextlib.asynccontextmanager
async def http_server(handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """An HTTP server that is no service of DCP's; gives its URL."""
    runner = web.ServerRunner(web.Server(handler))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


Pipe = Callable[
    [asyncio.StreamReader, asyncio.StreamWriter, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]
]


Accept = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def tcp_server(accept: Accept) -> AsyncIterator[int]:
    """Gives a port whose connections are cut when ``accept`` returns, and at the end."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        try:
            await accept(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        left = list(tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


@contextlib.asynccontextmanager
async def tcp_proxy(port: int, pipe: Pipe) -> AsyncIterator[int]:
    """Gives a port whose connections ``pipe`` brings to ``port``: (from client, to client, from server, to server)."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server, upstream = await asyncio.open_connection("127.0.0.1", port)
        try:
            await pipe(reader, writer, server, upstream)
        finally:
            upstream.transport.abort()

    async with tcp_server(accept) as proxy:
        yield proxy


@contextlib.asynccontextmanager
async def http_proxy(*, websockets: bool = True, authorization: str = "") -> AsyncIterator[tuple[int, list[str]]]:
    """A proxy for HTTP, as environments name them; gives its port and the first lines of its requests."""
    asked: list[str] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, url, _ = head.split(" ", 2)
        asked.append(f"{method} {url}")
        refused = (
            "407" if authorization not in head else "403" if "websocket" in head.lower() and not websockets else ""
        )
        if refused:
            writer.write(f"HTTP/1.1 {refused} no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
            return
        to = urlsplit(url if "//" in url else f"//{url}")
        server, upstream = await asyncio.open_connection(to.hostname, to.port)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            upstream.write(head.encode())
        try:
            await both(copy(reader, upstream), copy(server, writer))
        finally:
            upstream.transport.abort()

    async with tcp_server(accept) as port:
        yield port, asked


def certificates(folder: Path, host: str = "localhost") -> tuple[Path, ssl.SSLContext]:
    """The file of an authority, and the context of a server on ``host`` and 127.0.0.1 that has its certificate."""
    authority = Authority(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.certify(folder, host))
    return authority.path, context


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int | None = None) -> None:
    """Copies to the end, or ``most`` bytes."""
    while (most is None or most > 0) and (data := await reader.read(min(most or 65_536, 65_536))):
        most = None if most is None else most - len(data)
        writer.write(data)
        await writer.drain()


async def both(*copies: Coroutine[Any, Any, None]) -> None:
    """Until the first of them ends."""
    tasks = [asyncio.create_task(part) for part in copies]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
