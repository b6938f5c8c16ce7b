"""Packets of Socket.IO 4 in Engine.IO messages, as far as DCP uses them: the default namespace and its one event."""

from __future__ import annotations

import json

import msgspec

from .engine_io import MESSAGE
from .failures import breach, printable

CONNECT, DISCONNECT, EVENT, CONNECT_ERROR = MESSAGE + b"0", MESSAGE + b"1", MESSAGE + b"2", MESSAGE + b"4"

_EVENT_NAME = b'["message",'


def connected(sid: str) -> bytes:
    """The server's answer to CONNECT."""
    return CONNECT + msgspec.json.encode({"sid": sid})


def is_connect(packet: bytes) -> bool:
    """Whether it is CONNECT of the default namespace, or the answer to it."""
    return packet.startswith(CONNECT) and packet[len(CONNECT) :][:1] in (b"", b"{")


def event(text: bytes) -> bytes:
    """The packet with a text for the peer, which is UTF-8."""
    return b"%b%b%b]" % (EVENT, _EVENT_NAME, msgspec.json.encode(text.decode()))


def text_of(packet: bytes) -> bytes | None:
    """The text of an EVENT packet, None for an event that is not DCP's, which its programs do not hear either.

    JavaScript cuts long texts between the two halves of a surrogate pair: a half alone comes as three bytes, as
    Python's ``surrogatepass`` has it. Raises TransportError with EPROTO when it is no JSON.
    """
    start = len(EVENT)
    if not packet.startswith(_EVENT_NAME, start):
        return None
    literal = packet[start + len(_EVENT_NAME) : -1]
    if packet[-1:] != b"]" or literal[:1] != b'"':
        raise breach("a Socket.IO event carries something else than one text")
    return _unquoted(literal)


def reason_of(packet: bytes) -> str:
    """What a CONNECT_ERROR packet says, for people."""
    return printable(packet[len(CONNECT_ERROR) :].decode(errors="replace"))


def _unquoted(literal: bytes) -> bytes:
    try:
        try:
            return msgspec.json.decode(literal, type=str).encode()
        except msgspec.DecodeError:  # it takes no half of a surrogate pair
            text = json.loads(literal)
    except (ValueError, RecursionError):
        raise breach("a Socket.IO event is no JSON") from None
    if not isinstance(text, str):
        raise breach("a Socket.IO event carries something else than one text")
    return text.encode(errors="surrogatepass")
