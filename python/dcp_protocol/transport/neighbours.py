"""Connections that come from one place: no place has so many that others find none."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable


class Neighbours:
    """``most``: connections from a place at a time. ``place``: of an address; None for one that is not counted."""

    def __init__(self, most: int, place: Callable[[str], str | None]) -> None:
        self._most = most
        self._place = place
        self._there: Counter[str] = Counter()

    def protocol(self, inner: asyncio.Protocol) -> asyncio.Protocol:
        """``inner``, where the place of its connection has room for it; what comes from another is closed at once."""
        return _Counted(self, inner)

    def come(self, address: str) -> tuple[bool, str | None]:
        """Whether there is room, and which place is counted then: tell of it with ``go``."""
        place = self._place(address)
        if place is None:
            return True, None
        if self._there[place] >= self._most:
            return False, None
        self._there[place] += 1
        return True, place

    def go(self, place: str | None) -> None:
        if place is None:
            return
        self._there[place] -= 1
        if not self._there[place]:
            del self._there[place]


class _Counted(asyncio.Protocol):
    def __init__(self, neighbours: Neighbours, inner: asyncio.Protocol) -> None:
        self._neighbours = neighbours
        self._inner = inner
        self._may = False
        self._counted: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        address = (transport.get_extra_info("peername") or ("",))[0]
        self._may, self._counted = self._neighbours.come(address)
        if self._may:
            self._inner.connection_made(transport)
        else:
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._neighbours.go(self._counted)
        if self._may:
            self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._may:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._may else None

    def pause_writing(self) -> None:
        if self._may:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._may:
            self._inner.resume_writing()
