"""Fetching of URIs that is tried again, and leaves servers alone that fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from dcp_protocol.uris import Fetcher, FetchError, Resource

from .backoff import Backoffs
from .content_cache import ContentCache
from .failures import is_transient

_Fetched = TypeVar("_Fetched")
_TRIES: Final = 3
_LONGEST_WAIT: Final = 5.0
"""Seconds for which a fetch waits itself; a server that fails for longer gives slices back."""


class PatientFetcher:
    """``fetcher`` with a memory of failures, and a cache for what is asked for as a text. Closes nothing."""

    def __init__(
        self,
        fetcher: Fetcher,
        cache: ContentCache | None = None,
        backoffs: Backoffs | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._fetcher = fetcher
        self._cache = cache
        self._backoffs = backoffs or Backoffs()
        self._clock = clock
        self._sleep = sleep

    async def fetch(self, uri: str, purpose: str, group: str | None = None) -> Resource:
        """As ``Fetcher.fetch``, three times at most. FetchError also where the server is left alone for now."""
        if uri.startswith("data:"):
            return await self._fetcher.fetch(uri, purpose, group)
        return await self._patiently(uri, lambda: self._fetcher.fetch(uri, purpose, group))

    async def fetch_text(self, uri: str, purpose: str, group: str | None = None) -> str:
        """As ``Fetcher.fetch_text``, from the cache where it came by HTTP before and may be fetched still."""
        self._fetcher.check(uri, purpose, group)
        cache = self._cache if uri.startswith("http") else None
        if cache and (text := await asyncio.to_thread(cache.get, uri)) is not None:
            return text
        text = await self._patiently(uri, lambda: self._fetcher.fetch_text(uri, purpose, group))
        if cache:
            await asyncio.to_thread(cache.put, uri, text)
        return text

    async def _patiently(self, uri: str, attempt: Callable[[], Awaitable[_Fetched]]) -> _Fetched:
        tries_left = _TRIES
        while True:
            await self._wait_for_turn(uri)
            try:
                fetched = await attempt()
            except FetchError as error:
                tries_left -= 1
                self._backoffs.failed(uri, self._clock())
                if not tries_left or not is_transient(error):
                    raise
            else:
                self._backoffs.succeeded(uri)
                return fetched

    async def _wait_for_turn(self, uri: str) -> None:
        wait = self._backoffs.wait(uri, self._clock())
        if wait > _LONGEST_WAIT:
            raise FetchError(f"its server has failed, and is left alone for {wait:.0f} s")
        if wait > 0:
            await self._sleep(wait)
