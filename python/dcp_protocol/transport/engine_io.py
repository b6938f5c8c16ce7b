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


def split_packets(body: bytes) -> Iterator[bytes]:
    """The packets of a body, one by one: a body may hold millions, which are never kept together.

    Raises TransportError with EPROTO at a packet that is empty.
    """
    start = 0
    while True:
        end = body.find(SEPARATOR, start)
        packet = body[start:] if end < 0 else body[start:end]
        if not packet:
            raise breach("an Engine.IO packet is empty")
        yield packet
        if end < 0:
            return
        start = end + 1
