"""JSON of objects of which some members are texts already."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from dcp_protocol.messages.json_parts import Text


def joined(members: Iterable[tuple[str, Text]]) -> bytes:
    """The object with these members, in this order; names need no escapes and are no numbers."""
    pieces: list[Text] = []
    for name, text in members:
        pieces += (b'%b"%b":' % (b"," if pieces else b"{", name.encode()), text)
    return b"".join([*pieces, b"}"])


def utf16_size(text: bytes) -> int:
    """The UTF-16 units of UTF-8, which DCP counts: ``length`` of the same string in JavaScript."""
    if text.isascii():
        return len(text)
    octets = np.frombuffer(text, np.uint8)
    starts = np.count_nonzero(octets.view(np.int8) >= -64)  # all but 0x80 to 0xBF
    return int(starts + np.count_nonzero(octets >= 0xF0))


def quoted_json(text: bytes) -> bytes:
    """A JSON text as a string in another one. It has no control characters, so that this is the fast way."""
    return b'"%b"' % text.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
