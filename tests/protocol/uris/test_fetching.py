"""Fetching from a server that does what servers do to one."""

from __future__ import annotations

import asyncio
import gzip
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from dcp_protocol.uris import AllowedOrigins, Fetcher, FetchError, ForbiddenOriginError, Limits, UndecodableError

pytestmark = pytest.mark.any_engine

Scenario = Callable[[Fetcher, str], Awaitable[None]]


async def answer(request: web.Request) -> web.StreamResponse:
    kind = request.match_info["kind"]
    bodies = {
        "json": ("application/json; charset=utf-8", b'{"a": 1}'),
        "text": ("text/plain", "é".encode()),
        "html": ("text/html", b"<p>"),
        "binary": ("image/png", b"\x89PNG\xff"),
        "broken": ("application/json", b"{"),
        "large": ("text/plain", b"x" * 5000),
    }
    if kind in bodies:
        return web.Response(body=bodies[kind][1], headers={"content-type": bodies[kind][0]})
    if kind == "bomb":
        headers = {"content-type": "text/plain", "content-encoding": "gzip"}
        return web.Response(body=gzip.compress(bytes(10_000_000)), headers=headers)
    if kind == "slow":
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b"x")
            await asyncio.sleep(0.1)
        return response
    if kind == "cut":
        response = web.StreamResponse(headers={"content-length": "100"})
        await response.prepare(request)
        await response.write(b"x")
        assert request.transport is not None
        request.transport.abort()
        return response
    if kind == "query":
        return web.Response(text=request.query_string)
    if kind.startswith("status"):
        return web.Response(status=int(kind[6:]), text="what the server says")
    assert kind == "redirect"
    raise web.HTTPFound(request.query["to"])


def run(scenario: Scenario, *, allowed: bool = True, limits: Limits | None = None) -> None:
    async def play() -> None:
        application = web.Application()
        application.router.add_get("/{kind}", answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            async with Fetcher(AllowedOrigins({"fetchData": [url] if allowed else []}), limits) as fetcher:
                await scenario(fetcher, url)
        finally:
            await runner.cleanup()

    asyncio.run(play())


def test_values_come_by_their_type() -> None:
    async def scenario(fetcher: Fetcher, url: str) -> None:
        async def fetched(kind: str) -> tuple[Any, int]:
            found = await fetcher.fetch(f"{url}/{kind}", "fetchData")
            return found.value, found.size

        assert await fetched("json") == ({"a": 1}, 8)
        assert await fetched("text") == ("é", 1)
        assert await fetched("html") == ("<p>", 3)
        assert await fetched("binary") == ("\ufffdPNG\ufffd", 5)
        with pytest.raises(UndecodableError, match="this is no application/json"):
            await fetched("broken")

    run(scenario)


def test_only_allowed_origins_are_asked() -> None:
    async def scenario(fetcher: Fetcher, url: str) -> None:
        with pytest.raises(
            ForbiddenOriginError, match=f"not allowed to fetch from the origin '{url}' for fetchData"
        ) as raised:
            await fetcher.fetch(f"{url}/text", "fetchData")
        assert raised.value.code == "EPERM_ORIGIN"
        assert (await fetcher.fetch("data:,x", "fetchData")).value == "x"

    run(scenario, allowed=False)


@pytest.mark.parametrize("status", [201, 204, 304, 400, 404, 500, 503])
def test_only_the_status_200_counts(status: int) -> None:
    async def scenario(fetcher: Fetcher, url: str) -> None:
        with pytest.raises(FetchError, match=f"status {status} fetching {url}/status{status}") as raised:
            await fetcher.fetch(f"{url}/status{status}?secret=1", "fetchData")
        assert (raised.value.code, raised.value.status) == ("EFETCH", status)
        assert "secret" not in str(raised.value)

    run(scenario)


def test_redirects_are_followed_to_allowed_origins() -> None:
    async def scenario(fetcher: Fetcher, url: str) -> None:
        async def redirected(to: str) -> Any:
            return (await fetcher.fetch(f"{url}/redirect?to={to}", "fetchData")).value

        assert await redirected(f"{url}/text") == "é"
        assert await redirected("text") == "é"
        assert await redirected("query?a=1") == "a=1"
        with pytest.raises(ForbiddenOriginError):
            await redirected("http://localhost:1/")
        with pytest.raises(FetchError, match="there are data:, http:, https: and file: URIs"):
            await redirected("ftp://127.0.0.1/")
        with pytest.raises(FetchError, match="leads to a file"):
            await redirected("file:///etc/passwd")
        with pytest.raises(FetchError, match="more than 20 redirects"):
            await redirected("redirect")

    run(scenario)


@pytest.mark.parametrize("kind", ["large", "bomb"])
def test_what_is_too_large_is_not_read(kind: str) -> None:
    async def scenario(fetcher: Fetcher, url: str) -> None:
        with pytest.raises(FetchError, match="has more than 4000 bytes"):
            await fetcher.fetch(f"{url}/{kind}", "fetchData")

    run(scenario, limits=Limits(max_bytes=4000))


def test_what_is_too_slow_is_given_up() -> None:
    async def scenario(fetcher: Fetcher, url: str) -> None:
        with pytest.raises(FetchError, match=r"did not come within 0\.3 s"):
            await fetcher.fetch(f"{url}/slow", "fetchData")

    run(scenario, limits=Limits(total_seconds=0.3))


def test_lost_servers_are_told() -> None:
    async def scenario(fetcher: Fetcher, url: str) -> None:
        with pytest.raises(FetchError, match="cannot be fetched"):
            await fetcher.fetch(f"{url}/cut", "fetchData")
        async with Fetcher(None) as free:
            with pytest.raises(FetchError, match=r"http://127\.0\.0\.1:1/ cannot be fetched"):
                await free.fetch("http://127.0.0.1:1/", "fetchData")
            with pytest.raises(FetchError) as long:
                await free.fetch(f"http://127.0.0.1:1/{'x' * 10_000}", "fetchData")
            assert len(str(long.value)) < 300

    run(scenario)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "x",
        "//a/b",
        "http:///x",
        "http://a\\@b/",
        "http://a b/",
        "http://a/\n",
        "ftp://a/",
        "file://host/x",
        "http://[::/",
    ],
)
def test_what_is_no_url_is_told(uri: str) -> None:
    async def scenario(fetcher: Fetcher, _: str) -> None:
        with pytest.raises(FetchError):
            await fetcher.fetch(uri, "fetchData")

    run(scenario)


def test_files_are_allowed_by_path(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[1]")
    (tmp_path / "a b.txt").write_text("x")
    os.mkfifo(tmp_path / "pipe")

    async def play() -> None:
        paths = [f"{tmp_path}/{name}" for name in ("a.json", "a%20b.txt", "pipe", "none")]
        async with Fetcher(AllowedOrigins({"any": paths})) as fetcher:
            assert (await fetcher.fetch(f"file://{paths[0]}", "fetchData")).value == [1]
            assert (await fetcher.fetch(f"file://{paths[1]}", "fetchData")).value == "x"
            with pytest.raises(FetchError, match="no regular file"):
                await fetcher.fetch(f"file://{paths[2]}", "fetchData")
            with pytest.raises(FetchError, match="cannot be read"):
                await fetcher.fetch(f"file://{paths[3]}", "fetchData")
            with pytest.raises(ForbiddenOriginError, match="not allowed to fetch from the file path"):
                await fetcher.fetch("file:///etc/passwd", "fetchData")

    asyncio.run(play())


def test_proxies_of_the_environment_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(fetcher: Fetcher, url: str) -> None:
        monkeypatch.setenv("http_proxy", url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        async with Fetcher(None) as free:
            # The server is no proxy: it answers 404 to a path that it does not know.
            with pytest.raises(FetchError) as raised:
                await free.fetch("http://nowhere.invalid/a/b", "fetchData")
            assert raised.value.status == 404
            assert (await free.fetch(f"{url}/text", "fetchData")).value == "é"
            monkeypatch.setenv("http_proxy", "socks5://127.0.0.1")
            with pytest.raises(FetchError, match="http_proxy names no proxy"):
                await free.fetch("http://nowhere.invalid/", "fetchData")

    run(scenario)
