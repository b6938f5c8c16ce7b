"""Fetching what URIs name."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import unquote

import aiohttp
from yarl import URL

from ..errors import ProtocolError
from ..proxies import proxy_for
from .data_uri import decode_data_uri
from .failures import FetchError, ForbiddenOriginError
from .media_type import MediaType
from .origins import AllowedOrigins
from .resource import Resource, deserialize, utf16_length

_REDIRECTS: Final = (301, 302, 303, 307, 308)
_MOST_REDIRECTS: Final = 20
_LARGE: Final = 1 << 20
_SHOWN: Final = 100  # characters of a URI in a message
_FILE_TYPES: Final = {".kvin": "application/x-kvin", ".json": "application/json"}


@dataclass(frozen=True)
class Limits:
    """What one fetch may take: bytes after decompression, seconds until a connection, seconds in all."""

    max_bytes: int = 1 << 28
    connect_seconds: float = 60.0
    total_seconds: float = 600.0


class Fetcher:
    """Fetches from allowed origins, through the proxies of the environment (``HTTPS_PROXY``, ``NO_PROXY`` ...).

    ``origins`` None allows all. An asynchronous context manager, which holds the connections::

        async with Fetcher(AllowedOrigins({"fetchData": ["https://example.com"]})) as fetcher:
            resource = await fetcher.fetch("https://example.com/1.json", "fetchData")
    """

    def __init__(self, origins: AllowedOrigins | None, limits: Limits | None = None) -> None:
        self._origins = origins
        self._limits = limits or Limits()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=None, connect=self._limits.connect_seconds)
        self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def fetch(self, uri: str, purpose: str, group: str | None = None) -> Resource:
        """What the URI names, decoded (``fetchURIAndLength`` in ``utils/fetch-uri.js``).

        ``purpose`` is one of PURPOSES or another word, ``group`` the id of a compute group. ``data:`` needs no allowed
        origin. Of ``http:`` and ``https:`` only the status 200 counts; redirects are followed, to allowed origins
        (which dcp-client does not check), 20 times at most. Of ``file:`` the path must be allowed.

        Raises ForbiddenOriginError, FetchError, and UndecodableError.
        """
        if uri.startswith("data:"):
            return await _apart(decode_data_uri, uri, size=len(uri))
        body, media_type = await self._fetch(_parse(uri), purpose, group)
        return await _apart(_resource, body, media_type, size=len(body))

    async def fetch_text(self, uri: str, purpose: str, group: str | None = None) -> str:
        """The text at an ``http:``, ``https:`` or ``file:`` URL, whatever its media type is (``reallyJustFetch``).

        Raises ForbiddenOriginError and FetchError.
        """
        body, _ = await self._fetch(_parse(uri), purpose, group)
        return body.decode("utf-8", "replace")

    def check(self, uri: str, purpose: str, group: str | None = None) -> None:
        """Raises ForbiddenOriginError, or FetchError for what is no URL; ``data:`` may always be had."""
        if uri.startswith("data:"):
            return
        url = _parse(uri)
        if url.scheme == "file":
            self._check(url.raw_path, purpose, group, f"the file path {url.raw_path!r}")
        else:
            self._check(str(url.origin()), purpose, group, f"the origin {str(url.origin())!r}")

    async def _fetch(self, url: URL, purpose: str, group: str | None) -> tuple[bytearray, MediaType]:
        try:
            async with asyncio.timeout(self._limits.total_seconds):
                get = self._read if url.scheme == "file" else self._get
                return await get(url, purpose, group)
        except TimeoutError:
            raise FetchError(f"{_named(url)} did not come within {self._limits.total_seconds:g} s") from None

    async def _get(self, url: URL, purpose: str, group: str | None) -> tuple[bytearray, MediaType]:
        assert self._session is not None, "async with Fetcher(...)"
        query = url.raw_query_string
        for _ in range(_MOST_REDIRECTS + 1):
            self._check(str(url.origin()), purpose, group, f"the origin {str(url.origin())!r}")
            try:
                async with self._session.get(url, allow_redirects=False, proxy=_proxy(url)) as response:
                    if response.status in _REDIRECTS and "location" in response.headers:
                        target = _redirected(url, response.headers["location"])
                        url = target if target.raw_query_string else target.with_query(query or None)
                        continue
                    if response.status != 200:
                        raise FetchError(f"status {response.status} fetching {_named(url)}", response.status)
                    return await self._body(response, url), MediaType.parse(response.headers.get("content-type", ""))
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise FetchError(f"{_named(url)} cannot be fetched: {error}") from error
        raise FetchError(f"more than {_MOST_REDIRECTS} redirects, the last to {_named(url)}")

    async def _body(self, response: aiohttp.ClientResponse, url: URL) -> bytearray:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > self._limits.max_bytes:
                raise FetchError(f"{_named(url)} has more than {self._limits.max_bytes} bytes")
        return body

    async def _read(self, url: URL, purpose: str, group: str | None) -> tuple[bytearray, MediaType]:
        self._check(url.raw_path, purpose, group, f"the file path {url.raw_path!r}")
        path = Path(unquote(url.raw_path))
        try:
            body = await asyncio.to_thread(_file, path, self._limits.max_bytes)
        except (OSError, ValueError) as error:
            raise FetchError(f"{_named(url)} cannot be read: {error}") from error
        return body, MediaType(_FILE_TYPES.get(path.suffix, "text/plain"))

    def _check(self, origin: str, purpose: str, group: str | None, name: str) -> None:
        if self._origins is not None and not self._origins.allows(origin, purpose, group):
            raise ForbiddenOriginError(f"not allowed to fetch from {name} for {purpose}: add it to the allowed origins")


def _parse(uri: str) -> URL:
    """One reading of a URL for the check and for the fetch: none that two programs may read otherwise."""
    if "\\" in uri or any(ord(character) <= 0x20 for character in uri):
        raise FetchError(f"this is no URL: {uri[:_SHOWN]!r} has a backslash, a space or a control character")
    try:
        url = URL(uri)
    except ValueError as error:
        raise FetchError(f"this is no URL: {uri[:_SHOWN]!r}: {error}") from error
    if not ((url.scheme in ("http", "https") and url.host) or (url.scheme == "file" and not url.host)):
        raise FetchError(f"{uri[:_SHOWN]!r} cannot be fetched: there are data:, http:, https: and file: URIs")
    return url


def _redirected(url: URL, location: str) -> URL:
    target = _parse(location if ":" in location else str(url.join(URL(location))))
    if target.scheme == "file":
        raise FetchError(f"{_named(url)} leads to a file")
    return target


def _named(url: URL) -> str:
    """Without user, password and query, which may be secrets; of a long one the beginning."""
    return str(url.with_user(None).with_query(None) if url.host else url)[:_SHOWN]


def _proxy(url: URL) -> str | None:
    try:
        return proxy_for(str(url))
    except ProtocolError as error:
        raise FetchError(str(error)) from None


def _file(path: Path, max_bytes: int) -> bytearray:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no regular file")
        body = bytearray(file.read(max_bytes + 1))
    if len(body) > max_bytes:
        raise ValueError(f"it has more than {max_bytes} bytes")
    return body


def _resource(body: bytearray, media_type: MediaType) -> Resource:
    text = body.decode("utf-8", "replace")
    return Resource(deserialize(text, media_type), media_type, utf16_length(text))


async def _apart(work: Callable[..., Resource], *arguments: object, size: int) -> Resource:
    """Large texts are decoded in a thread, so that the event loop goes on."""
    return await asyncio.to_thread(work, *arguments) if size > _LARGE else work(*arguments)
