"""DCP's extended messages: ``E``, the header's length in 4 hexadecimal digits, a letter, the header, the rest.

The rules are those of protocol/transports/socketio.js, processExtendedMessage.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec

from .failures import breach
from .limits import Limits

MESSAGE, EXTENDED, ACK, DEBUG = b"{", b"E", b"A", b"T"
FRAGMENT, OUT_OF_ORDER, ANNOUNCEMENT = b"C", b"O", b"P"
TRANSPORT_ACK = b"A0000-ACK"

_HEADER_AT = 6
_HEXADECIMAL = b"0123456789abcdefABCDEF"
_LONGEST_ANNOUNCEMENT = 65_536
_SAFE = (1 << 53) - 1

_Count = Annotated[int, msgspec.Meta(ge=0, le=_SAFE)]
_Said = TypeVar("_Said")


class Announcement(msgspec.Struct, frozen=True, rename="camel"):
    """What an end can take; the defaults are the least that any peer can.

    ``rx_max_fragment_size``: UTF-16 units. ``rx_max_fragment_count``: 0 for any number. ``ping_interval``: ms.
    """

    can_ooo: bool = False
    can_ack: bool = False
    wants_concat: bool = True
    wants_ack: bool = False
    # The least is ours: with less, a message of 100 MB is all headers.
    rx_max_fragment_size: Annotated[int, msgspec.Meta(ge=100, le=_SAFE)] = 300_000
    rx_max_fragment_count: _Count = 100
    ping_interval: Annotated[float, msgspec.Meta(ge=0)] = 0
    has_announced: bool = False

    def text(self) -> bytes:
        return b"E0000P" + msgspec.json.encode(self)

    def changed_by(self, payload: bytes) -> Announcement:
        """As the peer says in an announcement, which may leave out what stays. Raises TransportError."""
        if len(payload) > _LONGEST_ANNOUNCEMENT:
            raise breach(f"the peer's announcement has more than {_LONGEST_ANNOUNCEMENT} bytes", "DCPC-1108")
        said = _decoded(payload, dict[str, msgspec.Raw], "announcement")
        kept = msgspec.json.decode(msgspec.json.encode(self), type=dict[str, msgspec.Raw])
        kept.update(said, hasAnnounced=msgspec.Raw(b"true"))
        return _decoded(msgspec.json.encode(kept), Announcement, "announcement")


class FragmentHeader(msgspec.Struct, frozen=True, rename="camel"):
    """``seq`` counts from 0 to ``total`` - 1; ``msg_id`` is unique in a transport and a direction."""

    msg_id: Annotated[int, msgspec.Meta(ge=-_SAFE, le=_SAFE)]
    seq: _Count
    total: _Count

    def text(self) -> bytes:
        """The beginning of the fragment's text."""
        header = msgspec.json.encode(self)
        return b"E%04xC%b" % (len(header), header)


def announcement(limits: Limits, *, ack_mode: bool, ping_interval: float) -> Announcement:
    """Our own. ``ping_interval``: ms."""
    return Announcement(
        can_ooo=True,
        can_ack=True,
        wants_ack=ack_mode,
        rx_max_fragment_size=limits.fragment_size,
        rx_max_fragment_count=limits.fragment_count,
        ping_interval=ping_interval,
        has_announced=True,
    )


def split(text: bytes) -> tuple[bytes, bytes, bytes]:
    """Kind, header and rest. Raises TransportError with DCPC-1108 when the header's length is none, or not there."""
    digits, kind = text[1 : _HEADER_AT - 1], text[_HEADER_AT - 1 : _HEADER_AT]
    if len(digits) < 4 or digits.strip(_HEXADECIMAL) or not kind:
        raise breach("an extended message does not say how long its header is", "DCPC-1108")
    end = _HEADER_AT + int(digits, 16)
    header = text[_HEADER_AT:end]
    if len(text) < end or not header.isascii():
        raise breach("the header of an extended message is corrupt", "DCPC-1108")
    return kind, header, text[end:]


def fragment_header(header: bytes) -> FragmentHeader:
    """Raises TransportError with DCPC-1108 where it is no such header, or ``seq`` does not fit ``total``."""
    parsed = _decoded(header, FragmentHeader, "header of a fragment")
    if parsed.seq >= parsed.total:
        raise breach(f"corrupt header for part {parsed.seq + 1} of {parsed.total} of a message", "DCPC-1108")
    return parsed


def _decoded(data: bytes, kind: type[_Said], what: str) -> _Said:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise breach(f"the peer's {what} is not understood: {error}", "DCPC-1108") from None
