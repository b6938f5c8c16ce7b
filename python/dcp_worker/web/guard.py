"""Stands before the page: lets in whom ``Access`` lets in, and asks others for the token."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

from .access import Access, Refusal, Request
from .neighbours import Address, is_own

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

_COOKIE: Final = "dcp-worker-token"
_FORM_PATH: Final = "/token"
_LONGEST_FORM: Final = 4096
_YEAR: Final = 366 * 24 * 3600
_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # Vue compiles its templates in the browser
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Final = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # with less a browser does not say of which origin the form is
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_FORM: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>dcp-worker</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 15vh auto 0; padding: 0 1rem }}
input, button {{ font: inherit; width: 100%; padding: .6rem; margin: .3rem 0; box-sizing: border-box }}</style></head>
<body><main><h1>dcp-worker</h1><p>{message}</p>
<form method="post" action="{path}"><label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Show the worker</button></form>
<p>On the worker's machine, <code>dcp-worker web --show-token</code> shows it.</p></main></body></html>"""


class Guard:
    """An ASGI application before another."""

    def __init__(self, app: Asgi, access: Access, is_own: Callable[[Address, Address], bool] = is_own) -> None:
        """``is_own``: whether a program of this user is at the other end, from the addresses of both ends."""
        self.app = app
        self._access = access
        self._is_own = is_own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request = self._request(scope)
        refusal = self._access.foreign(request)
        if refusal is None and not request.is_websocket and await self._take_token(scope, request, receive, send):
            return
        refusal = refusal or self._access.refusal(request)
        if refusal is None:
            await self.app(scope, receive, _hardened(send))
        elif request.is_websocket:
            await _reject(receive, send, refusal)
        else:
            await _answer(send, refusal.status, _page(refusal))

    def _request(self, scope: Scope) -> Request:
        headers: dict[bytes, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.lower(), []).append(value.decode("latin-1"))

        def one(name: bytes) -> str | None:
            return ", ".join(headers[name]) if name in headers else None

        client, server = scope.get("client"), scope.get("server")
        return Request(
            path=scope["path"],
            method=scope.get("method", "GET"),
            is_websocket=scope["type"] == "websocket",
            hosts=tuple(headers.get(b"host", ())),
            origin=one(b"origin"),
            site=one(b"sec-fetch-site"),
            mode=one(b"sec-fetch-mode"),
            token=_cookie(one(b"cookie") or ""),
            is_owner=bool(client and server and self._is_own(tuple(client), tuple(server))),
        )

    async def _take_token(self, scope: Scope, request: Request, receive: Receive, send: Send) -> bool:
        """Of the form, or of a link ``/?token=...``. Whether the request is answered."""
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if request.path == _FORM_PATH and request.method == "POST":
            given = parse_qs(await _body(receive)).get("token", [""])[0]
        elif request.path == "/" and request.method == "GET" and "token" in query:
            given = query.pop("token")[0]
        else:
            return False
        if not self._access.knows(given.strip()):
            await _answer(send, 401, _form("This token is not the right one."))
            return True
        rest = urlencode(query, doseq=True)
        cookie = f"{_COOKIE}={given.strip()}; Max-Age={_YEAR}; Path=/; HttpOnly; SameSite=Strict"
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        location = scope.get("root_path", "") + "/" + (f"?{rest}" if rest else "")
        await _answer(
            send, 303, "", (b"location", location.encode()), (b"set-cookie", f"{cookie}{secure}".encode("latin-1"))
        )
        return True


def _cookie(text: str) -> str | None:
    try:
        cookie = SimpleCookie(text).get(_COOKIE)
    except CookieError:
        return None
    return cookie.value if cookie else None


def _page(refusal: Refusal) -> str:
    if refusal.status == 401:
        return _form("This page belongs to somebody. Its token opens it.")
    return f"<!doctype html><title>dcp-worker</title><p>Refused: {html.escape(refusal.reason)}."


def _form(message: str) -> str:
    return _FORM.format(message=html.escape(message), path=_FORM_PATH)


async def _body(receive: Receive) -> str:
    """Cut where it is longer than a form is."""
    body = b""
    while len(body) < _LONGEST_FORM:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body"):
            break
    return body[:_LONGEST_FORM].decode("utf-8", "replace")


async def _answer(send: Send, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
    body = text.encode()
    first = ((b"content-type", b"text/html; charset=utf-8"), (b"content-length", b"%d" % len(body)))
    lines = [*first, (b"cache-control", b"no-store"), (b"connection", b"close"), *_HEADERS, *headers]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


async def _reject(receive: Receive, send: Send, refusal: Refusal) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1008, "reason": refusal.reason})


def _hardened(send: Send) -> Send:
    async def hardened(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_HEADERS]
        await send(message)

    return hardened
