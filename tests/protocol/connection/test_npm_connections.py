"""Our ends of a connection against npm's, of both versions."""

from __future__ import annotations

import asyncio

import pytest

import dcp_protocol
from dcp_protocol import Connection, IncomingRequest, Target
from dcp_protocol.connection.options import ConnectionOptions
from dcp_protocol.errors import ConnectionEndedError, ProtocolError, RemoteError
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.transport import client, paths
from npm_peers import VERSIONS, NpmTarget, PeerError, npm_client, npm_target

pytestmark = pytest.mark.any_engine

OWN, SERVICE, BANK = (PrivateKey(bytes([number]) * 32) for number in (1, 2, 3))
DIALECTS = {"4.4.29": paths.V4, "5.6.1": paths.V5}
each_version = pytest.mark.parametrize("version", VERSIONS)


async def answer(request: IncomingRequest) -> object:
    match request.operation:
        case "echo":
            return request.data
        case "length":
            return len(request.data)
        case "sleep":
            await asyncio.sleep(request.data)
            return request.data
        case "ask":
            return await request.connection.request("echo", request.data)
        case "pays":
            return request.authorizes(BANK.address)
    raise ProtocolError("ENOJOB", "no such job")


async def connect(target: NpmTarget, options: ConnectionOptions | None = None, **more: object) -> Connection:
    transport = client.Options(dialect=DIALECTS[target.version])
    return await dcp_protocol.connect(target.location, OWN, transport=transport, on_request=answer, options=options)


async def until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


@each_version
def test_requests_to_npm_and_from_it(version: str) -> None:
    async def main() -> None:
        async with npm_target(version) as target, await connect(target) as connection:
            assert connection.peer == target.address
            for value in [None, 1, -0.5, "é\U0001f600", [1, {"2": [], "a": "b"}], 1e300, "\ud800"]:
                assert await connection.request("echo", value) == value
            assert await asyncio.gather(*(connection.request("echo", n) for n in range(100))) == list(range(100))
            assert await connection.request("ask", {"operation": "echo", "data": 7}) == 7
            assert await asyncio.gather(
                *(connection.request("ask", {"operation": "echo", "data": n}) for n in range(50))
            ) == list(range(50))
            with pytest.raises(RemoteError) as failed:
                await connection.request("fail", {"message": "why", "code": "ECODE"})
            assert failed.value.code == "ECODE" and str(failed.value) == "why"
            with pytest.raises(PeerError) as told:
                await target.request("what")
            assert told.value.code == "ENOJOB"
            assert await connection.request("nothing") is None

    asyncio.run(main())


@each_version
def test_large_messages_go_in_fragments(version: str) -> None:
    async def main() -> None:
        async with npm_target(version) as target, await connect(target) as connection:
            text = "é\U0001f600x" * 500_000
            assert await connection.request("length", text) == 4 * 500_000 + 2
            assert await connection.request("big", {"text": "é\U0001f600x", "times": 500_000}) == text

    asyncio.run(main())


@each_version
def test_a_session_survives_its_transports(version: str) -> None:
    async def main() -> None:
        async with npm_target(version) as target, await connect(target) as connection:
            session = connection.session
            assert await connection.request("drop", 1) == 1
            requests = [asyncio.create_task(connection.request("echo", n)) for n in range(100)]
            for turn in range(4):
                await asyncio.sleep(0.1)
                if turn % 2:
                    await target.do("drop")
                elif connection._link:
                    connection._link.transport.end(client.TransportError("ECONNRESET", "cut"))
                await until(lambda: connection.is_connected)
            assert await asyncio.gather(*requests) == list(range(100))
            assert connection.session == session
            asked = sorted(event["data"] for event in target.taken_all("request") if event["operation"] == "echo")
            assert asked == list(range(100)), "each is handled once"

    asyncio.run(main())


@each_version
def test_a_target_that_was_restarted_knows_no_session(version: str) -> None:
    async def main() -> None:
        async with npm_target(version) as target:
            connection = await connect(target)
            waiting = asyncio.create_task(connection.request("silent"))
            await target.event("request")
            await target.restart()
            with pytest.raises(ConnectionEndedError) as ended:
                await waiting
            assert ended.value.code == "ECONNRESET"
            await connection.wait_closed()
            async with await connect(target) as again:
                assert await again.request("echo", 1) == 1

    asyncio.run(main())


@each_version
def test_each_end_may_close(version: str) -> None:
    async def main() -> None:
        async with npm_target(version) as target:
            connection = await connect(target)
            await connection.close()
            assert connection.end and connection.end.code == "EPIPE"
            assert (await target.event("close"))["code"] == "ECONNRESET"
            connection = await connect(target)
            await target.do("close")
            assert (await connection.wait_closed()).code == "ECONNRESET"

    asyncio.run(main())


@each_version
def test_rights_of_other_keys(version: str) -> None:
    async def main() -> None:
        code = """
            return await new Promise((resolve) => connection.on("request", (request) => {
              if (request.payload.operation === "pays") resolve(request.doesAuthorize(data));
            }))"""
        async with npm_target(version) as target, await connect(target) as connection:
            doing = target.begin("run", code=code, data=BANK.address)
            await asyncio.sleep(0.3)
            with pytest.raises(RemoteError):
                await connection.request("pays", {"amount": 1}, authorize=[BANK])
            assert await doing is True

    asyncio.run(main())


@each_version
@pytest.mark.parametrize("clock", [3600, -3600])
def test_a_clock_that_is_one_hour_off(version: str, clock: int) -> None:
    async def main() -> None:
        async with npm_target(version, clock=clock) as target, await connect(target) as connection:
            assert await connection.request("echo", 1) == 1
            assert await connection.request("ask", {"operation": "echo", "data": 7}) == 7
        async with (
            Target("http://127.0.0.1:0/dcp/", SERVICE, answer) as own,
            npm_client(version, own.location, clock=clock) as peer,
        ):
            await peer.connect()
            assert await peer.request("ask", 7) == 7

    asyncio.run(main())


@each_version
def test_npms_client_at_our_target(version: str) -> None:
    async def main() -> None:
        async with (
            Target("http://127.0.0.1:0/dcp/", SERVICE, answer) as target,
            npm_client(version, target.location) as peer,
        ):
            session = await peer.connect()
            for value in [1, "é\U0001f600", [1, {"2": [], "a": "b"}]]:
                assert await peer.request("echo", value) == value
            answers = await asyncio.gather(*(peer.begin("request", operation="echo", data=n) for n in range(100)))
            assert answers == list(range(100))
            with pytest.raises(PeerError) as failed:
                await peer.request("what")
            assert failed.value.code == "ENOJOB" and failed.value.details["message"] == "no such job"
            (connection,) = target.connections
            assert connection.session == session
            assert await connection.request("echo", [1]) == [1]
            assert await peer.request("length", "x" * 2_000_000) == 2_000_000
            assert await connection.request("big", {"text": "éx", "times": 500_000}) == "éx" * 500_000
            assert await peer.do("keepalive") == {"success": True}
            assert await peer.do("requestWith", operation="pays", data=1, resource=BANK.secret().hex()) is True
            with pytest.raises(PeerError) as refused:
                await peer.do("requestWith", operation="echo", data=1, validity={"time": 1000})
            assert refused.value.code == "EEXPIRED"

    asyncio.run(main())


@each_version
def test_npms_client_resumes_its_session_with_our_target(version: str) -> None:
    async def main() -> None:
        handled: list[object] = []

        async def count(request: IncomingRequest) -> object:
            handled.append(request.data)
            return await answer(request)

        async with (
            Target("http://127.0.0.1:0/dcp/", SERVICE, count) as target,
            npm_client(version, target.location) as peer,
        ):
            session = await peer.connect()
            (connection,) = target.connections
            for turn in range(4):
                waiting = [peer.begin("request", operation="sleep", data=0.2 + n / 1000) for n in range(20)]
                own = [asyncio.create_task(connection.request("echo", n)) for n in range(20)]
                await asyncio.sleep(0.1)
                if turn % 2:
                    await peer.do("drop")
                elif connection._link:
                    connection._link.transport.end(client.TransportError("ECONNRESET", "cut"))
                assert await asyncio.gather(*waiting) == [0.2 + n / 1000 for n in range(20)]
                assert await asyncio.gather(*own) == list(range(20))
            assert target.connections == [connection] and connection.session == session
            assert len(handled) == 80

    asyncio.run(main())


@each_version
def test_npms_client_and_our_target_close(version: str) -> None:
    async def main() -> None:
        async with (
            Target("http://127.0.0.1:0/dcp/", SERVICE, answer) as target,
            npm_client(version, target.location) as peer,
        ):
            await peer.connect()
            (connection,) = target.connections
            await peer.do("close")
            assert (await connection.wait_closed()).code == "ECONNRESET"
            await peer.connect()
            await until(lambda: target.connections)
            (connection,) = target.connections
            await connection.close()
            assert (await peer.event("close", lambda event: event["code"] == "ECONNRESET"))["code"]

    asyncio.run(main())
