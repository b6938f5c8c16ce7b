"""The initiator's end: it is pinged, and answers."""

from __future__ import annotations

from . import engine_io, socket_io
from .engine_io import Handshake
from .failures import TransportError, breach
from .limits import Limits
from .machine import Machine


class ClientMachine(Machine):
    """Begins with the server's handshake, which is the first packet."""

    def __init__(
        self, now: float, *, limits: Limits | None = None, ack_mode: bool = False, ping_interval: float = 10.1
    ) -> None:
        super().__init__(now, limits=limits or Limits(), ack_mode=ack_mode, ping_interval=ping_interval)
        self.handshake: Handshake | None = None

    def _heard(self, now: float, *, first: bool) -> None:
        if self.handshake:
            self.deadline = now + (self.handshake.ping_interval + self.handshake.ping_timeout) / 1000

    def _sign_of_life(self) -> None:
        """Engine.IO's servers take an answer without a ping for what it is."""
        self._owes_pong = True

    def _silence(self, now: float) -> None:
        self._end(TransportError("ETIMEDOUT", "the server has sent nothing for longer than it announced"))

    def _take_packet(self, packet: bytes) -> None:
        if not self.handshake:
            self.handshake = engine_io.parse_handshake(packet)
            self._interval = self.handshake.ping_interval / 1000
            self._control.append(socket_io.CONNECT)
        elif packet == engine_io.PING:
            self._owes_pong = True
        elif packet == engine_io.CLOSE:
            raise TransportError("ECONNRESET", "the server closed the transport")
        elif packet == engine_io.NOOP:
            pass
        elif packet[:1] != engine_io.MESSAGE:
            raise breach("an Engine.IO packet of a kind that no server sends")
        elif self._is_connected:
            self._take_message(packet)
        else:
            self._take_answer(packet)

    def _take_answer(self, packet: bytes) -> None:
        kind = packet[:2]
        if kind == socket_io.CONNECT_ERROR:
            reason = f"the server refused the Socket.IO connection: {socket_io.reason_of(packet)}"
            raise TransportError("ECONNREFUSED", reason, permanent=True)
        if not socket_io.is_connect(packet):
            raise breach("the server sends before it has answered CONNECT")
        self._connected()
