"""Puts a scheduler on the network: its configuration over HTTP, its services by DCP's protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from dcp_protocol import IncomingRequest, Target
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.kvin import Constructed, serialize

from .scheduler import Scheduler

_HOST = "127.0.0.1"
_SERVICES = ("taskDistributor", "resultSubmitter", "eventRouter")


@asynccontextmanager
async def serving(scheduler: Scheduler, key: PrivateKey, dialect: int) -> AsyncIterator[str]:
    """Gives the location for ``--dcp-scheduler``. Both dialects are served; ``dialect`` is the one that is told.

    Raises OSError where it cannot listen.
    """

    async def answer(request: IncomingRequest) -> object:
        reply: object = scheduler.answer(request.operation, request.data)
        return reply

    async with Target(f"http://{_HOST}:0/dcp/", key, answer) as target:
        pages: dict[str, bytes] = {}
        runner = web.ServerRunner(web.Server(_page_of(pages), access_log=None), shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, _HOST, 0).start()
            location = f"http://{_HOST}:{runner.addresses[0][1]}/"
            pages["/etc/dcp-config.kvin"] = _configuration(location, target.location, dialect)
            yield location
        finally:
            await runner.cleanup()


def _page_of(pages: dict[str, bytes]) -> Any:
    async def page(request: web.BaseRequest) -> web.Response:
        body = pages.get(request.path)
        return web.Response(status=404) if body is None else web.Response(body=body, content_type="application/x-kvin")

    return page


def _configuration(location: str, services: str, dialect: int) -> bytes:
    def service(url: str) -> dict[str, Any]:
        return {"location": Constructed("dcpUrl$$DcpURL", (url,))}

    scheduler: dict[str, Any] = {
        **service(location),
        "services": {name: service(services) for name in _SERVICES},
        "compatibility": {"minimum": {"dcp": "^5.0.0"}},
        "worker": {"types": [f"v{dialect}"], "operations": "1.0.0"},
    }
    bank = {**service(location), "services": {"bankTeller": service(services)}}
    return serialize({"scheduler": scheduler, "packageManager": service(services), "bank": bank}, 8)
