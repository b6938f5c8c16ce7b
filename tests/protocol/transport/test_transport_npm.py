"""Against npm's socket.io, which DCP's programs use."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from transport_peers import echo, run

from dcp_protocol.transport.client import connect
from dcp_protocol.transport.listener import Listener
from dcp_protocol.transport.options import ConnectOptions, ListenOptions
from node import node
from npm_packages import npm_packages

pytestmark = pytest.mark.any_engine

_JS = Path(__file__).with_name("js")
_SMILE = "\U0001f600"
_TEXTS = ["{}", '{"a":"\\n\\u0000é"}', "{" + f"a{_SMILE}" * 1000 + "}", "{" + _SMILE * 1001, "{" + "x" * 5000]


async def start(script: str, group: str, *arguments: str) -> asyncio.subprocess.Process:
    environment = {**os.environ, "NODE_PATH": str(npm_packages(group))}
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        node(), _JS / script, *arguments, stdin=pipe, stdout=pipe, env=environment, limit=1 << 24
    )


@contextlib.asynccontextmanager
async def npm_echo() -> AsyncIterator[str]:
    """The location of an echo on npm's socket.io server."""
    process = await start("echo_server.js", "scheduler", "/service/dcp5/socketio")
    assert process.stdin
    assert process.stdout
    try:
        port = int(await process.stdout.readline())
        yield f"http://127.0.0.1:{port}/service/"
    finally:
        process.stdin.close()
        await process.wait()


@pytest.mark.parametrize("carrier", ["websocket", "polling"])
def test_our_client_and_npms_server(carrier: str) -> None:
    async def body() -> None:
        async with npm_echo() as location:
            transport = await connect(location, ConnectOptions(carriers=(carrier,)))
            for text in [*_TEXTS, "{" + _SMILE * 500_000]:
                await transport.send(text.encode())
                assert await anext(transport) == text.encode()
            await asyncio.sleep(1)  # of pings every 0.3 s
            for size in (7, 100, 1000):
                cut = f"{{{_SMILE * 1001}"
                await transport.send(json.dumps({"cut": cut, "size": size}, separators=(",", ":")).encode())
                assert await anext(transport) == cut.encode()
            await transport.send(b'{"close":1}')
            assert [text async for text in transport] == []
            assert transport.error
            assert transport.error.code == "ECONNRESET"
            await transport.close()
            again = await connect(location, ConnectOptions(carriers=(carrier,)))
            await again.send(b"{}")
            await again.close()
            assert again.error
            assert again.error.code == "EPIPE"

    run(body())


@pytest.mark.parametrize("transports", ["websocket", "polling", "polling,websocket"])
def test_npms_client_and_our_server(transports: str) -> None:
    async def body() -> None:
        async with Listener("127.0.0.1", 0, "/service/", options=ListenOptions(ping_interval=0.05)) as listener:
            served = asyncio.create_task(echo(listener))
            origin = f"http://127.0.0.1:{listener.port}"
            process = await start("client.js", "dcp", origin, "/service/dcp5/socketio", transports)
            said, _ = await process.communicate(json.dumps(_TEXTS).encode())
            assert process.returncode == 0
            assert json.loads(said) == {"transport": transports.split(",")[-1], "texts": _TEXTS}
        await served

    run(body())
