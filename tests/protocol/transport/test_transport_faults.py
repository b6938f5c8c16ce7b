"""Peers and networks that fail: cut at any byte, slow, deaf, hostile, restarted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from transport_peers import both, copy, echoing, run, tcp_proxy

from dcp_protocol.transport.client import connect
from dcp_protocol.transport.failures import TransportError
from dcp_protocol.transport.listener import Listener
from dcp_protocol.transport.options import ConnectOptions, ListenOptions
from dcp_protocol.transport.transport import Transport

pytestmark = pytest.mark.any_engine

_PATH = "/dcp5/socketio/"
carriers = pytest.mark.parametrize("carrier", ["websocket", "polling"])


def by(carrier: str, seconds: float = 60) -> ConnectOptions:
    return ConnectOptions(carriers=(carrier,), connect_seconds=seconds)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def no_errors_are_logged(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:  # type: ignore[misc]
    """What a peer does is no fault of ours."""
    with caplog.at_level(logging.WARNING):
        yield
    assert caplog.records == []


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests in which farewells are not fetched."""
    monkeypatch.setattr("dcp_protocol.transport.transport._CLOSE_SECONDS", 0.5)


@contextlib.asynccontextmanager
async def pair(carrier: str, options: ListenOptions | None = None) -> AsyncIterator[tuple[Transport, Transport]]:
    """The two ends of a transport."""
    async with Listener("127.0.0.1", 0, options=options) as listener:
        client = await connect(f"http://127.0.0.1:{listener.port}/", by(carrier))
        yield client, await anext(listener)
        await client.close()


async def works(location: str, carrier: str) -> None:
    transport = await connect(location, by(carrier))
    await transport.send(b"{}")
    assert await anext(transport) == b"{}"
    await transport.close()


@pytest.mark.usefixtures("impatient")
@carriers
def test_the_network_is_cut_at_any_byte(carrier: str) -> None:
    """The initiator may always try again, the listener forgets."""

    async def body() -> None:
        most = 0

        async def cut(
            client: asyncio.StreamReader,
            to_client: asyncio.StreamWriter,
            server: asyncio.StreamReader,
            to_server: asyncio.StreamWriter,
        ) -> None:
            await both(copy(client, to_server, most), copy(server, to_client, most))

        async with (
            echoing(Listener("127.0.0.1", 0)) as location,
            tcp_proxy(int(location[:-1].rpartition(":")[2]), cut) as port,
        ):
            for most in range(0, 2000, 53):  # noqa: B007 - cut looks at it
                with contextlib.suppress(TransportError) as _:
                    try:
                        transport = await connect(f"http://127.0.0.1:{port}/", by(carrier))
                    except TransportError as error:
                        assert not error.permanent
                        continue
                    for _ in range(50):
                        await transport.send(b"{" + b"x" * 100)
                        await anext(transport, None)
                    assert transport.error
                    assert transport.error.code == "ECONNRESET"
                    assert not transport.error.permanent
                    await transport.close()
            await works(location, carrier)

    run(body())


@carriers
def test_a_network_that_brings_a_byte_at_a_time(carrier: str) -> None:
    async def body() -> None:
        async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(1):
                writer.write(data)
                await writer.drain()
                await asyncio.sleep(0)

        async def pipe(
            client: asyncio.StreamReader,
            to_client: asyncio.StreamWriter,
            server: asyncio.StreamReader,
            to_server: asyncio.StreamWriter,
        ) -> None:
            await both(drip(client, to_server), drip(server, to_client))

        async with (
            echoing(Listener("127.0.0.1", 0)) as location,
            tcp_proxy(int(location[:-1].rpartition(":")[2]), pipe) as port,
        ):
            transport = await connect(f"http://127.0.0.1:{port}/", by(carrier))
            for text in (b"{}", ("{" + "é\U0001f600" * 500).encode()):
                await transport.send(text)
                assert await anext(transport) == text
            await transport.close()

    run(body())


@pytest.mark.usefixtures("impatient")
@carriers
def test_a_network_that_comes_to_a_standstill(carrier: str) -> None:
    """As slow as a byte a second is, for pings of a tenth of a second: neither end waits for ever."""

    async def body() -> None:
        still = asyncio.Event()

        async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(1 if still.is_set() else 65_536):
                writer.write(data)
                await writer.drain()
                if still.is_set():
                    await asyncio.sleep(1)

        async def pipe(
            client: asyncio.StreamReader,
            to_client: asyncio.StreamWriter,
            server: asyncio.StreamReader,
            to_server: asyncio.StreamWriter,
        ) -> None:
            await both(slow(client, to_server), slow(server, to_client))

        options = ListenOptions(ping_interval=0.1, ping_timeout=2)
        async with Listener("127.0.0.1", 0, options=options) as listener, tcp_proxy(listener.port, pipe) as port:
            client = await connect(f"http://127.0.0.1:{port}/", by(carrier))
            server = await anext(listener)
            still.set()
            for end in (client, server):
                await end.send(b"{" + b"x" * 100_000)
            for end in (client, server):
                assert [text async for text in end] == []
                await end.until_ended()
                assert end.error
                assert end.error.code in ("ETIMEDOUT", "ECONNRESET")
            await client.close()

    run(body())


@carriers
@pytest.mark.parametrize("direction", [0, 1])
def test_an_owner_that_does_not_read_makes_the_sender_wait(carrier: str, direction: int) -> None:
    async def body() -> None:
        count, text = 100, b"{" + b"x" * 1_000_000
        async with pair(carrier) as ends:
            sender, owner = ends[:: 1 - 2 * direction]
            sent = 0

            async def send() -> None:
                nonlocal sent
                for _ in range(count):
                    await sender.send(text)
                    sent += 1

            sending = asyncio.create_task(send())
            before = -1
            while before < sent:
                before = sent
                await asyncio.sleep(1)
            assert sent < count / 2
            for _ in range(count):
                assert await anext(owner) == text
            await sending

    run(body())


def test_an_owner_that_does_not_read_tells_its_peer_that_it_lives() -> None:
    """Although what the peer answers lies unread."""

    async def body() -> None:
        options = ListenOptions(ping_interval=0.1)
        async with (
            Listener("127.0.0.1", 0, options=options) as listener,
            aiohttp.ClientSession(f"http://127.0.0.1:{listener.port}") as http,
            http.ws_connect(f"{_PATH}?EIO=4&transport=websocket") as websocket,
        ):
            text = "{" + "x" * 100_000
            for packet in ("40", '42["message","E0000P{}"]', *[f'42["message","{text}"]'] * 30):
                await websocket.send_str(packet)
            server = await anext(listener)
            pings = 0
            while pings < 3:
                pings += (await websocket.receive_str()) == "2"
            for _ in range(30):
                assert await anext(server) == text.encode()

    run(body())


@carriers
def test_a_peer_that_is_restarted(carrier: str) -> None:
    async def body() -> None:
        async with Listener("127.0.0.1", 0) as listener:
            port = listener.port
            client = await connect(f"http://127.0.0.1:{port}/", by(carrier))
        async with echoing(Listener("127.0.0.1", port)) as location:
            assert [text async for text in client] == []
            assert client.error
            assert client.error.code == "ECONNRESET"
            with pytest.raises(TransportError, match="not open"):
                await client.send(b"{}")
            await client.close()
            await works(location, carrier)

    run(body())


def test_a_session_that_the_server_does_not_know_any_more() -> None:
    async def body() -> None:
        async with pair("polling") as (client, server):
            server.end(TransportError("ETIMEDOUT", "forgotten"))
            await client.send(b"{}")
            assert [text async for text in client] == []
            assert client.error
            assert client.error.code == "ECONNRESET"
            assert not client.error.permanent

    run(body())


@carriers
def test_both_ends_close_at_once(carrier: str) -> None:
    async def body() -> None:
        for _ in range(20):
            async with pair(carrier) as (client, server):
                await asyncio.gather(client.send(b"{}"), server.send(b"{}"))
                await asyncio.gather(client.close(), server.close())

    run(body())


@carriers
def test_what_was_sent_before_a_close_arrives(carrier: str) -> None:
    async def body() -> None:
        for direction in (1, -1):
            async with pair(carrier) as ends:
                closing, other = ends[::direction]
                text = b"{" + b"x" * 2_000_000
                await closing.send(b"{}")
                sending = asyncio.create_task(closing.send(text))
                await asyncio.sleep(0)
                closed = asyncio.create_task(closing.close())
                assert [received async for received in other] == [b"{}", text]
                await closed
                await asyncio.wait([sending])

    run(body())


def upgrade(*, key: str = "dGhlIHNhbXBsZSBub25jZQ==") -> bytes:
    """A request for a websocket."""
    headers = (
        f"Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}"
    )
    return f"GET {_PATH}?EIO=4&transport=websocket HTTP/1.1\r\n{headers}\r\n\r\n".encode()


def masked(text: bytes) -> bytes:
    """A frame of a websocket's client, with a mask of zeros."""
    return bytes([0x81, 0x80 | len(text)]) + b"\0" * 4 + text


@contextlib.asynccontextmanager
async def raw(port: int, said: bytes) -> AsyncIterator[asyncio.StreamReader]:
    """A connection on which ``said`` was said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(said)
        yield reader
    finally:
        writer.transport.abort()


async def rest(reader: asyncio.StreamReader) -> bytes:
    """All until the other end closes."""
    with contextlib.suppress(ConnectionError):
        return await reader.read()
    return b""


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET " + _PATH.encode(),
        b"\x16\x03\x01\x02\x00\x01",
        b"\x00" * 100,
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \x1b\r\n: :\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 100_000,
        b"GET //%00%ff/?transport=%ff&EIO[]=4 HTTP/1.1\r\n\r\n",
        b"GET /?transport=websocket&EIO=4 HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        upgrade(key="x"),
        upgrade() + b"\xff\xff\xff\xff",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_no_request_ends_its_connection_and_nothing_else(said: bytes) -> None:
    async def body() -> None:
        async with echoing(Listener("127.0.0.1", 0, options=ListenOptions(idle_seconds=0.2))) as location:
            port = int(location[:-1].rpartition(":")[2])
            first = await connect(location)
            async with raw(port, said) as reader:
                await rest(reader)
            await first.send(b"{}")
            assert await anext(first) == b"{}"
            await first.close()

    run(body())


def test_requests_that_do_not_fit() -> None:
    async def body() -> None:
        async with (
            Listener("127.0.0.1", 0, "/s/") as listener,
            aiohttp.ClientSession(f"http://127.0.0.1:{listener.port}") as http,
        ):
            for method, path, status, code in [
                ("GET", "/", 404, None),
                ("GET", "/s/", 404, None),
                ("GET", "/s/x/?EIO=4&transport=polling", 404, None),
                ("OPTIONS", "/s/?EIO=4&transport=polling", 204, None),
                ("GET", "/s/?EIO=3&transport=polling", 400, 5),
                ("GET", "/s/?transport=polling", 400, 5),
                ("GET", "/s/?EIO=4&transport=flash", 400, 0),
                ("GET", "/s/?EIO=4&transport=polling&sid=x", 400, 1),
                ("POST", "/s/?EIO=4&transport=polling", 400, 2),
                ("PUT", "/s/dcp5/socketio/?EIO=4&transport=polling", 400, 2),
                ("POST", "/s/dcp5/socketio/?EIO=4&transport=websocket", 400, 2),
                ("GET", "/s/dcp5/socketio/?EIO=4&transport=websocket", 400, 3),
            ]:
                async with http.request(method, path) as response:
                    assert response.status == status, path
                    if code is not None:
                        assert (await response.json())["code"] == code

    run(body())


@contextlib.asynccontextmanager
async def polling(listener: Listener) -> AsyncIterator[tuple[aiohttp.ClientSession, str, Transport]]:
    """A session by long polling, the path of its requests, and the listener's end."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{listener.port}") as http:
        async with http.get(f"{_PATH}?EIO=4&transport=polling") as response:
            handshake = json.loads((await response.read())[1:])
        path = f"{_PATH}?EIO=4&transport=polling&sid={handshake['sid']}"
        async with http.post(path, data=b'40\x1e42["message","E0000P{}"]') as response:
            assert await response.text() == "ok"
        async with http.get(path) as response:
            assert (await response.text()).startswith("40{")
        yield http, path, await anext(listener)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_two_requests_of_one_kind_end_the_transport(method: str) -> None:
    async def body() -> None:
        async with Listener("127.0.0.1", 0) as listener, polling(listener) as (http, path, server):
            goes_on = asyncio.Event()

            async def slow() -> AsyncIterator[bytes]:
                yield b'42["message","{}"]\x1e'
                await goes_on.wait()

            async def request(data: AsyncIterator[bytes] | None) -> int:
                async with http.request(method, path, data=data) as response:
                    return response.status

            first = asyncio.create_task(request(slow() if method == "POST" else None))
            if method == "POST":
                assert await anext(server) == b"{}"
            second = asyncio.create_task(request(None))
            await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
            await server.until_ended()
            assert server.error
            assert server.error.code == "EPROTO"
            goes_on.set()
            await asyncio.wait([first, second])

    run(body())


def test_a_websocket_that_is_lost_while_it_is_tried_leaves_long_polling_as_it_was() -> None:
    async def body() -> None:
        async with Listener("127.0.0.1", 0) as listener, polling(listener) as (http, path, server):
            for said in ([], ["2probe"], ["2probe", "3"], ["5"]):
                async with http.ws_connect(path.replace("polling", "websocket")) as websocket:
                    for text in said:
                        await websocket.send_str(text)
                    if said and said[0] == "2probe":
                        assert await websocket.receive_str() == "3probe"
                    websocket.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
            await server.send(b"{}")
            async with asyncio.timeout(60):
                while True:  # polls end at once until the listener has seen that the last websocket is lost
                    async with http.get(path) as response:
                        if (text := await response.text()) != "6":
                            break
            assert text == '42["message","{}"]'
            waiting = asyncio.create_task(http.get(path))
            async with http.post(path, data=b'42["message","{}"]') as response:
                assert await response.text() == "ok"
            assert await anext(server) == b"{}"
            assert not waiting.done()
            await server.send(b"{}")
            async with await waiting as response:
                assert await response.text() == '42["message","{}"]'

    run(body())


@carriers
def test_a_large_message_is_not_lost_with_the_call_that_waits_for_it(carrier: str) -> None:
    async def body() -> None:
        text = b"{" + b"x" * 5_000_000
        async with pair(carrier) as (client, server):
            sending = asyncio.create_task(client.send(text))
            for turns in range(100):
                taking = asyncio.ensure_future(anext(server))
                for _ in range(turns):
                    await asyncio.sleep(0)
                taking.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    assert await taking == text
                    await sending
                    return
            assert await anext(server) == text
            await sending

    run(body())


@pytest.mark.parametrize(
    ("kind", "data", "code"),
    [
        (aiohttp.WSMsgType.BINARY, b"2", "EPROTO"),
        (aiohttp.WSMsgType.TEXT, b"", "EPROTO"),
        (aiohttp.WSMsgType.TEXT, b"\xff", "EPROTO"),
        (aiohttp.WSMsgType.TEXT, b'42["message","\xff"]', "EPROTO"),
        (aiohttp.WSMsgType.TEXT, b'42["message","{' + b"x" * (8 << 20) + b'"]', "DCPC-1114"),
        (aiohttp.WSMsgType.TEXT, b'42["message","x"]', "DCPC-1102"),
        (aiohttp.WSMsgType.CLOSE, b"", "ECONNRESET"),
    ],
)
def test_frames_that_break_rules(kind: aiohttp.WSMsgType, data: bytes, code: str) -> None:
    async def body() -> None:
        async with (
            Listener("127.0.0.1", 0) as listener,
            aiohttp.ClientSession(f"http://127.0.0.1:{listener.port}") as http,
        ):
            websocket = await http.ws_connect(f"{_PATH}?EIO=4&transport=websocket")
            for text in ("40", '42["message","E0000P{}"]'):
                await websocket.send_str(text)
            server = await anext(listener)
            with contextlib.suppress(aiohttp.ClientError, OSError):
                await websocket.send_frame(data, kind)
            assert [text async for text in server] == []
            assert server.error
            assert server.error.code == code
            await server.until_ended()
            await websocket.close()

    run(body())


def test_a_client_that_does_not_read_a_websocket() -> None:
    """Its connection is cut, although much is still to be said."""

    async def body() -> None:
        options = ListenOptions(ping_interval=0.1, ping_timeout=2)
        said = upgrade() + masked(b"40") + masked(b'42["message","E0000P{}"]')
        async with Listener("127.0.0.1", 0, options=options) as listener, deaf(listener.port, said) as client:
            server = await anext(listener)
            with pytest.raises(TransportError):
                while True:
                    await server.send(b"{" + b"x" * 1_000_000)
            await server.until_ended()
            await until_cut(client)

    run(body())


def test_a_client_that_does_not_read_long_polling() -> None:
    async def body() -> None:
        options = ListenOptions(ping_interval=0.1, ping_timeout=2)
        async with Listener("127.0.0.1", 0, options=options) as listener, polling(listener) as (_, path, server):
            assert listener._server
            listener._server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            sending = asyncio.create_task(server.send(b"{" + b"x" * 3_000_000))
            async with deaf(listener.port, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()) as client:
                await server.until_ended()
                await until_cut(client)
            await asyncio.wait([sending])

    run(body())


def test_connections_are_bounded() -> None:
    async def body() -> None:
        async with echoing(Listener("127.0.0.1", 0, options=ListenOptions(connections=3))) as location:
            port = int(location[:-1].rpartition(":")[2])
            async with contextlib.AsyncExitStack() as held:
                for _ in range(3):
                    await held.enter_async_context(raw(port, b"GET"))
                async with asyncio.timeout(30):
                    while True:
                        async with raw(port, b"") as reader:
                            try:
                                async with asyncio.timeout(0.2):
                                    await rest(reader)
                                break
                            except TimeoutError:  # it was among the first
                                pass
            async with asyncio.timeout(30):
                while True:
                    try:
                        await works(location, "websocket")
                        break
                    except TransportError:  # the listener has not yet seen that they are gone
                        await asyncio.sleep(0.01)

    run(body())


@pytest.mark.usefixtures("impatient")
def test_a_try_that_is_given_up_leaves_nothing() -> None:
    async def body() -> None:
        async with echoing(Listener("127.0.0.1", 0)) as location:
            for carrier in ("websocket", "polling"):
                for turns in range(0, 60, 3):
                    trying = asyncio.create_task(connect(location, by(carrier)))
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    trying.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await (await trying).close()

    run(body())


@contextlib.asynccontextmanager
async def deaf(port: int, said: bytes) -> AsyncIterator[socket.socket]:
    """A connection on which ``said`` was said, and nothing is read."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(connection, ("127.0.0.1", port))
        await loop.sock_sendall(connection, said)
        yield connection


async def until_cut(connection: socket.socket) -> None:
    """Until the other end has cut it, which shows before all that came has been read."""
    with contextlib.suppress(ConnectionError):
        while await asyncio.get_running_loop().sock_recv(connection, 65_536):
            pass
