"""What both ends say in texts, above Socket.IO: announcements, messages, fragments, transport acks."""

from __future__ import annotations

from dataclasses import dataclass

from . import extended
from .extended import Announcement
from .failures import breach
from .inbox import Inbox, Message
from .limits import Budget, Limits
from .outbox import Outbox


@dataclass(frozen=True)
class Opened:
    """The peer has announced what it takes; from now on messages may be sent. Comes once, before all messages."""

    peer: Announcement


class Texts:
    """``peer`` is what the peer has announced."""

    def __init__(self, limits: Limits, budget: Budget | None, *, ack_mode: bool) -> None:
        self.peer = Announcement()
        self._inbox = Inbox(limits, budget)
        self._outbox = Outbox(ack_mode=ack_mode)
        self._owed_acks = 0

    @property
    def pending_bytes(self) -> int:
        """Of messages that wait."""
        return self._outbox.pending_bytes

    @property
    def is_empty(self) -> bool:
        """Nothing waits to be sent."""
        return self._outbox.is_empty

    def announce(self, own: Announcement) -> None:
        self._outbox.add_announcement(own.text())

    def send(self, text: bytes) -> None:
        """Raises TransportError with DCPC-1112 when the peer takes no message so long."""
        self._outbox.add(text, self.peer)

    def send_out_of_order(self, text: bytes) -> None:
        self._outbox.add_out_of_order(text, self.peer)

    def next(self) -> bytes | None:
        """The next text to be sent; None when there is none now."""
        if self._owed_acks:
            self._owed_acks -= 1
            return extended.TRANSPORT_ACK
        return self._outbox.next_text()

    def take(self, text: bytes) -> list[Opened | Message]:
        """What a text of the peer leads to. Raises TransportError with DCP's codes."""
        was_open = self.peer.has_announced
        kind = text[:1]
        if kind == extended.MESSAGE:
            self._owe_ack()
            self._inbox.take(text)
        elif kind == extended.EXTENDED:
            self._take_extended(text)
            self._owe_ack()
        elif kind == extended.ACK:
            self._outbox.acknowledged()
        elif kind != extended.DEBUG:
            raise breach("a text begins with a character that stands for no kind of message", "DCPC-1102")
        if not self.peer.has_announced:
            return []
        return [*([] if was_open else [Opened(self.peer)]), *self._inbox.ready()]

    def clear(self) -> None:
        """Forgets what waits."""
        self._outbox.clear()
        self._inbox.clear()

    def _take_extended(self, text: bytes) -> None:
        kind, header, payload = extended.split(text)
        if kind == extended.FRAGMENT:
            self._inbox.take_fragment(extended.fragment_header(header), payload)
        elif kind == extended.OUT_OF_ORDER:
            self._inbox.take_out_of_order(payload)
        elif kind == extended.ANNOUNCEMENT:
            self.peer = self.peer.changed_by(payload)

    def _owe_ack(self) -> None:
        if self.peer.wants_ack:
            self._owed_acks += 1
