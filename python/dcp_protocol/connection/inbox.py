"""What comes in: every message is acknowledged at once, and a message that comes again is only acknowledged again."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import MessageError
from ..keys.private_key import PrivateKey
from ..messages.bodies import Dialogue
from ..messages.drafts import ack_body
from ..messages.identifiers import random_text
from ..messages.sealed import seal


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

    def __init__(self, key: PrivateKey, prefix: str) -> None:
        self._key = key
        self._prefix = prefix
        self._count = 0
        self._last: OwnAck | None = None

    def acknowledge(self, dialogue: Dialogue, session: str | None) -> bytes:
        """The text to send at once."""
        self._count += 1
        nonce = f"NN{self._prefix}{self._count}-{random_text()}"
        self._last = self._seal(dialogue.token, nonce, dialogue.id, session)
        return self._last.text

    def repeated(self, dialogue: Dialogue) -> bytes | None:
        """The acknowledgement to send again, for a message that has come again."""
        return self._last.text if self._last and self._last.message_id == dialogue.id else None

    def check(self, dialogue: Dialogue, session: str) -> None:
        """Raises MessageError, ``EDCPSID`` or ``DCPC-1026``."""
        if dialogue.session != session:
            raise MessageError("EDCPSID", "invalid dcpsid")
        if self._last is None or dialogue.nonce != self._last.nonce:
            raise MessageError("DCPC-1026", "nonce mismatch")

    def resume(self, session: str) -> bytes | None:
        """The last acknowledgement, to begin a new transport with.

        By its session a target finds the connection, thus the one of before the session cannot be sent as it was.
        """
        if self._last and self._last.session is None:
            self._last = self._seal(self._last.token, self._last.nonce, self._last.message_id, session)
        return self._last.text if self._last else None

    def _seal(self, token: str, nonce: str, message_id: str, session: str | None) -> OwnAck:
        text = seal(self._key, [ack_body(session, token, nonce, message_id)])
        return OwnAck(token, nonce, message_id, session, text)
