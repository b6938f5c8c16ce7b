"""Connections to services that come and go."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial

import pytest

from dcp_protocol import Connection, IncomingRequest, Target, connect
from dcp_protocol.connection.options import ConnectionOptions
from dcp_protocol.errors import ConnectionEndedError
from dcp_protocol.keys.private_key import PrivateKey
from dcp_worker.node.connector import Connector

pytestmark = pytest.mark.any_engine

OWN, SERVICE = (PrivateKey(bytes([number]) * 32) for number in (1, 2))
IMPATIENT = ConnectionOptions(connect_timeout=0.3, close_timeout=1)


async def echo(request: IncomingRequest) -> object:
    return [request.operation, request.data]


def test_a_connection_is_made_once_and_again_after_its_end() -> None:
    async def run() -> None:
        sessions: list[Connection] = []
        opened: list[str] = []

        async def note(connection: Connection) -> None:
            opened.append(connection.session)

        async with AsyncExitStack() as stack:
            target = await stack.enter_async_context(
                Target("http://127.0.0.1:0/dcp/", SERVICE, echo, on_session=sessions.append)
            )
            connector = Connector(partial(connect, target.location, OWN), note)
            stack.push_async_callback(connector.close)
            answers = await asyncio.gather(*(connector.request("a", number) for number in range(5)))
            assert answers == [["a", number] for number in range(5)]
            assert len(sessions) == 1
            first = await connector.connection()
            await sessions[0].close()
            await first.wait_closed()
            assert await connector.request("b", None) == ["b", None]
            assert len(sessions) == 2
            assert opened == [session.session for session in sessions]
        with pytest.raises(ConnectionEndedError) as ended:
            await connector.request("c", None)
        assert ended.value.code == "EPIPE"

    asyncio.run(run())


def test_who_asks_a_service_that_is_down_waits_for_it_and_not_for_ever() -> None:
    async def run() -> None:
        async with Target("http://127.0.0.1:0/dcp/", SERVICE, echo) as target:
            location = target.location
        patient = Connector(partial(connect, location, OWN))
        waiting = asyncio.create_task(patient.request("a", 1))
        await asyncio.sleep(0.2)
        async with Target(location, SERVICE, echo):
            assert await waiting == ["a", 1]
            await patient.close()
        impatient = Connector(partial(connect, location, OWN, options=IMPATIENT))
        for _ in range(2):
            with pytest.raises(ConnectionEndedError):
                await impatient.request("a", 1)
        await impatient.close()

    asyncio.run(run())


def test_closing_ends_an_attempt() -> None:
    async def run() -> None:
        connector = Connector(partial(connect, "http://127.0.0.1:9/dcp/", OWN))
        waiting = asyncio.create_task(connector.request("a", 1))
        await asyncio.sleep(0.05)
        await connector.close()
        with pytest.raises((asyncio.CancelledError, ConnectionEndedError)):
            await waiting

    asyncio.run(run())
