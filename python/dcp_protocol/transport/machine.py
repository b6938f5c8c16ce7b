"""What both ends of a transport do: packets and times come in, packets and events go out. No I/O.

Packets are Engine.IO's, without what carries them (websocket frames, bodies of long polling). Times are seconds of any
clock that does not go back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from . import engine_io, extended, socket_io
from .extended import Announcement
from .failures import TransportError, breach
from .inbox import Message
from .limits import Budget, Limits
from .texts import Opened, Texts

HANDSHAKE_SECONDS = 45.0
"""From the first packet to the peer's announcement; Socket.IO's servers wait as long for CONNECT."""

_FAREWELL = (socket_io.DISCONNECT, engine_io.CLOSE)


@dataclass(frozen=True)
class Lost:
    """The transport is at its end; nothing comes after this. ``error.code`` is EPIPE where we closed it."""

    error: TransportError


Event = Opened | Message | Lost


class Machine:
    """Its owner calls ``packet_received`` and ``timer``, and after each call ``events`` and ``next_packet``."""

    def __init__(
        self, now: float, *, limits: Limits, ack_mode: bool, ping_interval: float, budget: Budget | None = None
    ) -> None:
        """``ack_mode``: the peer is asked to acknowledge each text. ``ping_interval``: seconds, announced."""
        self._limits = limits
        self._announcement = extended.announcement(limits, ack_mode=ack_mode, ping_interval=ping_interval * 1000)
        self._control: list[bytes] = []
        self._owes_pong = False
        self._texts = Texts(limits, budget, ack_mode=ack_mode)
        self._events: list[Event] = []
        self._is_connected = False
        self._is_closing = False
        self._is_stalled = False
        self._interval = ping_interval
        self._farewell: list[bytes] = []
        self.is_lost = False
        self.deadline: float | None = now + HANDSHAKE_SECONDS
        """When ``timer`` is to be called; None when nothing is waited for."""

    @property
    def peer(self) -> Announcement:
        """What the peer has announced."""
        return self._texts.peer

    @property
    def is_open(self) -> bool:
        return self.peer.has_announced and not self.is_lost and not self._is_closing

    @property
    def pending_bytes(self) -> int:
        """Of messages that were given to ``send`` and have not gone to ``next_packet`` yet."""
        return self._texts.pending_bytes

    @property
    def has_ended(self) -> bool:
        """Nothing comes or goes any more: what carries the packets may be closed."""
        return self.is_lost and not self._farewell

    def send(self, text: bytes) -> None:
        """Sends a message, which is UTF-8.

        Raises TransportError: EPIPE when the transport is not open, DCPC-1112 when the peer takes no message so long.
        """
        self._check_open()
        self._texts.send(text)

    def send_out_of_order(self, text: bytes) -> None:
        """Sends a short message before all that wait, where the peer can take that. Raises as ``send`` does."""
        self._check_open()
        self._texts.send_out_of_order(text)

    def close(self) -> None:
        """Ends the transport when what waits has been sent."""
        if self.is_lost or self._is_closing:
            return
        self._is_closing = True
        if not self._is_connected:
            self._end(TransportError("EPIPE", "the transport was closed"), farewell=(engine_io.CLOSE,))

    def packet_received(self, packet: bytes, now: float) -> None:
        """Takes a packet; a peer that breaks a rule ends the transport."""
        if self.is_lost:
            return
        try:
            if len(packet) > self._limits.packet_bytes:
                raise breach(f"a packet of more than {self._limits.packet_bytes} bytes", "DCPC-1114")
            had_announced = self.peer.has_announced
            self._take_packet(packet)
            if self.peer.has_announced:
                self._heard(now, first=not had_announced)
        except TransportError as error:
            self._end(error, farewell=_FAREWELL if self._is_connected else ())

    def carrier_lost(self, error: TransportError) -> None:
        """What carried the packets is gone."""
        self._farewell.clear()
        self._end(error)

    def stalled(self, now: float) -> None:
        """The owner does not read now, so that nothing is heard: the peer is told that we live, and not blamed."""
        if not self.is_lost and self.deadline is not None:
            self._is_stalled = True
            self.deadline = min(self.deadline, now + self._interval)

    def resumed(self, now: float) -> None:
        """The owner reads again."""
        self._is_stalled = False
        if self.peer.has_announced and not self.is_lost:
            self._heard(now, first=False)

    def timer(self, now: float) -> None:
        """To be called at ``deadline``; does nothing before."""
        if self.deadline is None or now < self.deadline or self.is_lost:
            return
        if self._is_stalled:
            self._sign_of_life()
            self.deadline = now + self._interval
        elif self.peer.has_announced:
            self._silence(now)
        else:
            self._end(TransportError("ETIMEDOUT", f"the peer did not finish its handshake in {HANDSHAKE_SECONDS:g} s"))

    def next_packet(self) -> bytes | None:
        """What is to be sent next, None when there is nothing now. Large messages come in many packets.

        Called when the wire has room, so that nothing waits anywhere but here.
        """
        if self.is_lost:
            return self._farewell.pop(0) if self._farewell else None
        if self._control:
            return self._control.pop(0)
        if self._owes_pong:
            self._owes_pong = False
            return engine_io.PONG
        if self._is_connected and (text := self._texts.next()) is not None:
            return socket_io.event(text)
        if self._is_closing and self._texts.is_empty:
            self._end(TransportError("EPIPE", "the transport was closed"), farewell=_FAREWELL)
            return self._farewell.pop(0)
        return None

    def events(self) -> list[Event]:
        """What happened since the last call, in order."""
        events, self._events = self._events, []
        return events

    def _heard(self, now: float, *, first: bool) -> None:
        """The peer, which has announced, gave a sign of life. ``first``: it has announced just now."""
        raise NotImplementedError

    def _silence(self, now: float) -> None:
        """The peer is open, and the deadline has come."""
        raise NotImplementedError

    def _sign_of_life(self) -> None:
        """A packet that keeps the peer from taking us for dead."""
        raise NotImplementedError

    def _take_packet(self, packet: bytes) -> None:
        """What the two ends do differently."""
        raise NotImplementedError

    def _take_message(self, packet: bytes) -> None:
        """A packet of Socket.IO, but for those of its handshake."""
        kind = packet[:2]
        if kind == socket_io.DISCONNECT:
            raise TransportError("ECONNRESET", "the peer closed the transport")
        if kind != socket_io.EVENT:
            raise breach("a Socket.IO packet of a kind that DCP does not use")
        if (text := socket_io.text_of(packet)) is not None:
            self._events += self._texts.take(text)

    def _connected(self) -> None:
        self._is_connected = True
        self._texts.announce(self._announcement)

    def _check_open(self) -> None:
        if not self.is_open:
            raise TransportError("EPIPE", "the transport is not open")

    def _end(self, error: TransportError, farewell: Sequence[bytes] = ()) -> None:
        if self.is_lost:
            return
        self.is_lost = True
        self.deadline = None
        self._farewell = list(farewell)
        self._texts.clear()
        self._events.append(Lost(error))
