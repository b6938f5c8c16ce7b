"""``fetch`` of work functions: HTTP on behalf of code that nobody here trusts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import aiohttp
from yarl import URL

from dcp_protocol.errors import ProtocolError
from dcp_protocol.proxies import proxy_for
from dcp_protocol.uris import AllowedOrigins, FetchError, ForbiddenOriginError

_PURPOSE: Final = "workerFetch"
_MOST_REDIRECTS: Final = 20
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
_REDIRECTS: Final = (301, 302, 303, 307, 308)
# What the connection says for itself, or says of this machine (fetch.spec.whatwg.org, forbidden request-headers).
_FORBIDDEN: Final = frozenset((
    "te",  # codespell:ignore te
    "accept-charset", "accept-encoding", "access-control-request-headers", "access-control-request-method",
    "connection", "content-length", "cookie", "cookie2", "date", "dnt", "expect", "host", "keep-alive", "origin",
    "referer", "set-cookie", "trailer", "transfer-encoding", "upgrade", "via",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class WorkResponse:
    """``url`` is the last one, after redirects; ``body`` is decompressed."""

    url: str
    status: int
    status_text: str
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass(frozen=True, slots=True)
class WorkFetchLimits:
    """Bytes of a body in each direction, seconds in all, fetches at the same time of all sandboxes."""

    max_bytes: int = 64 << 20
    total_seconds: float = 120.0
    at_once: int = 32


class WorkFetcher:
    """Reaches what is allowed to ``any`` purpose, and nothing else. An asynchronous context manager.

    Without cookies, credentials and caches; each redirect has to be allowed too.
    """

    def __init__(self, origins: AllowedOrigins, limits: WorkFetchLimits | None = None) -> None:
        self._origins = origins
        self._limits = limits or WorkFetchLimits()
        self._gate = asyncio.Semaphore(self._limits.at_once)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), skip_auto_headers=["User-Agent"])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def fetch(
        self, url: str, method: str = "GET", headers: Sequence[tuple[str, str]] = (), body: bytes | None = None
    ) -> WorkResponse:
        """Any status is an answer. Raises ForbiddenOriginError and FetchError."""
        if method.upper() not in _METHODS:
            raise FetchError("this method of HTTP is not for work functions")
        if body and len(body) > self._limits.max_bytes:
            raise FetchError(f"the body has more than {self._limits.max_bytes} bytes")
        sent = [(name, value) for name, value in headers if _may_be_sent(name)]
        try:
            async with self._gate, asyncio.timeout(self._limits.total_seconds):
                return await self._follow(_parse(url), method.upper(), sent, body)
        except TimeoutError:
            raise FetchError(f"no answer came within {self._limits.total_seconds:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchError(f"it cannot be fetched: {type(error).__name__}") from error

    async def _follow(self, url: URL, method: str, headers: list[tuple[str, str]], body: bytes | None) -> WorkResponse:
        assert self._session is not None, "async with WorkFetcher(...)"
        for _ in range(_MOST_REDIRECTS + 1):
            if not self._origins.allows(str(url.origin()), _PURPOSE):
                raise ForbiddenOriginError(f"work functions may not fetch from {url.origin()}")
            async with self._session.request(
                method, url, headers=headers, data=body, allow_redirects=False, proxy=_proxy(url)
            ) as response:
                if response.status not in _REDIRECTS or "location" not in response.headers:
                    return await self._answer(url, response)
                if response.status == 303 or (response.status in (301, 302) and method == "POST"):
                    method, body = ("HEAD" if method == "HEAD" else "GET"), None
                target = _parse(str(url.join(URL(response.headers["location"]))))
            if target.origin() != url.origin():
                headers = [(name, value) for name, value in headers if name.lower() != "authorization"]
            url = target
        raise FetchError(f"more than {_MOST_REDIRECTS} redirects")

    async def _answer(self, url: URL, response: aiohttp.ClientResponse) -> WorkResponse:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > self._limits.max_bytes:
                raise FetchError(f"the answer has more than {self._limits.max_bytes} bytes")
        headers = [(name.lower(), value) for name, value in response.headers.items()]
        return WorkResponse(str(url), response.status, response.reason or "", headers, bytes(body))


def _may_be_sent(name: str) -> bool:
    lower = name.lower()
    return lower not in _FORBIDDEN and not lower.startswith(("proxy-", "sec-"))


def _parse(text: str) -> URL:
    """Without user and password, which aiohttp would send. Raises FetchError."""
    try:
        url = URL(text)
        if url.scheme in ("http", "https") and url.host and not any(ord(c) <= 0x20 or c == "\\" for c in text):
            return url.with_user(None)
    except ValueError:
        pass
    raise FetchError("this is no http or https URL")


def _proxy(url: URL) -> str | None:
    try:
        return proxy_for(str(url))
    except ProtocolError as error:
        raise FetchError(str(error)) from None
