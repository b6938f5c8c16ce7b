"""Both ends over sockets, by websocket and by long polling."""

from __future__ import annotations

import asyncio

import pytest
from transport_peers import echo, run

from dcp_protocol.transport import paths
from dcp_protocol.transport.client import connect
from dcp_protocol.transport.listener import Listener
from dcp_protocol.transport.options import ConnectOptions
from dcp_protocol.transport.transport import Transport

pytestmark = pytest.mark.any_engine


async def conversation(transport: Transport) -> None:
    long = ("{" + "text é \U0001f600" * 200_000).encode()
    for text in (b"{}", long, b'{"a":"\\n"}'):
        await transport.send(text)
        assert await anext(transport) == text
    await transport.close()
    assert transport.error
    assert transport.error.code == "EPIPE"


@pytest.mark.parametrize("dialect", [paths.V4, paths.V5])
@pytest.mark.parametrize("carrier", ["websocket", "polling"])
def test_both_ends(carrier: str, dialect: str) -> None:
    async def body() -> None:
        async with Listener("127.0.0.1", 0, "/service/") as listener:
            served = asyncio.create_task(echo(listener))
            location = f"http://127.0.0.1:{listener.port}/service/"
            await conversation(await connect(location, ConnectOptions(dialect=dialect, carriers=(carrier,))))
        await served

    run(body())


def test_a_listener_that_closes_ends_its_transports() -> None:
    async def body() -> None:
        for carrier in ("websocket", "polling"):
            async with Listener("127.0.0.1", 0) as listener:
                transport = await connect(f"http://127.0.0.1:{listener.port}/", ConnectOptions(carriers=(carrier,)))
                accepted = await anext(listener)
            assert [text async for text in transport] == []
            assert transport.error
            assert transport.error.code == "ECONNRESET"
            assert accepted.error
            await transport.close()

    run(body())
