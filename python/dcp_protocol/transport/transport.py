"""A transport for asyncio: texts to and from one peer, whatever carries its packets."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import Protocol

from .failures import TransportError
from .inbox import Message
from .machine import Lost, Machine, Opened

_CLOSE_SECONDS = 7.0
_WAITING_TO_BE_SENT = 1 << 20
_WAITING_TO_BE_READ = 1 << 20
_LARGE = 1 << 20
"""Bytes; a message of more is joined in another thread."""


class Carrier(Protocol):
    """What brings packets to the peer and back. Both methods end, or raise TransportError, when it is at its end."""

    async def read(self, transport: Transport) -> None: ...

    async def write(self, transport: Transport) -> None: ...

    async def close(self) -> None: ...


class Transport:
    """Made by ``connect`` and ``Listener``: ``async for text in transport`` gives what the peer sends, to the end."""

    def __init__(self, machine: Machine, location: str) -> None:
        """``location``: of the peer, after redirects; for a Listener's transports, the address of the peer."""
        self.location = location
        self.error: TransportError | None = None
        """Why the transport is at its end, once it is: EPIPE when we closed it, ECONNRESET when the peer did."""
        self._machine = machine
        self._received: deque[Message] = deque()
        self._received_bytes = 0
        self._output = asyncio.Event()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._sent = asyncio.Event()
        self._opened = asyncio.Event()
        self._ended = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._last_timer: asyncio.TimerHandle | None = None
        self._cut = asyncio.Event()
        self._carrying: asyncio.Task[None] | None = None
        self._set_timer()

    async def send(self, text: bytes) -> None:
        """Sends a message, UTF-8; waits while much is on its way to a slow peer.

        Raises TransportError: the end of the transport, or DCPC-1112 when the peer takes no message so long. The
        message may be lost all the same: DCP's connections send it again where it was not acknowledged.
        """
        self._machine.send(text)
        self._look()
        while self._machine.pending_bytes > _WAITING_TO_BE_SENT and not self._machine.is_lost:
            self._sent.clear()
            await self._sent.wait()

    async def send_out_of_order(self, text: bytes) -> None:
        """Sends a short message before all that wait. Raises as ``send`` does."""
        self._machine.send_out_of_order(text)
        self._look()

    def __aiter__(self) -> Transport:
        return self

    async def __anext__(self) -> bytes:
        while not self._received:
            if self.error:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        message = self._received.popleft()
        self._received_bytes -= message.size
        self._room.set()
        return message.text() if message.size < _LARGE else await asyncio.to_thread(message.text)

    async def close(self) -> None:
        """Sends what waits, at most for 7 seconds, and ends. Leaves nothing behind."""
        self._machine.close()
        self._look()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await (asyncio.wait([self._carrying]) if self._carrying else self._ended.wait())
        self.end(TransportError("EPIPE", "the transport was closed"))
        if self._carrying:
            await asyncio.wait([self._carrying])

    async def until_open(self) -> None:
        """Waits for the peer's announcement. Raises TransportError when the transport ends before."""
        await self._opened.wait()
        if self.error:
            raise self.error

    async def until_ended(self) -> None:
        """Waits until the transport has ended, its farewell sent."""
        await self._ended.wait()

    # What follows is for carriers.

    async def feed(self, packet: bytes) -> None:
        """Takes a packet; waits while the owner has not read what came before, so that the peer waits too."""
        self._machine.packet_received(packet, time.monotonic())
        self._look()
        while self._received_bytes > _WAITING_TO_BE_READ and not self.error:
            self._room.clear()
            await self._room.wait()
            self._machine.resumed(time.monotonic())
            self._set_timer()

    def next_packet(self) -> bytes | None:
        """The next packet to be sent; None when there is none now."""
        packet = self._machine.next_packet()
        self._look()
        return packet

    async def output(self) -> None:
        """Waits until there may be something to send, or ``has_ended``."""
        if not self._machine.has_ended:
            self._output.clear()
            await self._output.wait()

    def wake(self) -> None:
        """Lets those go on who wait for output."""
        self._output.set()

    @property
    def has_ended(self) -> bool:
        return self._machine.has_ended

    def end(self, error: TransportError) -> None:
        """Nothing carries the packets any more."""
        self._machine.carrier_lost(error)
        self._cut.set()
        self._look()
        if self._last_timer:
            self._last_timer.cancel()

    def carry(self, carrier: Carrier) -> asyncio.Task[None]:
        """Begins to move packets by ``carrier``; the task ends when either is at its end, with the carrier closed."""
        self._carrying = asyncio.create_task(self._carry(carrier))
        return self._carrying

    async def _carry(self, carrier: Carrier) -> None:
        tasks = [asyncio.create_task(part) for part in (carrier.read(self), carrier.write(self), self._until_cut())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.end(_first_error(tasks) or TransportError("ECONNRESET", "the peer closed the transport"))
            await carrier.close()

    async def _until_cut(self) -> None:
        await self._cut.wait()

    def _look(self) -> None:
        """Takes what the machine has to tell."""
        for event in self._machine.events():
            if isinstance(event, Message):
                self._received.append(event)
                self._received_bytes += event.size
                self._news.set()
            elif isinstance(event, Opened):
                self._opened.set()
            elif isinstance(event, Lost):
                self._take_end(event.error)
        if self._machine.has_ended:
            self._ended.set()
        self._sent.set()
        self._output.set()
        self._set_timer()

    def _take_end(self, error: TransportError) -> None:
        self.error = error
        for waited in (self._opened, self._news, self._room):
            waited.set()
        if not self._cut.is_set():  # what is still to be said may never be fetched
            self._last_timer = asyncio.get_running_loop().call_later(_CLOSE_SECONDS, self.end, error)

    def _set_timer(self) -> None:
        deadline = self._machine.deadline
        if self._timer and self._timer.when() == deadline:
            return
        if self._timer:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = None if deadline is None else loop.call_at(deadline, self._time_is_up)

    def _time_is_up(self) -> None:
        self._timer = None
        if self._received_bytes > _WAITING_TO_BE_READ:  # we do not read: the peer is not to blame
            self._machine.resumed(time.monotonic())
        self._machine.timer(time.monotonic())
        self._look()


def _first_error(tasks: list[asyncio.Task[None]]) -> TransportError | None:
    for task in tasks:
        if not task.cancelled() and (error := task.exception()):
            return error if isinstance(error, TransportError) else TransportError("ECONNRESET", str(error))
    return None
