"""Both ends over sockets: websockets, long polling, proxies that refuse, redirects, TLS."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from transport_peers import echo, http_server, run

from dcp_protocol.transport import paths
from dcp_protocol.transport.client import Options, connect
from dcp_protocol.transport.failures import NO_TRANSPORT_LEFT, TRANSIENT, TransportError
from dcp_protocol.transport.listener import Listener
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
            await conversation(await connect(location, Options(dialect=dialect, carriers=(carrier,))))
        await served

    run(body())


def test_a_listener_that_closes_ends_its_transports() -> None:
    async def body() -> None:
        for carrier in ("websocket", "polling"):
            async with Listener("127.0.0.1", 0) as listener:
                transport = await connect(f"http://127.0.0.1:{listener.port}/", Options(carriers=(carrier,)))
                accepted = await anext(listener)
            assert [text async for text in transport] == []
            assert transport.error
            assert transport.error.code == "ECONNRESET"
            assert accepted.error
            await transport.close()

    run(body())


@pytest.mark.parametrize(("status", "code"), [(404, NO_TRANSPORT_LEFT), (503, TRANSIENT)])
def test_a_service_that_refuses(status: int, code: str) -> None:
    async def body() -> None:
        async def refuse(_: web.BaseRequest) -> web.Response:
            return web.Response(status=status)

        async with http_server(refuse) as location:
            with pytest.raises(TransportError, match=str(status)) as raised:
                await connect(location)
        assert raised.value.code == code

    run(body())


def test_nobody_listens() -> None:
    async def body() -> None:
        async with Listener("127.0.0.1", 0) as listener:
            port = listener.port
        with pytest.raises(TransportError, match="cannot be reached") as raised:
            await connect(f"http://127.0.0.1:{port}/")
        assert not raised.value.permanent

    run(body())


def test_a_redirect_is_followed() -> None:
    async def body() -> None:
        async with Listener("127.0.0.1", 0, "/new/") as listener:
            served = asyncio.create_task(echo(listener))
            location = f"http://127.0.0.1:{listener.port}/new/"

            async def move(_: web.BaseRequest) -> web.Response:
                return web.Response(status=302, headers={"Location": location})

            async with http_server(move) as old:
                transport = await connect(old)
            assert transport.location == location
            await conversation(transport)
        await served

    run(body())
