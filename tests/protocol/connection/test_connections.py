"""Connections between two ends of ours, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import stat
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import dcp_protocol
from dcp_protocol import Connection, IncomingRequest, Target
from dcp_protocol.connection.identity_cache import IdentityCache, base_href
from dcp_protocol.connection.options import ConnectionOptions
from dcp_protocol.errors import ConnectionEndedError, ProtocolError, RemoteError
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.messages.bodies import JsonText
from dcp_protocol.transport import client
from dcp_protocol.transport.failures import TransportError

pytestmark = pytest.mark.any_engine

OWN, SERVICE, BANK = (PrivateKey(bytes([number]) * 32) for number in (1, 2, 3))
ANYWHERE = "http://127.0.0.1:0/dcp/"


async def answer(request: IncomingRequest) -> object:
    match request.operation:
        case "echo":
            return request.data
        case "sleep":
            await asyncio.sleep(request.data)
            return request.data
        case "fail":
            raise ProtocolError("ENOJOB", "no such job")
        case "break":
            raise ZeroDivisionError("secret")
        case "object":
            return object()
        case "ask":
            return await request.connection.request("echo", request.data)
        case "pays":
            return request.authorizes(BANK.address)
        case "length":
            return len(request.data)
    raise ProtocolError("ENOSYS", request.operation)


@asynccontextmanager
async def connected(options: ConnectionOptions | None = None, **more: Any) -> AsyncIterator[tuple[Target, Connection]]:
    before = asyncio.all_tasks()
    async with Target(ANYWHERE, SERVICE, answer, options=options) as target:
        connection = await dcp_protocol.connect(target.location, OWN, options=options, on_request=answer, **more)
        async with connection:
            yield target, connection
    await asyncio.sleep(0)
    left = [task for task in asyncio.all_tasks() - before if "dcp_protocol" in repr(task)]
    assert not left, f"tasks are left: {left}"


def cut(connection: Connection) -> None:
    """The network loses its transport."""
    if connection._link:
        connection._link.transport.end(TransportError("ECONNRESET", "cut"))


async def until(condition: Any) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


def test_requests_in_both_directions() -> None:
    async def main() -> None:
        async with connected() as (target, connection):
            values = [None, 1, -0.5, "é\U0001f600\ud800", [1, {"2": [], "a": "b"}], {"jsonData": 7}]
            for value in values:
                assert await connection.request("echo", value) == value
            assert await asyncio.gather(*(connection.request("echo", n) for n in range(200))) == list(range(200))
            assert await connection.request("ask", "back") == "back"
            await until(lambda: target.connections)
            (other,) = target.connections
            assert await other.request("echo", 5) == 5
            assert (connection.peer, other.peer) == (SERVICE.address, OWN.address)
            assert await connection.request("echo", JsonText(b'{"a":1}')) == {"a": 1}

    asyncio.run(main())


def test_a_target_remembers_stamps_for_all_its_connections_together() -> None:
    """Each by itself would take 40 MB from a peer that asks much."""

    async def main() -> None:
        async with connected() as (target, connection):
            for count in (1, 2):
                await connection.request("echo", 1)
                assert len(target._stamps) == count

    asyncio.run(main())


def test_errors_of_handlers_are_answers() -> None:
    async def main() -> None:
        async with connected() as (_, connection):
            failures = [("fail", "ENOJOB", "no such job"), ("break", "EINTERNAL", "in its log"), ("no", "ENOSYS", "no")]
            for operation, code, text in failures:
                with pytest.raises(RemoteError, match=text) as failed:
                    await connection.request(operation)
                assert failed.value.code == code
            with pytest.raises(RemoteError):
                await connection.request("object")
            for value in (float("nan"), object(), {1: 2}):
                with pytest.raises((TypeError, ValueError)):
                    await connection.request("echo", value)
            assert await connection.request("echo", 1) == 1

    asyncio.run(main())


def test_rights_of_other_keys_arrive() -> None:
    async def main() -> None:
        async with connected() as (_, connection):
            assert await connection.request("pays", 1, authorize=[BANK]) is True
            assert await connection.request("pays", 1) is False

    asyncio.run(main())


def test_notifications() -> None:
    async def main() -> None:
        heard: list[object] = []

        async def hear(data: object) -> None:
            heard.append(data)
            raise ValueError("a handler that fails")

        async with (
            Target(ANYWHERE, SERVICE, answer, on_notification=hear) as target,
            await dcp_protocol.connect(target.location, OWN) as connection,
        ):
            for number in range(3):
                await connection.notify(number)
            await until(lambda: heard == [0, 1, 2])

    asyncio.run(main())


def test_a_session_survives_its_transports() -> None:
    async def main() -> None:
        handled: list[int] = []

        async def count(request: IncomingRequest) -> object:
            handled.append(request.data)
            return request.data

        async with (
            Target(ANYWHERE, SERVICE, count) as target,
            await dcp_protocol.connect(target.location, OWN, on_request=answer) as connection,
        ):
            session = connection.session
            await until(lambda: target.connections)
            requests = [asyncio.create_task(connection.request("count", n)) for n in range(300)]
            for turn in range(6):
                await asyncio.sleep(0.03)
                cut(connection if turn % 2 else target.connections[0])
            assert await asyncio.gather(*requests) == list(range(300))
            assert sorted(handled) == list(range(300))
            assert connection.session == session and len(target.connections) == 1
            assert await target.connections[0].request("echo", 1) == 1

    asyncio.run(main())


def test_a_target_that_was_restarted_knows_no_session() -> None:
    async def main() -> None:
        async with Target(ANYWHERE, SERVICE, answer) as target:
            location = target.location
            connection = await dcp_protocol.connect(location, OWN)
            waiting = asyncio.create_task(connection.request("sleep", 1000))
            await until(lambda: target.connections)
            other = target.connections[0]
            target._connections.clear()
            cut(other)
            with pytest.raises(ConnectionEndedError) as ended:
                await waiting
            assert ended.value.code == "ECONNRESET"
            await connection.wait_closed()
            async with await dcp_protocol.connect(location, OWN) as again:
                assert await again.request("echo", 1) == 1
            await other.close()

    asyncio.run(main())


def test_both_ends_learn_of_a_close() -> None:
    async def main() -> None:
        async with connected() as (target, connection):
            await until(lambda: target.connections)
            (other,) = target.connections
            waiting = asyncio.create_task(other.request("sleep", 1000))
            await asyncio.sleep(0.1)
            await connection.close()
            assert connection.end and connection.end.code == "EPIPE"
            assert (await other.wait_closed()).code == "ECONNRESET"
            with pytest.raises(ConnectionEndedError):
                await waiting
            for closed in (connection, other):
                with pytest.raises(ConnectionEndedError):
                    await closed.request("echo", 1)
            await until(lambda: not target.connections)

    asyncio.run(main())


def test_a_request_that_is_cancelled_leaves_nothing() -> None:
    async def main() -> None:
        async with connected() as (_, connection):
            tasks = [asyncio.create_task(connection.request("sleep", 0.2)) for _ in range(5)]
            await asyncio.sleep(0.05)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0.4)
            assert await connection.request("echo", 1) == 1
            assert not len(connection._machine._own) and not connection._waiting

    asyncio.run(main())


def test_nobody_there() -> None:
    async def main() -> None:
        async with Target(ANYWHERE, SERVICE, answer) as target:
            location = target.location
        with pytest.raises(ConnectionEndedError) as ended:
            await dcp_protocol.connect(location, OWN, options=ConnectionOptions(connect_timeout=0.7))
        assert ended.value.code == "ETIMEDOUT"

    asyncio.run(main())


def test_limits_of_open_requests_make_the_caller_wait() -> None:
    async def main() -> None:
        async with connected(ConnectionOptions(open_requests=3)) as (_, connection):
            begun = time.monotonic()
            await asyncio.gather(*(connection.request("sleep", 0.1) for _ in range(9)))
            assert time.monotonic() - begun > 0.25

    asyncio.run(main())


def test_large_messages_do_not_hold_up_the_event_loop() -> None:
    """The longest pause is measured on machines of one's own (benchmarks); here, that other work gets its turn."""

    async def main() -> None:
        turns = 0

        async def tick() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0.001)
                turns += 1

        async with connected() as (_, connection):
            ticking = asyncio.create_task(tick())
            data = JsonText(b'"' + b"x" * 20_000_000 + b'"')
            assert await connection.request("length", data) == 20_000_000
            assert len(await connection.request("echo", "y" * 5_000_000)) == 5_000_000
            ticking.cancel()
            assert turns > 20

    asyncio.run(main())


def test_the_identity_of_a_location_is_pinned(tmp_path: Path) -> None:
    async def main() -> None:
        file = tmp_path / "folder" / "identity-cache.json"
        async with Target(ANYWHERE, SERVICE, answer) as target:
            async with await dcp_protocol.connect(target.location, OWN, identities=IdentityCache(file)):
                pass
            assert json.loads(file.read_text()) == {target.location: SERVICE.address}
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            file.write_text(json.dumps({target.location: BANK.address.lower()}))
            with pytest.raises(ConnectionEndedError) as ended:
                await dcp_protocol.connect(target.location, OWN, identities=IdentityCache(file))
            assert ended.value.code == "EADDRCHANGE"
            async with await dcp_protocol.connect(
                target.location, OWN, identities=IdentityCache(file), peer=SERVICE.address
            ):
                pass
            for wrong in ("", "[]", '{"a":7}', "[" * 100_000):
                file.write_text(wrong)
                with pytest.raises(ProtocolError, match=r"identity-cache\.json"):
                    await dcp_protocol.connect(target.location, OWN, identities=IdentityCache(file))

    asyncio.run(main())


def test_locations_as_javascript_writes_them() -> None:
    assert base_href("http://Example.com:80/a/?q#f") == "http://example.com/a/"
    assert base_href("https://[::1]:8443") == "https://[::1]:8443/"


@pytest.mark.parametrize("text", [b"{}", b"{", b'{"owner":"0x","signature":{},"body":{}}', b"x"])
def test_what_is_no_message_ends_its_transport_only(text: bytes) -> None:
    async def main() -> None:
        async with connected() as (target, connection):
            stray = await client.connect(target.location)
            await stray.send(text)
            await asyncio.wait_for(stray.until_ended(), 20)
            await stray.close()
            assert await connection.request("echo", 1) == 1

    asyncio.run(main())


def test_notifications_are_heard_one_after_the_other() -> None:
    async def main() -> None:
        heard: list[object] = []

        async def hear(data: object) -> None:
            await asyncio.sleep(0.05 if data == 0 else 0)
            heard.append(data)

        async with (
            Target(ANYWHERE, SERVICE, answer, on_notification=hear) as target,
            await dcp_protocol.connect(target.location, OWN) as connection,
        ):
            await asyncio.gather(*(connection.notify(number) for number in range(5)))
            await until(lambda: heard == [0, 1, 2, 3, 4])

    asyncio.run(main())


def test_sessions_that_linger_make_room_for_new_ones() -> None:
    async def main() -> None:
        async def unreachable() -> Any:
            raise TransportError("ECONNREFUSED", "nothing listens")

        async with Target(ANYWHERE, SERVICE, answer, sessions=2) as target:
            options = ConnectionOptions(connect_timeout=1.0, close_timeout=0.5)
            left, stays = [await dcp_protocol.connect(target.location, OWN, options=options) for _ in range(2)]
            elsewhere = target.location.replace("127.0.0.1", "localhost")  # with waits of its own
            with pytest.raises(ConnectionEndedError):
                await dcp_protocol.connect(elsewhere, OWN, options=options)
            left._open_transport = unreachable
            cut(left)
            await until(lambda: not all(connection.is_connected for connection in target.connections))
            async with await dcp_protocol.connect(target.location, OWN) as new:
                assert await new.request("echo", 1) == 1
                assert await stays.request("echo", 2) == 2
                assert {connection.session for connection in target.connections} == {stays.session, new.session}
            await asyncio.gather(stays.close(), left.close())

    asyncio.run(main())


def test_a_byte_a_second_gives_no_session() -> None:
    async def main() -> None:
        served = asyncio.Event()

        async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                for byte in b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n":
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(1)
            writer.close()
            served.set()

        server = await asyncio.start_server(dribble, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ConnectionEndedError) as ended:
            await dcp_protocol.connect(
                f"http://127.0.0.1:{port}/dcp/", OWN, options=ConnectionOptions(connect_timeout=2.0)
            )
        assert ended.value.code == "ETIMEDOUT"
        await asyncio.wait_for(served.wait(), 30)
        server.close()
        await server.wait_closed()

    asyncio.run(main())


def test_a_transport_without_a_first_message_is_closed_in_time() -> None:
    async def main() -> None:
        async with connected(ConnectionOptions(session_timeout=0.5)) as (target, connection):
            silent = await client.connect(target.location)
            await asyncio.wait_for(silent.until_ended(), 30)
            await silent.close()
            assert await connection.request("echo", 1) == 1

    asyncio.run(main())
