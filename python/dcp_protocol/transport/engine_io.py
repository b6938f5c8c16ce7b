"""Packets of Engine.IO 4: a digit, then data. Long polling puts several into one body, with a separator between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from .failures import breach

OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = (bytes([ord("0") + number]) for number in range(7))
PROBE, PROBE_ANSWER = b"2probe", b"3probe"
SEPARATOR = b"\x1e"

_LONGEST_HANDSHAKE = 4096
_LONGEST_ID = 128
_DAY = 86_400_000

_Milliseconds = Annotated[float, msgspec.Meta(gt=0, le=_DAY)]
_Size = Annotated[int, msgspec.Meta(ge=1, le=1 << 53)]


class Handshake(msgspec.Struct, frozen=True, rename="camel"):
    """What the server's first packet says.

    Times are milliseconds; ``max_payload``: bytes of one body of long polling that it takes.
    """

    sid: Annotated[str, msgspec.Meta(min_length=1, max_length=_LONGEST_ID)]
    upgrades: Annotated[tuple[str, ...], msgspec.Meta(max_length=10)]
    ping_interval: _Milliseconds
    ping_timeout: _Milliseconds
    max_payload: _Size = 1_000_000

    def packet(self) -> bytes:
        return OPEN + msgspec.json.encode(self)


def parse_handshake(packet: bytes) -> Handshake:
    """Raises TransportError with EPROTO when the packet is no OPEN packet, or says what no server says."""
    if packet[:1] != OPEN or len(packet) > _LONGEST_HANDSHAKE:
        raise breach("the server's first packet is no Engine.IO handshake: is it a DCP service?")
    try:
        handshake = msgspec.json.decode(packet[1:], type=Handshake)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise breach(f"the server's Engine.IO handshake is not understood: {error}") from None
    if not (handshake.sid.isascii() and handshake.sid.isprintable()):
        raise breach("the session id in the server's Engine.IO handshake has characters that do not fit a URL")
    return handshake


def join_packets(packets: list[bytes]) -> bytes:
    """The body that carries these packets in long polling."""
    return SEPARATOR.join(packets)


class PacketSplitter:
    """The packets of a body, which comes in chunks; of its bytes, no more than one packet is kept."""

    def __init__(self, longest: int) -> None:
        """``longest``: bytes of a packet."""
        self._longest = longest
        self._begun: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The packets that this chunk ends. Raises TransportError: EPROTO if one is empty, DCPC-1114 if too long."""
        start = 0
        while (end := chunk.find(SEPARATOR, start)) >= 0:
            self._begin(chunk[start:end])
            yield self.last()
            start = end + 1
        self._begin(chunk[start:])

    def last(self) -> bytes:
        """The packet that ends with the body. Raises TransportError as above."""
        packet = b"".join(self._begun)
        if not packet:
            raise breach("an Engine.IO packet is empty")
        self._begun, self._size = [], 0
        return packet

    def _begin(self, piece: bytes) -> None:
        if piece:
            self._begun.append(piece)
            self._size += len(piece)
        if self._size > self._longest:
            raise breach(f"a packet of more than {self._longest} bytes", "DCPC-1114")
