"""What a transport takes from its peer."""

from __future__ import annotations

from dataclasses import dataclass

COST = 200
"""Bytes that are counted for each piece beside its own: a peer may send millions of one byte."""


@dataclass(frozen=True)
class Limits:
    """The first two are announced to the peer; defaults of protocol/transports/socketio.js where it has any.

    ``fragment_size``: UTF-16 units of one fragment. ``fragment_count``: fragments of one message; DCP's programs set
    none. ``waiting_bytes``: of all messages together that are not yet whole, or wait behind one that is not, with 200
    for each piece.
    ``incomplete``: how many may be not whole at a time. ``packet_bytes``: one Engine.IO packet, that is, a fragment
    whose every unit is an escape of six bytes. A packet that has not come whole is in no other count: peers together
    may hold as many bytes for each of them.
    """

    fragment_size: int = 300_000
    fragment_count: int = 1000
    waiting_bytes: int = 400_000_000
    incomplete: int = 64
    packet_bytes: int = 2 << 20


class Budget:
    """Bytes that several transports share for what waits in them."""

    def __init__(self, most: int) -> None:
        self.left = most

    def take(self, size: int) -> bool:
        """Whether there were so many; without them, nothing is taken."""
        if size > self.left:
            return False
        self.left -= size
        return True

    def give(self, size: int) -> None:
        self.left += size
