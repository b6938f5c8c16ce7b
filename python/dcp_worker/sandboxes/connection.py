"""The connection of a sandbox on asyncio: bytes to lines, at a pace that this program can bear."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from dcp_evaluator.errors import reason_of

from ..errors import SandboxEndedError
from .background import Background
from .channels import Channel
from .dialogue import Dialogue
from .limits import Limits
from .meter import Arrival, arrival
from .pacing import Pacing
from .wire import LineSplitter, RuleBrokenError

LARGE = 1 << 18
"""Bytes of a line, or units of a datum, that take a millisecond and more: they are read and made on other threads."""


class Connection(asyncio.Protocol):
    """Gives a dialogue its lines, and calls ``heard`` after them.

    ``heard`` gets when and where a line came that was long to be read. ``lost`` hears why the connection has ended.
    ``pacing``: of what comes.
    """

    def __init__(
        self,
        channel: Channel,
        dialogue: Dialogue,
        background: Background,
        limits: Limits,
        heard: Callable[[Arrival | None], None],
        lost: Callable[[str], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.pacing = Pacing(limits, self._loop.time())
        self._channel = channel
        self._dialogue = dialogue
        self._background = background
        self._heard = heard
        self._lost = lost
        self._most_unread = limits.unread
        self._lines = LineSplitter(limits.line)
        self._transport: asyncio.Transport | None = None
        self._holds = 0

    async def open(self) -> None:
        """Raises SandboxEndedError."""
        try:
            await self._loop.create_connection(lambda: self, sock=self._channel.socket)
        except OSError as error:
            raise SandboxEndedError(f"the connection of a sandbox cannot be used: {reason_of(error)}") from None

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    def write(self, pieces: Sequence[bytes]) -> bool:
        """False where the other end has not read what it was sent before."""
        if self._transport is None:
            return True
        if self._transport.get_write_buffer_size() > self._most_unread:
            return False
        for piece in pieces:
            self._transport.write(piece)
        return True

    def close(self) -> None:
        """At once: for a sandbox in an endless loop that is the end."""
        if self._transport is not None:
            self._transport.abort()
        else:
            self._channel.socket.close()

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        now = self._loop.time()
        try:
            lines = self._lines.feed(data)
        except RuleBrokenError as error:
            self._dialogue.take(error, now)
            self._heard(None)
            return
        if pause := self.pacing.pause(len(lines), now):
            self._hold()
            self._loop.call_later(pause, self._release)
        if lines and len(lines[0]) > LARGE:  # those behind it are parts of what has come now
            self._hold()
            self._background.run(self._read(lines[0], lines[1:]))
        else:
            self._receive(lines, now)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._lost(reason_of(exc) if isinstance(exc, OSError) else "its connection was closed")

    def _receive(self, lines: Sequence[bytes], now: float) -> None:
        for line in lines:
            self._dialogue.receive(line, now)
        self._heard(None)

    # --- Pauses ---

    async def _read(self, line: bytes, rest: Sequence[bytes]) -> None:
        """Other sandboxes are heard while it is read; this one waits."""
        try:
            came = arrival(self._channel.pid)
            self._dialogue.take(await asyncio.to_thread(self._dialogue.read, line), self._loop.time())
            self._heard(came)
            self._receive(rest, self._loop.time())
        finally:
            self._release()

    def _hold(self) -> None:
        """Reads no more until ``_release``: a sandbox that writes on waits as well."""
        self._holds += 1
        if self._transport is not None:
            self._transport.pause_reading()

    def _release(self) -> None:
        self._holds -= 1
        if not self._holds and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
