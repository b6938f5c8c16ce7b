"""A server of a user's own, from where jobs fetch data and to where they bring results."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Pages:
    """``N.json`` is N times 10. ``posted``: forms that came to ``results``."""

    location: str = ""
    posted: list[dict[str, str]] = field(default_factory=list)

    async def number(self, request: web.Request) -> web.Response:
        return web.json_response(10 * int(request.match_info["number"]))

    async def work(self, _: web.Request) -> web.Response:
        return web.Response(text="(x, plus) => { progress(); return x + plus; }", content_type="text/javascript")

    async def take(self, request: web.Request) -> web.Response:
        form: dict[str, Any] = dict(await request.post())
        self.posted.append({name: str(value) for name, value in form.items()})
        return web.json_response({"href": f"{self.location}{form['element']}.json"})


@asynccontextmanager
async def pages() -> AsyncIterator[Pages]:
    served = Pages()
    app = web.Application()
    app.add_routes([web.get(r"/{number:\d+}.json", served.number), web.get("/work.js", served.work)])
    app.add_routes([web.post("/results", served.take)])
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        served.location = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        yield served
    finally:
        await runner.cleanup()
