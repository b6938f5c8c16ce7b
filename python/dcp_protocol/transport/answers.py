"""What a listener answers over HTTP beside packets, as Engine.IO's server does."""

from __future__ import annotations

from aiohttp import web

UNKNOWN_TRANSPORT = (0, "Transport unknown")
UNKNOWN_SESSION = (1, "Session ID unknown")
BAD_METHOD = (2, "Bad handshake method")
BAD_REQUEST = (3, "Bad request")
UNSUPPORTED_VERSION = (5, "Unsupported protocol version")

CORS = {"Access-Control-Allow-Origin": "*"}
"""Programs in browsers come from any origin; signatures tell who they are."""

_PREFLIGHT = {**CORS, "Access-Control-Allow-Methods": "GET, POST", "Access-Control-Allow-Headers": "*"}


def refusal(reason: tuple[int, str]) -> web.Response:
    code, message = reason
    return web.json_response({"code": code, "message": message}, status=400, headers=CORS)


def full() -> web.Response:
    return web.Response(status=503, text="this service takes no more transports now: try later\n", headers=CORS)


def nothing() -> web.Response:
    return web.Response(status=404, text="there is nothing here\n")


def preflight() -> web.Response:
    return web.Response(status=204, headers=_PREFLIGHT)


def taken() -> web.Response:
    return web.Response(text="ok", content_type="text/html", headers=CORS)


def packets(size: int) -> web.StreamResponse:
    """The head of a body of ``size`` bytes."""
    response = web.StreamResponse(headers={**CORS, "Content-Type": "text/plain; charset=utf-8"})
    response.content_length = size
    return response
