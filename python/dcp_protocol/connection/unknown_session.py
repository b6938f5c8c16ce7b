"""An initiator comes back to a session that its target does not know (DCP: ``sendNoSessionResponse``, ``target.js``).

The target was restarted, or the initiator stayed away too long. It is asked to close, so that it begins anew. The wait
before that keeps initiators that come back at once from doing so all the time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from ..keys.private_key import PrivateKey
from ..messages.bodies import Ack, Received
from ..messages.drafts import Stage, message_body, request_draft
from ..messages.identifiers import random_text
from ..messages.sealed import seal
from .events import DropTransport, Event, Send
from .options import ConnectionOptions

_WAIT = 0.75, 1.25


class UnknownSession:
    """Used as a ``Machine`` is, for one transport: ``read``, ``timer`` at ``deadline``, and what ``events`` gives."""

    def __init__(
        self,
        key: PrivateKey,
        first: Received,
        now: float,
        options: ConnectionOptions | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``first`` is what came first on the transport; ``now`` as in ``Machine``; ``clock`` seconds since 1970."""
        self._key = key
        self._peer = first.owner
        self._session = first.body.session
        self._close_timeout = (options or ConnectionOptions()).close_timeout
        self._clock = clock
        self._nonce: str | None = None
        self._asked = False
        self._events: list[Event] = []
        self.deadline: float | None = now + random.uniform(*_WAIT)
        self.read(first, now)

    def events(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def read(self, received: Received, now: float) -> None:
        """An acknowledgement has the nonce that it takes to say something; any answer ends this."""
        if received.owner != self._peer or self.deadline is None:
            return
        if isinstance(received.body, Ack):
            self._nonce = received.body.nonce or self._nonce
        elif self._asked:
            self._end()

    def timer(self, now: float) -> None:
        if self.deadline is None or now < self.deadline:
            return
        if self._asked or self._nonce is None:
            self._end()
            return
        self._asked = True
        self.deadline = now + self._close_timeout
        stage = Stage(self._session, self._clock(), self._key.address, self._peer)
        request = request_draft(f"0-0-{random_text()}", "close", b'"EPIPE"')
        body = message_body([request], stage, f"ATt0-{random_text()}", self._nonce)
        self._events.append(Send(seal(self._key, body)))

    def _end(self) -> None:
        self.deadline = None
        self._events.append(DropTransport())
