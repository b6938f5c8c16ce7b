"""The target's end: it pings, and waits for answers."""

from __future__ import annotations

from . import engine_io, socket_io
from .engine_io import Handshake
from .failures import TransportError, breach
from .limits import Budget, Limits
from .machine import Machine


class ServerMachine(Machine):
    """Begins by itself: the first packet is the handshake."""

    def __init__(
        self,
        now: float,
        handshake: Handshake,
        socket_id: str,
        *,
        limits: Limits | None = None,
        ack_mode: bool = False,
        budget: Budget | None = None,
    ) -> None:
        """``socket_id``: Socket.IO's, which DCP's programs print and nothing else."""
        interval = handshake.ping_interval / 1000
        super().__init__(now, limits=limits or Limits(), ack_mode=ack_mode, ping_interval=interval, budget=budget)
        self._control.append(handshake.packet())
        self._socket_id = socket_id
        self._timeout = handshake.ping_timeout / 1000
        self._waits_for_pong = False
        self._was_answered = False

    def _heard(self, now: float, *, first: bool) -> None:
        """Whatever comes is a sign of life, but only an answer lets the next ping come."""
        if self._waits_for_pong:
            self.deadline = now + self._timeout
        elif first or self._was_answered:
            self._was_answered = False
            self.deadline = now + self._interval

    def _sign_of_life(self) -> None:
        if engine_io.PING not in self._control:
            self._control.append(engine_io.PING)
        self._waits_for_pong = True

    def _silence(self, now: float) -> None:
        if self._waits_for_pong:
            self._end(TransportError("ETIMEDOUT", f"the peer has not answered a ping for {self._timeout:g} s"))
        else:
            self._sign_of_life()
            self.deadline = now + self._timeout

    def _take_packet(self, packet: bytes) -> None:
        if packet == engine_io.PONG:
            self._was_answered, self._waits_for_pong = self._waits_for_pong, False
        elif packet == engine_io.CLOSE:
            raise TransportError("ECONNRESET", "the client closed the transport")
        elif packet[:1] != engine_io.MESSAGE:
            raise breach("an Engine.IO packet of a kind that no client sends")
        elif self._is_connected:
            self._take_message(packet)
        elif socket_io.is_connect(packet):
            self._control.append(socket_io.connected(self._socket_id))
            self._connected()
        else:
            raise breach("the client sends before it has sent CONNECT")
