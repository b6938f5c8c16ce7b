"""Both ends over sockets, by websocket and by long polling."""

from __future__ import annotations

import asyncio

import pytest
from transport_peers import echo, run

from dcp_protocol.transport import paths
from dcp_protocol.transport.client import connect
from dcp_protocol.transport.client_machine import ClientMachine
from dcp_protocol.transport.engine_io import NOOP, Handshake
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


def test_a_peer_with_many_small_packets_does_not_hold_up_others() -> None:
    async def body() -> None:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        transport = Transport(ClientMachine(asyncio.get_running_loop().time()), "")
        await transport.feed(Handshake("x", (), 10_000, 60_000).packet())
        counting = asyncio.create_task(count())
        for _ in range(10_000):
            await transport.feed(NOOP)
        assert not transport.has_ended
        assert turns > 100
        counting.cancel()
        await asyncio.wait([counting])
        await transport.close()

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
