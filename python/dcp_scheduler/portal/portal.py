"""The portal's answers to browsers. It has no sessions: each request is signed by the key of the account that asks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from aiohttp import web

from dcp_protocol import canonical_json
from dcp_protocol.errors import ProtocolError

from ..errors import RefusedError
from ..services.door import Door, Visit
from ..services.network import Ask, Network
from ..services.services import Services
from .operations import ORDERS, operations
from .signed import LARGEST_REQUEST, open_request
from .site import HEADERS, PATH, Site
from .stamps import SpentStamps

_LOG = logging.getLogger(__name__)
_ASK = "ask"
_NETWORK = "network"
_BODY_SECONDS = 20.0
_HEADERS = {**HEADERS, "Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; sandbox"}


class Portal:
    """``connected``: how many sessions each identity has with this process."""

    def __init__(
        self, network: Network, services: Services, door: Door, connected: Callable[[], Mapping[str, int]]
    ) -> None:
        self._network = network
        self._door = door
        self._operations = operations(services.answer_to, connected)
        self._site = Site()
        self._stamps = SpentStamps(network.database)

    async def page(self, request: web.BaseRequest) -> web.StreamResponse | None:
        """None where the request is for something else."""
        if request.path == PATH.removesuffix("/") or _is_person_at_root(request):
            return web.Response(status=302, headers={**_HEADERS, "Location": PATH})
        if not request.path.startswith(PATH):
            return None
        name = request.path.removeprefix(PATH)
        if name == _NETWORK and request.method == "GET":
            return await _json({"location": self._network.location(), "now": time.time()})
        if name == _ASK:
            return await self._answered(request)
        return self._site.page(request)

    async def _answered(self, request: web.BaseRequest) -> web.Response:
        try:
            reply = await self._ask(await _body(request))
        except ProtocolError as error:
            status = {"EBUSY": 429, "EDQUOT": 429, "E2BIG": 413}.get(error.code, 400)
            return await _json({"error": {"code": error.code, "message": str(error)}}, status)
        return await _json({"payload": reply})

    async def _ask(self, text: bytes) -> object:
        """Raises ProtocolError."""
        signed = await asyncio.to_thread(open_request, text, f"{self._network.location()}{PATH[1:]}{_ASK}")
        handler = self._operations.get(signed.operation)
        if handler is None:
            raise RefusedError("ENOSYS", f"the portal has no operation {signed.operation!r:.80}")
        self._stamps.spend_here(signed)
        ask = Ask(self._network, signed.operation, signed.data, signed.peer, "", signed.size)

        async def answer() -> object:
            if signed.operation in ORDERS:
                await self._stamps.spend_everywhere(signed)
                _LOG.info("%s, from the portal, of %s", signed.operation, signed.peer)
            reply: object = await handler(ask)
            return reply

        return await self._door.let_in(Visit(signed.operation, signed.peer, "", signed.size), answer)


def _is_person_at_root(request: web.BaseRequest) -> bool:
    return request.path == "/" and request.method == "GET" and "text/html" in request.headers.get("Accept", "")


async def _body(request: web.BaseRequest) -> bytes:
    """Raises RefusedError."""
    if request.method != "POST":
        raise RefusedError("EINVAL", "what is asked is the body of a POST")
    if request.content_length is None or request.content_length > LARGEST_REQUEST:
        raise RefusedError("E2BIG", f"a request has at most {LARGEST_REQUEST} bytes, and tells how many")
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        raise RefusedError("ETIMEDOUT", "the request did not come to its end") from None


async def _json(reply: object, status: int = 200) -> web.Response:
    text = await asyncio.to_thread(canonical_json.encode, reply)
    return web.Response(body=text, status=status, content_type="application/json", headers=_HEADERS)
