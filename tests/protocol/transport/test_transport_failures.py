"""What keeps an initiator from its service: refusals, redirects, proxies, certificates."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from transport_peers import certificates, echoing, http_proxy, http_server, run, tcp_server

from dcp_protocol.transport.client import connect
from dcp_protocol.transport.failures import NO_TRANSPORT_LEFT, TRANSIENT, TransportError
from dcp_protocol.transport.listener import Listener
from dcp_protocol.transport.options import ConnectOptions, ListenOptions
from dcp_protocol.transport.transport import Transport

pytestmark = pytest.mark.any_engine

_PERMANENT = (400, 401, 403, 404, 405, 406, 407, 409, 410, 418, 501, 505, 204)
_TRANSIENT = (408, 500, 502, 503, 504)


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def answers(transport: Transport) -> None:
    long = ("{" + "text é \U0001f600" * 50_000).encode()
    await transport.send(long)
    assert await anext(transport) == long
    await transport.close()


async def refused(location: str, options: ConnectOptions | None = None) -> TransportError:
    with pytest.raises(TransportError) as raised:
        await connect(location, options)
    assert raised.value.code == (NO_TRANSPORT_LEFT if raised.value.permanent else TRANSIENT)
    return raised.value


@pytest.mark.parametrize("carrier", ["websocket", "polling"])
def test_which_refusals_stay(carrier: str) -> None:
    async def body() -> None:
        async def refuse(request: web.BaseRequest) -> web.Response:
            return web.Response(status=int(request.path.strip("/").partition("/")[0]))

        async with http_server(refuse) as location:
            for status in (*_PERMANENT, *_TRANSIENT):
                error = await refused(f"{location}{status}/", ConnectOptions(carriers=(carrier,)))  # type: ignore[arg-type]
                assert error.permanent == (status in _PERMANENT)
                assert str(status) in str(error)

    run(body())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>", "is it a DCP service"),
        (b"", "empty"),
        (b'0{"sid":"\x1b[2J"}', "not understood"),
        (b"x" * 9_000_000, "more than"),
        (b"\x1f\x8b", "is it a DCP service"),
    ],
)
def test_a_server_that_is_no_service(body: bytes, said: str) -> None:
    async def test() -> None:
        async def answer(_: web.BaseRequest) -> web.Response:
            return web.Response(body=body, headers={"Content-Encoding": "gzip"} if body[:1] == b"\x1f" else {})

        async with http_server(answer) as location:
            error = await refused(location)
            assert said in str(error)
            assert str(error).isprintable()

    run(test())


@pytest.mark.parametrize(
    "said", [b"", b"\x00" * 100, b"HTTP/1.1 200", b"SSH-2.0-x\x1b[2J\r\n", b"HTTP/1.1 500 \x1b\r\n\r\n"]
)
def test_a_server_that_speaks_no_http(said: bytes) -> None:
    async def test() -> None:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(said)
            await writer.drain()

        async with tcp_server(accept) as port:
            error = await refused(f"http://127.0.0.1:{port}/")
            assert not error.permanent
            assert str(error).isprintable()

    run(test())


def test_a_server_that_does_not_answer() -> None:
    async def test() -> None:
        async def accept(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            while await reader.read(1000):
                pass

        async with tcp_server(accept) as port:
            location = f"http://127.0.0.1:{port}/"
            error = await refused(location, ConnectOptions(connect_seconds=0.3))
            assert not error.permanent
            assert "0.3 s" in str(error)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await connect(location)

    run(test())


def test_nobody_listens() -> None:
    async def test() -> None:
        async with tcp_server(lambda *_: asyncio.sleep(0)) as port:
            pass
        error = await refused(f"http://127.0.0.1:{port}/")
        assert not error.permanent
        assert "cannot be reached" in str(error)
        assert not (await refused("http://no.such.host.invalid/")).permanent
        for location in ("ftp://127.0.0.1/", f"http://{'x' * 70}.invalid/"):
            await refused(location)

    run(test())


def test_redirects_are_followed_to_the_end() -> None:
    async def test() -> None:
        async def move(request: web.BaseRequest) -> web.Response:
            number = int(request.path.strip("/").partition("/")[0])
            target = location if number == 0 else f"/{number - 1}/"
            return web.Response(status=(301, 302, 303, 307, 308)[number % 5], headers={"Location": target})

        async with echoing(Listener("127.0.0.1", 0)) as location, http_server(move) as old:
            transport = await connect(f"{old}4/")
            assert transport.location == location
            await answers(transport)
            polling = await connect(f"{old}0/", ConnectOptions(carriers=("polling",)))
            assert polling.location == location
            await answers(polling)
            error = await refused(f"{old}5/")
            assert error.permanent
            assert "more than 5 redirects" in str(error)

    run(test())


def test_a_redirect_without_a_target() -> None:
    async def test() -> None:
        async def move(_: web.BaseRequest) -> web.Response:
            return web.Response(status=302)

        async with http_server(move) as old:
            assert (await refused(old)).permanent

    run(test())


@pytest.mark.parametrize("websockets", [True, False])
def test_a_proxy_of_the_environment(websockets: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        async with echoing(Listener("127.0.0.1", 0)) as location, http_proxy(websockets=websockets) as (port, asked):
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
            await answers(await connect(location))
            assert asked[0].startswith(f"GET {location}dcp5/socketio/?EIO=4&transport=websocket")
            assert any("transport=polling" in line for line in asked) != websockets
            monkeypatch.setenv("no_proxy", "127.0.0.1")
            asked.clear()
            await answers(await connect(location))
            assert asked == []

    run(test())


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_to_know_who_asks(scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        authority, context = certificates(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        listener = Listener("127.0.0.1", 0, ssl_context=context if scheme == "https" else None)
        authorization = "Proxy-Authorization: Basic dXNlcjp3b3Jk"
        async with echoing(listener) as plain, http_proxy(authorization=authorization) as (port, _):
            location = plain.replace("http://127.0.0.1", f"{scheme}://localhost")
            monkeypatch.setenv(f"{scheme}_proxy", f"http://127.0.0.1:{port}")
            error = await refused(location)
            assert error.permanent
            assert "name and a password" in str(error)
            monkeypatch.setenv(f"{scheme}_proxy", f"http://user:word@127.0.0.1:{port}")
            await answers(await connect(location))

    run(test())


def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        async with tcp_server(lambda *_: asyncio.sleep(0)) as port:
            pass
        monkeypatch.setenv("http_proxy", f"http://user:secret@127.0.0.1:{port}")
        error = await refused("http://service.invalid/")
        assert "proxy" in str(error)
        assert "secret" not in str(error)
        assert not error.permanent

    run(test())


@pytest.mark.parametrize("carrier", ["websocket", "polling"])
def test_tls_with_the_systems_certificates(carrier: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        authority, context = certificates(tmp_path)
        options = ConnectOptions(carriers=(carrier,))  # type: ignore[arg-type]
        async with echoing(Listener("127.0.0.1", 0, ssl_context=context)) as plain, http_proxy() as (port, asked):
            location = plain.replace("http://127.0.0.1", "https://localhost")
            error = await refused(location, options)
            assert error.permanent
            assert "SSL_CERT_FILE" in str(error)
            monkeypatch.setenv("SSL_CERT_FILE", str(authority))
            await answers(await connect(location, options))
            monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
            await answers(await connect(location, options))
            assert asked[0].startswith("CONNECT localhost:")

    run(test())


def test_a_certificate_for_another_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        authority, context = certificates(tmp_path, "elsewhere.example")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        async with echoing(Listener("127.0.0.1", 0, ssl_context=context)) as plain:
            error = await refused(plain.replace("http://127.0.0.1", "https://localhost"))
            assert error.permanent
            assert "localhost" in str(error)

    run(test())


def test_https_where_only_http_is_spoken_and_the_other_way_round(tmp_path: Path) -> None:
    async def test() -> None:
        _, context = certificates(tmp_path)
        async with echoing(Listener("127.0.0.1", 0)) as plain:
            assert "Is it an https service?" in str(await refused(plain.replace("http:", "https:")))
        async with echoing(Listener("127.0.0.1", 0, ssl_context=context)) as sealed:
            await refused(sealed)

    run(test())


def test_a_listener_that_is_full() -> None:
    async def test() -> None:
        async with echoing(Listener("127.0.0.1", 0, options=ListenOptions(transports=1))) as location:
            first = await connect(location)
            error = await refused(location)
            assert not error.permanent
            assert "503" in str(error)
            await answers(first)
            async with asyncio.timeout(30):
                while True:
                    try:
                        await answers(await connect(location))
                        break
                    except TransportError:  # the listener has not yet seen the end of the first
                        await asyncio.sleep(0.01)

    run(test())
