"""What is open between the two ends: what we asked, and what the peer asked."""

from __future__ import annotations

import enum

from ..errors import MessageError


class Asked(enum.Enum):
    REQUEST = enum.auto()
    NOTIFICATION = enum.auto()
    OWN = enum.auto()
    """A request of the connection itself, such as a keepalive."""
    FORGOTTEN = enum.auto()
    """A request whose answer nobody waits for any more."""


class OwnDialogues:
    """Our requests and notifications, by their ids, until they are answered, or have arrived."""

    def __init__(self) -> None:
        self._open: dict[str, Asked] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, identity: str, asked: Asked) -> None:
        self._open[identity] = asked

    def remove(self, identity: str) -> Asked | None:
        return self._open.pop(identity, None)

    def forget(self, identity: str) -> None:
        if identity in self._open:
            self._open[identity] = Asked.FORGOTTEN

    def answered(self, identity: str) -> Asked:
        """Raises MessageError where there was no such request."""
        asked = self._open.pop(identity, None)
        if asked in (None, Asked.NOTIFICATION):
            raise MessageError("EINVAL", f"received response for unknown message {identity!r}")
        assert asked
        return asked

    def take_waiting(self) -> list[str]:
        """Ends all; the ids of those for which somebody waits."""
        waiting = [identity for identity, asked in self._open.items() if _is_waited_for(asked)]
        self._open.clear()
        return waiting

    def end(self, identity: str) -> bool:
        """Ends one; whether somebody waits for it."""
        return _is_waited_for(self._open.pop(identity, None))


class PeerDialogues:
    """The peer's requests and notifications, by their ids, until they are dealt with; ``bytes`` of them all."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._open)

    def add(self, identity: str, size: int) -> None:
        """Raises MessageError where one of this id is open."""
        if identity in self._open:
            raise MessageError("EINVAL", "a request has the id of one that is open")
        self._open[identity] = size
        self.bytes += size

    def end(self, identity: str) -> bool:
        """Whether it was open: not so once the connection has ended, or the peer has said goodbye."""
        size = self._open.pop(identity, None)
        self.bytes -= size or 0
        return size is not None

    def clear(self) -> None:
        self._open.clear()
        self.bytes = 0


def _is_waited_for(asked: Asked | None) -> bool:
    return asked in (Asked.REQUEST, Asked.NOTIFICATION)
