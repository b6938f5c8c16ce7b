"""The judges judged: npm's client and npm's Target pass through the harness what the tests ask of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from npm_peers import VERSIONS, NpmClient, NpmTarget, PeerError, npm_client, npm_target

pytestmark = pytest.mark.any_engine

Scenario = Callable[[NpmTarget, NpmClient], Awaitable[None]]


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def run(version: str, scenario: Scenario, **settings: Any) -> None:
    """Plays the scenario with a target and a client that have a session."""

    async def play() -> None:
        async with (
            npm_target(version, **settings) as target,
            npm_client(version, target.location, **settings) as client,
        ):
            await client.connect()
            await scenario(target, client)

    asyncio.run(play())


def test_requests_go_both_ways(version: str) -> None:
    async def scenario(target: NpmTarget, client: NpmClient) -> None:
        assert await client.request("echo", {"a": [1, "é\u2028😀", None]}) == {"a": [1, "é\u2028😀", None]}
        told = await target.event("request")
        assert (told["operation"], told["owner"]) == ("echo", client.address)
        session = (await target.event("session"))["session"]
        assert session == (await client.event("session"))["session"]
        assert await target.request("big", {"text": "ä", "times": 700_000}) == "ä" * 700_000
        assert await client.request("ask", {"operation": "echo", "data": 5}) == 5
        assert await client.request("nothing") is None

    run(version, scenario)


def test_an_error_has_its_code_and_origin(version: str) -> None:
    async def scenario(target: NpmTarget, client: NpmClient) -> None:
        with pytest.raises(PeerError) as raised:
            await client.request("fail", {"message": "no", "code": "ENO", "name": "RangeError"})
        assert raised.value.details == {"name": "RangeError", "message": "no", "code": "ENO", "origin": target.address}
        with pytest.raises(PeerError) as raised:
            await client.request("unknown")
        assert raised.value.code == "ENOOP"

    run(version, scenario)


def test_notifications_have_no_answer() -> None:
    async def scenario(target: NpmTarget, client: NpmClient) -> None:
        await client.do("notify", data={"eventName": "stop"})
        assert (await target.event("notification"))["data"] == {"eventName": "stop"}

    run("5.6.1", scenario)


@pytest.mark.parametrize("how", ["break", "close"])
def test_a_lost_transport_is_resumed(version: str, how: str) -> None:
    async def scenario(target: NpmTarget, client: NpmClient) -> None:
        session = (await client.event("session"))["session"]
        slow = client.begin("request", operation="delay", data={"seconds": 1, "value": "late"})
        await target.event("request")
        # When its transport is lost while it signs an acknowledgement, npm's end repeats an older one with no nonce
        # (retransmitAck in connection.js), for which npm's other end closes the session.
        await asyncio.sleep(0.3)
        await client.do("drop", how=how)
        await client.event("disconnect")
        assert await slow == "late"
        await asyncio.sleep(0.3)
        assert await client.request("drop", 1) == 1
        assert await client.request("echo", 2) == 2
        assert await target.do("sessions") == 1
        assert not client.taken_all("end"), session

    run(version, scenario)


def test_messages_are_told_on_the_wire(version: str) -> None:
    async def scenario(target: NpmTarget, client: NpmClient) -> None:
        requests = [client.begin("request", operation="echo", data=number) for number in range(50)]
        assert await asyncio.gather(*requests) == list(range(50))
        batch = await target.event("wire", lambda e: e["way"] == "received" and e["type"] == "batch")
        assert {body["operation"] for body in batch["batch"]} == {"echo"}
        ack = await target.event("wire", lambda e: e["way"] == "sent" and e.get("token") == batch["ackToken"])
        assert ack["type"] == "ack"

    run(version, scenario, wire=True)


def test_close_reaches_the_other_end(version: str) -> None:
    async def scenario(target: NpmTarget, client: NpmClient) -> None:
        await client.do("close")
        assert (await client.event("end"))["code"] == "EPIPE"
        assert (await target.event("end"))["code"] == "ECONNRESET"

    run(version, scenario)


def test_a_target_that_starts_again_knows_no_session(version: str) -> None:
    async def scenario(target: NpmTarget, client: NpmClient) -> None:
        address, location = target.address, target.location
        await target.restart()
        assert (target.address, target.location) == (address, location)
        assert (await client.event("end"))["code"] == "ECONNRESET"
        await client.connect()
        assert await client.request("echo", 1) == 1

    run(version, scenario)


def test_a_target_with_another_identity_is_refused(version: str) -> None:
    async def scenario(target: NpmTarget, client: NpmClient) -> None:
        del target.settings["identity"]
        await target.restart()
        with pytest.raises(PeerError) as raised:
            await client.connect()
        assert raised.value.code == "EADDRCHANGE"

    run(version, scenario)


def test_a_clock_an_hour_ahead(version: str) -> None:
    async def play() -> None:
        async with (
            npm_target(version, clock=3600) as target,
            npm_client(version, target.location) as client,
        ):
            await client.connect()
            assert await client.request("echo", 1) == 1

    asyncio.run(play())


def test_a_peer_that_stands_still_answers_later(version: str) -> None:
    async def scenario(target: NpmTarget, client: NpmClient) -> None:
        target.pause()
        echo = client.begin("request", operation="echo", data=1)
        await asyncio.sleep(0.2)
        assert not echo.done()
        target.resume()
        assert await echo == 1

    run(version, scenario)


def test_long_polling_and_small_fragments(version: str) -> None:
    async def scenario(target: NpmTarget, client: NpmClient) -> None:
        assert await client.request("echo", "x" * 100_000) == "x" * 100_000

    run(version, scenario, options={"socketio": {"transports": ["polling"], "maxFragmentSize": 5000}})
