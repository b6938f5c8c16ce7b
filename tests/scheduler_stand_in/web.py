"""The pages of the stand-in: its configuration, data, modules, and what workers upload."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web


@dataclass
class Page:
    body: bytes = b""
    content_type: str = "text/plain"
    status: int = 200
    failures: int = 0
    """How many requests are answered with 500 before this."""
    delay: float = 0.0
    asked: int = 0


class Web:
    """``async with Web() as pages: pages.put("/data/1", "1", "application/json")``; ``pages.location`` ends in a slash.

    POST requests are kept in ``uploads`` and answered with ``upload_answer``.
    """

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.uploads: list[dict[str, Any]] = []
        self.upload_answer = Page(b"stored", "text/plain")
        self.location = ""

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._serve, access_log=None), shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.location = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def origin(self) -> str:
        return self.location.rstrip("/")

    def put(self, path: str, body: str | bytes, content_type: str = "text/plain", **more: Any) -> str:
        """The URL."""
        given = body.encode() if isinstance(body, str) else body
        self.pages[path] = Page(given, content_type, **more)
        return self.origin + path

    async def _serve(self, request: web.BaseRequest) -> web.Response:
        if request.method == "POST":
            fields = dict(await request.post())
            self.uploads.append({"path": request.path, **fields})
            return _response(self.upload_answer)
        page = self.pages.get(request.path)
        if page is None:
            return web.Response(status=404, text="there is nothing here")
        page.asked += 1
        await asyncio.sleep(page.delay)
        if page.asked <= page.failures:
            return web.Response(status=500, text="not now")
        return _response(page)


def _response(page: Page) -> web.Response:
    return web.Response(body=page.body, status=page.status, headers={"Content-Type": page.content_type})
