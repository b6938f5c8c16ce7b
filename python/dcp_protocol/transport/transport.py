"""A transport for asyncio: texts to and from one peer, whatever carries its packets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, Protocol

from .alarm import Alarm
from .failures import TransportError
from .flag import Flag
from .inbox import Message
from .machine import Lost, Machine
from .mailbox import Mailbox
from .texts import Opened

_CLOSE_SECONDS = 7.0
_WAITING_TO_BE_SENT = 1 << 20
_LARGE = 1 << 20
"""Bytes; a message of more is joined in another thread."""

_PACKETS_AT_A_TIME = 32
"""Others run after so many, however many a peer sends."""


class Carrier(Protocol):
    """What brings packets to the peer and back: both methods raise TransportError when it is at its end.

    ``write`` ends by itself, too, when the transport has nothing more to say.
    """

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
        self._loop = asyncio.get_running_loop()
        self._received = Mailbox()
        self._packets = 0
        self._output, self._sent, self._opened, self._ended = Flag(), Flag(), Flag(), Flag()
        self._cut: asyncio.Future[None] = self._loop.create_future()
        self._carrying: asyncio.Task[None] | None = None
        self._deadline = Alarm(self._time_is_up)
        self._farewell = Alarm(self._farewell_is_late)
        self._deadline.set(machine.deadline)

    async def send(self, text: bytes) -> None:
        """Sends a message, UTF-8; waits while much is on its way to a slow peer.

        Raises TransportError: the end of the transport, or DCPC-1112 when the peer takes no message so long. The
        message may be lost all the same: DCP's connections send it again where it was not acknowledged.
        """
        self.send_soon(text)
        await self.until_room()

    def send_soon(self, text: bytes) -> None:
        """As ``send``, for who waits for room elsewhere. Raises TransportError."""
        self._machine.send(text)
        self._look()

    async def until_room(self) -> None:
        """Waits while much is on its way to a slow peer."""
        while self._machine.pending_bytes > _WAITING_TO_BE_SENT and not self._machine.is_lost:
            self._sent.clear()
            await self._sent.wait()

    def send_out_of_order(self, text: bytes) -> None:
        """Sends a short message before all that wait. Raises as ``send`` does."""
        self._machine.send_out_of_order(text)
        self._look()

    def __aiter__(self) -> Transport:
        return self

    async def __anext__(self) -> bytes:
        message = await self._received.get()
        if message is None:
            raise StopAsyncIteration
        if message.size < _LARGE:
            return message.text()
        try:
            return await asyncio.to_thread(message.text)
        except asyncio.CancelledError:
            self._received.put_back(message)
            raise

    async def close(self) -> None:
        """Sends what waits, at most for 7 seconds, and ends. Leaves nothing behind."""
        try:
            self._machine.close()
            self._look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await (asyncio.wait([self._carrying]) if self._carrying else self._ended.wait())
        finally:
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
        self._machine.packet_received(packet, self._loop.time())
        self._look()
        self._packets += 1
        if self._packets % _PACKETS_AT_A_TIME == 0:
            await asyncio.sleep(0)
        if not self._received.is_full:
            return
        self._machine.stalled(self._loop.time())
        self._look()
        while self._received.is_full:
            await self._received.until_room()
        self._machine.resumed(self._loop.time())
        self._look()

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
        self._cut_carriers()
        self._machine.carrier_lost(error)
        self._farewell.set(None)
        self._look()

    def carry(self, carrier: Carrier) -> asyncio.Task[None]:
        """Begins to move packets by ``carrier``; the task ends when either is at its end, with the carrier closed."""
        self._carrying = asyncio.create_task(self._carry(carrier))
        return self._carrying

    async def run(self, *parts: Coroutine[Any, Any, None]) -> bool:
        """Runs ``parts`` until one of them ends, or raises what it raised; False when the transport was cut before."""
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            await asyncio.wait([*tasks, self._cut], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        ended = [task for task in tasks if not task.cancelled()]
        for task in ended:
            task.result()
        return bool(ended)

    async def _carry(self, carrier: Carrier) -> None:
        try:
            await self.run(carrier.read(self), carrier.write(self))
        except TransportError as error:
            self.end(error)
        finally:
            self.end(TransportError("ECONNRESET", "the peer closed the transport"))
            await carrier.close()

    def _look(self) -> None:
        """Takes what the machine has to tell."""
        for event in self._machine.events():
            if isinstance(event, Message):
                self._received.put(event)
            elif isinstance(event, Opened):
                self._opened.set()
            elif isinstance(event, Lost):
                self._take_end(event.error)
        if self._machine.has_ended:
            self._ended.set()
        self._sent.set()
        self._output.set()
        self._deadline.set(self._machine.deadline)

    def _take_end(self, error: TransportError) -> None:
        self.error = error
        self._opened.set()
        self._received.end()
        if self._machine.has_ended:
            self._cut_carriers()
        else:
            self._farewell.set(self._loop.time() + _CLOSE_SECONDS)

    def _cut_carriers(self) -> None:
        if not self._cut.done():
            self._cut.set_result(None)

    def _time_is_up(self) -> None:
        self._machine.timer(self._loop.time())
        self._look()

    def _farewell_is_late(self) -> None:
        """What is still to be said may never be fetched."""
        self.end(TransportError("ETIMEDOUT", "the peer did not take the end of the transport"))
