"""Whoever is at the other end of a sandbox's connection: peers that lie, flood, do not read or leave."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sandbox_driver import job, run, value_of

from dcp_protocol import kvin
from dcp_worker.dialects import sandbox_messages
from dcp_worker.errors import SandboxEndedError, SandboxError
from dcp_worker.sandboxes.channels import Channel
from dcp_worker.sandboxes.events import FetchRequest, FetchResponse
from dcp_worker.sandboxes.limits import Limits, Timeouts
from dcp_worker.sandboxes.outcomes import Completed, SliceListener
from dcp_worker.sandboxes.sandbox import Sandbox

pytestmark = pytest.mark.any_engine

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
DESCRIPTION = {"capabilities": {"environment": {}}, "worktimes": [{"name": "map-basic", "versions": ["1.0.0"]}]}


def line(ring: int, request: str, **members: Any) -> bytes:
    message = kvin.serialize({"ringSource": ring, "value": {"request": request, **members}}, 8)
    return b'MSG:{"type":"workerMessage","message":%b}\n' % message


async def answer_to(text: bytes, writer: asyncio.StreamWriter) -> None:
    """As a sandbox does."""
    if b'"die"' in text:
        writer.close()
    else:
        for request, answer in (
            (b'"describe"', line(2, "describe", **DESCRIPTION)),
            (b'"applyRequirements"', line(1, "applyRequirementsDone")),
            (b'"assign"', line(2, "assigned")),
            (b'"resetState"', line(2, "resetStateDone")),
            (b'"main"', line(3, "progress") + line(3, "complete", result="done")),
        ):
            if request in text:
                writer.write(answer)


async def answer_like_a_sandbox(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async for text in reader:
        await answer_to(text, writer)


@contextlib.asynccontextmanager
async def peer(
    behave: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[Channel]:
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=theirs, limit=1 << 30)
    behaviour = asyncio.ensure_future(behave(reader, writer))
    try:
        yield Channel(ours)
    finally:
        behaviour.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await behaviour
        writer.close()


def test_a_slice_with_a_peer_that_keeps_the_rules() -> None:
    async def drive() -> None:
        async with peer(answer_like_a_sandbox) as channel:
            box = await Sandbox.start(channel, sandbox_messages.V4)
            await box.assign(job("(x) => x"))
            assert value_of(await box.work(1)) == "done"
            await box.end()

    run(drive())


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff\xfe\n" * 1000, b"MSG:{}\n"])
def test_a_peer_that_is_no_sandbox(answer: bytes) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await reader.read()

    async def drive() -> None:
        async with peer(behave) as channel:
            with pytest.raises(SandboxEndedError, match="the sandbox was ended: it sent"):
                await Sandbox.start(channel, sandbox_messages.V4)

    run(drive())


def test_a_peer_that_leaves_at_once() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def drive() -> None:
        async with peer(behave) as channel:
            with pytest.raises(SandboxEndedError, match=r"ended while it was (starting|describing itself)"):
                await Sandbox.start(channel, sandbox_messages.V4)

    run(drive())


def test_a_peer_that_answers_before_it_is_asked() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(line(2, "describe", **DESCRIPTION))
        await writer.drain()
        await answer_like_a_sandbox(reader, writer)

    async def drive() -> None:
        async with peer(behave) as channel:
            await asyncio.sleep(0.05)
            with pytest.raises(SandboxEndedError, match="describe while it was"):
                box = await Sandbox.start(channel, sandbox_messages.V4)
                await box.assign(job("(x) => x"))

    run(drive())


def test_a_peer_that_says_nothing() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def drive() -> None:
        async with peer(behave) as channel:
            with pytest.raises(SandboxEndedError, match="no answer within its time while it was describing itself"):
                await Sandbox.start(channel, sandbox_messages.V4, Timeouts(describe=0.1))

    run(drive())


def test_a_line_without_an_end() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"x" * (1 << 20))
            await writer.drain()

    async def drive() -> None:
        async with peer(behave) as channel:
            with pytest.raises(SandboxEndedError, match="a line of more than 10000000 bytes"):
                await Sandbox.start(channel, sandbox_messages.V4, limits=Limits(line=10_000_000))

    run(drive())


def test_a_peer_that_floods_is_read_no_faster_than_it_may_write() -> None:
    sent = 0
    text = line(3, "progress", progress=1) * 1000

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while True:
            await asyncio.sleep(0)
            writer.write(text)
            await writer.drain()
            sent += 1000

    async def drive() -> None:
        limits = Limits(burst=20_000, lines_per_second=1e-9)
        async with peer(behave) as channel:
            with pytest.raises(SandboxError):
                await Sandbox.start(channel, sandbox_messages.V4, Timeouts(describe=0.5), limits)

    run(drive())
    assert 1000 <= sent < 60_000, "what the limits and the buffers of sockets hold"


def test_a_flood_does_not_keep_a_slice_from_its_end() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for text in reader:
            if b'"main"' in text:
                writer.write(line(3, "progress", progress=1) * 5000 + line(3, "complete", result="done"))
            else:
                await answer_to(text, writer)

    async def drive() -> None:
        limits = Limits(burst=100, lines_per_second=20_000)
        async with peer(behave) as channel:
            box = await Sandbox.start(channel, sandbox_messages.V4, limits=limits)
            await box.assign(job("(x) => x"))
            for _ in range(3):
                assert isinstance(await box.work(1), Completed)
            await box.end()

    run(drive())


def test_a_peer_that_asks_on_and_does_not_read() -> None:
    data = {"url": "http://localhost/", "method": "GET", "headersEntries": [], "bodyBuffer": None}

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for text in reader:
            if b'"main"' in text:
                break
            await answer_to(text, writer)
        while True:
            writer.write(line(2, "fetchRequest", id=1, data=data))
            await asyncio.sleep(0.01)

    async def fetch(request: FetchRequest) -> FetchResponse:
        return FetchResponse(request.url, 200, "OK", [], bytes(range(256)) * 4096)

    async def drive() -> None:
        async with peer(behave) as channel:
            box = await Sandbox.start(channel, sandbox_messages.V4, limits=Limits(unread=3 << 20))
            await box.assign(job("(x) => x", fetch=fetch))
            with pytest.raises(SandboxEndedError, match="does not read what it is sent"):
                await box.work("x" * (2 << 20))

    run(drive())


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_listener_that_breaks_is_what_the_slice_fails_with(size: int) -> None:
    class Broken(SliceListener):
        def console(self, level: str, arguments: Any, same: int) -> None:
            raise ZeroDivisionError

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for text in reader:
            if b'"main"' in text:
                payload = {"level": "log", "message": ["x" * size], "same": 1}
                writer.write(line(3, "console", payload=payload))
            await answer_to(text, writer)

    async def drive() -> None:
        async with peer(behave) as channel:
            box = await Sandbox.start(channel, sandbox_messages.V4)
            await box.assign(job("(x) => x"))
            with pytest.raises(ZeroDivisionError):
                await box.work(1, Broken())
            await box.wait_closed()

    run(drive())
