"""What comes in: every message is acknowledged at once, and a message that comes again is only acknowledged again."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import MessageError
from ..messages.bodies import Dialogue
from ..messages.identifiers import random_text


@dataclass(frozen=True, slots=True)
class OwnAck:
    """The acknowledgement that was sent last. Without a session it was for a connect request."""

    token: str
    nonce: str
    message_id: str
    session: str | None
    text: bytes


class Inbox:
    """The peer's next message must carry the nonce of our last acknowledgement."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._count = 0
        self.last: OwnAck | None = None

    def repeats(self, dialogue: Dialogue) -> bool:
        return self.last is not None and self.last.message_id == dialogue.id

    def check(self, dialogue: Dialogue, session: str) -> None:
        """Raises MessageError, ``EDCPSID`` or ``DCPC-1026``."""
        if dialogue.session != session:
            raise MessageError("EDCPSID", "invalid dcpsid")
        if self.last is None or dialogue.nonce != self.last.nonce:
            raise MessageError("DCPC-1026", "nonce mismatch")

    def next_nonce(self) -> str:
        self._count += 1
        return f"NN{self._prefix}{self._count}-{random_text()}"
