"""Texts that go out, cut into fragments that the peer can take, one when the wire has room for it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from .extended import OUT_OF_ORDER, Announcement, FragmentHeader
from .failures import TransportError

_MOST_IN_FLIGHT = 2
"""Texts without their transport ack, for those who ask for acks (protocol/transports/socketio.js, txMaxInFlight)."""

_LONGEST_CHARACTER = 4


class Outbox:
    """First come, first sent; nothing is copied before it goes."""

    def __init__(self, *, ack_mode: bool) -> None:
        self._queue: deque[_Outgoing] = deque()
        self._ack_mode = ack_mode
        self._in_flight = 0
        self._messages = 0
        self.pending_bytes = 0

    def add(self, text: bytes, peer: Announcement) -> None:
        """Raises TransportError with DCPC-1112 when the peer takes no message of that length."""
        size = peer.rx_max_fragment_size - _LONGEST_CHARACTER + 1
        total = 1 if len(text) <= peer.rx_max_fragment_size else -(-len(text) // size)
        if total > 1 and (not peer.wants_concat or total > (peer.rx_max_fragment_count or total)):
            raise _too_large(len(text))
        self._messages += 1
        self._put(_Outgoing(text, total, self._messages))

    def add_out_of_order(self, text: bytes, peer: Announcement) -> None:
        """Goes before all others where the peer can take that. Raises TransportError with DCPC-1112, as above."""
        if not peer.can_ooo:
            return self.add(text, peer)
        if len(text) > peer.rx_max_fragment_size:
            raise _too_large(len(text))
        return self._put(_Outgoing(b"E0000%b%b" % (OUT_OF_ORDER, text), 1, 0), first=True)

    def add_announcement(self, text: bytes) -> None:
        self._put(_Outgoing(text, 1, 0))

    def next_text(self) -> bytes | None:
        """What is sent next: a message or a fragment; None when all is sent, or acks must come first."""
        if not self._queue or (self._ack_mode and self._in_flight >= _MOST_IN_FLIGHT):
            return None
        self._in_flight += self._ack_mode
        outgoing = self._queue[0]
        text, size = outgoing.next()
        self.pending_bytes -= size
        if outgoing.is_done:
            self._queue.popleft()
        return text

    def acknowledged(self) -> None:
        """The peer acknowledged a text. One that it need not acknowledge is no fault, as for DCP's programs."""
        self._in_flight = max(0, self._in_flight - 1)

    @property
    def is_empty(self) -> bool:
        return not self._queue

    def clear(self) -> None:
        self._queue.clear()
        self.pending_bytes = 0

    def _put(self, outgoing: _Outgoing, *, first: bool = False) -> None:
        self.pending_bytes += len(outgoing.text)
        if first:
            self._queue.appendleft(outgoing)
        else:
            self._queue.append(outgoing)


@dataclass
class _Outgoing:
    text: bytes
    total: int
    msg_id: int
    seq: int = 0

    @property
    def is_done(self) -> bool:
        return self.seq == self.total

    def next(self) -> tuple[bytes, int]:
        """The next text and how many bytes of the message are in it."""
        start, end = self._cut(self.seq), self._cut(self.seq + 1)
        header = FragmentHeader(self.msg_id, self.seq, self.total).text() if self.total > 1 else b""
        self.seq += 1
        return header + self.text[start:end], end - start

    def _cut(self, seq: int) -> int:
        """Where a fragment begins: all have about the same length, and none begins within a character."""
        cut = seq * len(self.text) // self.total
        while 0 < cut < len(self.text) and self.text[cut] & 0xC0 == 0x80:
            cut -= 1
        return cut


def _too_large(size: int) -> TransportError:
    return TransportError("DCPC-1112", f"the peer takes no message of {size} bytes: it would have too many fragments")
