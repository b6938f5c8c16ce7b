"""What work functions fetch: allowed origins only, without this machine's secrets, within bounds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from web_server import WebServer, run

from dcp_protocol.uris import AllowedOrigins, FetchError, ForbiddenOriginError
from dcp_worker.fetching.work_fetcher import WorkFetcher, WorkFetchLimits

pytestmark = pytest.mark.any_engine


def work(
    scenario: Callable[[WorkFetcher, WebServer], Awaitable[None]],
    purpose: str = "any",
    limits: WorkFetchLimits | None = None,
) -> None:
    async def play(server: WebServer) -> None:
        async with WorkFetcher(AllowedOrigins({purpose: [server.url]}), limits) as fetcher:
            await scenario(fetcher, server)

    run(play, {"/a": "answer"})


def test_an_answer() -> None:
    async def scenario(fetcher: WorkFetcher, server: WebServer) -> None:
        response = await fetcher.fetch(f"{server.url}/a", "post", [("X-Mine", "1"), ("Cookie", "c")], b"body")
        assert (response.url, response.status, response.status_text) == (f"{server.url}/a", 200, "OK")
        assert (response.body, dict(response.headers)["content-type"]) == (b"answer", "text/plain")
        ((method, headers, body),) = server.requests
        assert (method, headers["X-Mine"], body) == ("POST", "1", b"body")
        assert not {"Cookie", "User-Agent"} & headers.keys()
        assert (await fetcher.fetch(f"{server.url}/none")).status == 404

    work(scenario)


def test_origins_that_are_for_other_purposes_are_not_for_this() -> None:
    async def scenario(fetcher: WorkFetcher, server: WebServer) -> None:
        with pytest.raises(ForbiddenOriginError):
            await fetcher.fetch(f"{server.url}/a")
        assert not server.asked

    work(scenario, "fetchData")


def test_redirects_lead_to_allowed_origins_only() -> None:
    async def scenario(fetcher: WorkFetcher, server: WebServer) -> None:
        assert (await fetcher.fetch(f"{server.url}/redirect?to=/a", "POST", [], b"x")).url == f"{server.url}/a"
        assert [(method, body) for method, _, body in server.requests] == [("POST", b"x"), ("GET", b"")]
        for target in ("http://127.0.0.1:1/", "file:///etc/passwd"):
            with pytest.raises((ForbiddenOriginError, FetchError)):
                await fetcher.fetch(f"{server.url}/redirect?to={target}")
        with pytest.raises(FetchError, match="redirects"):
            await fetcher.fetch(f"{server.url}/loop")

    work(scenario)


@pytest.mark.parametrize(
    ("url", "method"),
    [("file:///etc/passwd", "GET"), ("data:,a", "GET"), ("http://", "GET"), ("http://a b/", "GET"), ("{}/a", "CONNECT"),
     ("{}/a", "GET\r\nX: y")],
)  # fmt: skip
def test_what_is_no_fetch(url: str, method: str) -> None:
    async def scenario(fetcher: WorkFetcher, server: WebServer) -> None:
        with pytest.raises(FetchError):
            await fetcher.fetch(url.format(server.url), method)
        assert not server.asked

    work(scenario)


def test_headers_break_no_lines() -> None:
    async def scenario(fetcher: WorkFetcher, server: WebServer) -> None:
        with pytest.raises(FetchError):
            await fetcher.fetch(f"{server.url}/a", "GET", [("a", "b\r\nHost: c")])

    work(scenario)


def test_bounds() -> None:
    async def scenario(fetcher: WorkFetcher, server: WebServer) -> None:
        with pytest.raises(FetchError, match="answer has more"):
            await fetcher.fetch(f"{server.url}/a")
        with pytest.raises(FetchError, match="body has more"):
            await fetcher.fetch(f"{server.url}/a", "POST", [], b"123456")

    work(scenario, limits=WorkFetchLimits(max_bytes=5))


def test_nobody_there() -> None:
    async def scenario(fetcher: WorkFetcher, server: WebServer) -> None:
        with pytest.raises(FetchError, match="cannot be fetched"):
            await fetcher.fetch("http://127.0.0.1:1/")

    async def play(server: WebServer) -> None:
        async with WorkFetcher(AllowedOrigins({"any": ["http://127.0.0.1:1"]})) as fetcher:
            await scenario(fetcher, server)

    run(play)
