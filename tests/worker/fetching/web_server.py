"""A web server of the tests that counts what it is asked for."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from dcp_protocol.uris import AllowedOrigins, Fetcher
from dcp_worker.fetching.backoff import Backoffs
from dcp_worker.fetching.content_cache import ContentCache
from dcp_worker.fetching.patient import PatientFetcher


@dataclass
class WebServer:
    """``bodies``: text and media type by path; ``failures``: statuses that a path answers with before."""

    url: str = ""
    bodies: dict[str, tuple[str, str]] = field(default_factory=dict)
    failures: dict[str, list[int]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    hold: asyncio.Event | None = None
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked[request.path] += 1
        self.requests.append((request.method, dict(request.headers), await request.read()))
        if self.hold:
            await self.hold.wait()
        if left := self.failures.get(request.path):
            return web.Response(status=left.pop(0))
        if request.path == "/loop":
            raise web.HTTPFound("/loop")
        if request.path == "/redirect":
            raise web.HTTPFound(request.query["to"])
        if request.path not in self.bodies:
            return web.Response(status=404)
        text, media_type = self.bodies[request.path]
        return web.Response(body=text.encode(), headers={"content-type": media_type})


@dataclass
class Clock:
    """Time that passes when somebody sleeps."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


async def serve(scenario: Callable[[WebServer], Awaitable[None]], server: WebServer) -> None:
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", server.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        await scenario(server)
    finally:
        await runner.cleanup()


def run(scenario: Callable[[WebServer], Awaitable[None]], bodies: dict[str, Any] | None = None) -> None:
    """``bodies``: texts, or pairs of text and media type, by path."""
    typed = {path: (body, "text/plain") if isinstance(body, str) else body for path, body in (bodies or {}).items()}
    asyncio.run(serve(scenario, WebServer(bodies=typed)))


def patient(fetcher: Fetcher, clock: Clock | None = None, cache: ContentCache | None = None) -> PatientFetcher:
    clock = clock or Clock()
    return PatientFetcher(fetcher, cache, Backoffs(lambda: 0.5), clock=clock, sleep=clock.sleep)


def allowing(url: str) -> AllowedOrigins:
    purposes = ("fetchWorkFunctions", "fetchArguments", "fetchData", "sendResults")
    return AllowedOrigins({purpose: [url] for purpose in purposes})
