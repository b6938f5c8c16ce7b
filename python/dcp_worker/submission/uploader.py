"""Results that go to storage of their job's owner."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
from yarl import URL

from dcp_protocol.errors import ProtocolError
from dcp_protocol.proxies import proxy_for
from dcp_protocol.uris import AllowedOrigins, UndecodableError
from dcp_protocol.uris.media_type import MediaType
from dcp_protocol.uris.resource import deserialize

from ..errors import WorkerError
from .bodies import Upload

_PURPOSE: Final = "sendResults"
_LARGEST_ANSWER: Final = 1 << 20


class UploadError(WorkerError):
    """``code``: ``EPERM_ORIGIN``, ``HTTP_`` and a status, or ``EUPLOAD``. ``is_final``: trying again is of no use."""

    def __init__(self, code: str, message: str, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.is_final = is_final


class Uploader:
    """Posts forms to origins that are allowed for ``sendResults``. An asynchronous context manager."""

    def __init__(self, origins: AllowedOrigins, seconds: float = 600.0) -> None:
        self._origins = origins
        self._seconds = seconds
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def upload(self, upload: Upload) -> Any:
        """What the storage answers, decoded by its type. Redirects are not followed: no origin but the one given."""
        assert self._session is not None, "async with Uploader(...)"
        url = self._allowed(upload)
        headers = {"content-type": "application/x-www-form-urlencoded"}
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._session.post(
                    url, data=upload.form, headers=headers, allow_redirects=False, proxy=proxy_for(str(url))
                ) as response,
            ):
                if not 200 <= response.status < 300:
                    is_final = 300 <= response.status < 500 and response.status not in (408, 425, 429)
                    message = f"the storage of results answers with status {response.status}"
                    raise UploadError(f"HTTP_{response.status}", message, is_final=is_final)
                body = await _answer(response)
                media_type = MediaType.parse(response.headers.get("content-type", ""))
        except TimeoutError:
            raise UploadError("EUPLOAD", f"no answer from the storage of results in {self._seconds:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError, ProtocolError) as error:
            raise UploadError("EUPLOAD", f"the storage of results cannot be reached: {type(error).__name__}") from error
        try:
            return deserialize(body.decode("utf-8", "replace"), media_type)
        except UndecodableError as error:
            raise UploadError("EUPLOAD", "the answer of the storage of results cannot be read") from error

    def _allowed(self, upload: Upload) -> URL:
        try:
            url = URL(upload.url)
            if url.scheme not in ("http", "https") or not url.host:
                raise ValueError
        except ValueError:
            raise UploadError("EUPLOAD", "results cannot be stored at what is no URL", is_final=True) from None
        origin = str(url.origin())
        if not self._origins.allows(origin, _PURPOSE, upload.group or None):
            message = f"results may not be sent to {origin[:100]}: add it to the allowed origins for {_PURPOSE}"
            raise UploadError("EPERM_ORIGIN", message, is_final=True)
        return url


async def _answer(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _LARGEST_ANSWER:
            raise UploadError("EUPLOAD", f"the storage of results answers with more than {_LARGEST_ANSWER} bytes")
    return bytes(body)
