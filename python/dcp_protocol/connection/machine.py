"""One end of a connection, without I/O (DCP: ``protocol/connection.js``).

Texts and times come in, events come out. Both ends are the same machine; an initiator opens transports and asks for the
session, a target grants it and waits. ``now`` is any clock in seconds that never goes back.
"""

from __future__ import annotations

import enum
import itertools
import time
from collections.abc import Callable, Sequence

from ..errors import ConnectionEndedError, MessageError
from ..keys.address import Address
from ..keys.private_key import PrivateKey
from ..messages.bodies import (
    Ack,
    Dialogue,
    Message,
    Notification,
    Received,
    Request,
    Response,
    read_message,
)
from ..messages.drafts import (
    Draft,
    Stage,
    notification_draft,
    request_draft,
    response_draft,
)
from ..messages.error_payload import error_payload
from ..messages.identifiers import random_text
from ..messages.json_parts import Text
from ..messages.validity import Stamps
from ..transport.backoff import Backoff
from . import handshake
from .dialogues import Asked, OwnDialogues, PeerDialogues
from .events import (
    Delivered,
    DropTransport,
    Ended,
    Event,
    NotificationReceived,
    OpenTransport,
    RequestFailed,
    RequestReceived,
    ResponseReceived,
    Seal,
    Send,
    SessionStarted,
)
from .inbox import Inbox
from .options import Budget, ConnectionOptions
from .outbox import Outbox
from .session_clock import SessionClock

_CONNECTIONS = itertools.count(1)
# Seconds for the answer to a peer that closes: it may wait for an acknowledgement that never comes, where the peer does
# not know the session any more.
_GOODBYE_WAIT = 1.0


class Role(enum.Enum):
    """The value begins acknowledgement tokens and nonces."""

    INITIATOR = "i"
    TARGET = "t"


class Phase(enum.Enum):
    """An established session may have no transport for a while."""

    CONNECTING = enum.auto()
    ESTABLISHED = enum.auto()
    CLOSING = enum.auto()
    ENDED = enum.auto()


class Timer(enum.Enum):
    SEND = enum.auto()
    ACKNOWLEDGE = enum.auto()
    CONNECT = enum.auto()
    LINGER = enum.auto()
    CLOSE = enum.auto()


class Machine:
    """After each call, do what ``events`` gives; call ``timer`` when ``deadline`` has come."""

    __slots__ = (
        "_backoff", "_budget", "_clock", "_confirmed", "_connect", "_count", "_counted", "_error", "_events",
        "_expected_peer", "_farewell", "_farewell_arrived", "_inbox", "_is_resuming", "_key", "_number", "_outbox",
        "_own", "_peer_version", "_peers", "_proposed", "_stamps", "_timers", "_transports", "connected", "options",
        "peer", "phase", "role", "session",
    )  # fmt: skip

    def __init__(
        self,
        role: Role,
        key: PrivateKey,
        options: ConnectionOptions | None = None,
        *,
        stamps: Stamps | None = None,
        backoff: Backoff | None = None,
        expected_peer: Address | None = None,
        budget: Budget | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``clock`` tells seconds since 1970; ``expected_peer`` is who the other end has to be, if that is known.

        ``budget`` is for all connections together.
        """
        self.role = role
        self.options = options or ConnectionOptions()
        self.phase = Phase.CONNECTING
        self.session: str | None = None
        self.peer = expected_peer
        self.connected = False
        self._is_resuming = False
        self._expected_peer = expected_peer
        self._key = key
        self._stamps = Stamps() if stamps is None else stamps
        self._backoff = backoff or Backoff()
        self._clock = SessionClock(clock)
        self._number = next(_CONNECTIONS)
        self._count = 0
        self._transports = 0
        self._events: list[Event] = []
        self._timers: dict[Timer, float] = {}
        self._inbox = Inbox(key, role.value)
        self._outbox = Outbox(key, role.value, self.options.batch)
        self._own = OwnDialogues()
        self._peers = PeerDialogues()
        self._budget = budget or Budget()
        self._counted = 0
        self._connect: Draft | None = None
        self._proposed = random_text()
        self._confirmed = False
        self._peer_version = ""
        self._farewell: str | None = None  # our close request, or our answer to the peer's
        self._farewell_arrived = False
        self._error: ConnectionEndedError | None = None

    # What the shell does

    def events(self) -> list[Event]:
        """What has come up since the last call."""
        held = self._peers.bytes + self._outbox.bytes
        self._budget.used += held - self._counted
        self._counted = held
        events, self._events = self._events, []
        return events

    @property
    def deadline(self) -> float | None:
        """When to call ``timer``, by the clock of ``now``."""
        return min(self._timers.values(), default=None)

    def timer(self, now: float) -> None:
        for timer in [timer for timer, due in self._timers.items() if due <= now]:
            if self._timers.pop(timer, None) is not None:
                self._due(timer, now)

    def start(self, now: float) -> None:
        """An initiator's first event is the wish for a transport; a target waits for one."""
        if self.role is Role.INITIATOR:
            self._timers[Timer.CONNECT] = now + self.options.connect_timeout
            self._events.append(OpenTransport(self._backoff.next()))
        else:
            self._timers[Timer.CONNECT] = now + self.options.session_timeout

    def transport_opened(self, now: float) -> None:
        """A transport is there; the one before it, if any, is of no interest any more."""
        if self.phase is Phase.ENDED:
            return
        self._transports += 1
        self.connected = True
        self._timers.pop(Timer.LINGER, None)
        self._timers.pop(Timer.ACKNOWLEDGE, None)
        if self.session is None:
            if self.role is Role.INITIATOR:
                self._ask_for_session(now)
            return
        if last := self._inbox.resume(self.session):
            self._events.append(Send(last))
        if not self._outbox and self.role is Role.INITIATOR and self.phase is Phase.ESTABLISHED:
            self._outbox.add(self._own_request("keepalive", b"null"))
        self._is_resuming = True
        self._timers[Timer.ACKNOWLEDGE] = now + self.options.max_rtt

    def transport_lost(self, now: float, error: BaseException | None = None, permanent: bool = False) -> None:
        """The transport has ended, or could not be opened; ``permanent`` if none ever will."""
        if self.phase is Phase.ENDED:
            return
        self._without_transport()
        if permanent:
            self._end(ConnectionEndedError("DCPC-1014", f"no transport reaches the peer: {error}"))
        elif self.phase is Phase.CLOSING and (self.role is Role.TARGET or self._farewell_arrived):
            self._end(self._error)
        elif self.role is Role.INITIATOR:
            wait = self.options.reconnect_timeout if self.session else self.options.connect_timeout
            self._timers.setdefault(Timer.CONNECT, now + wait)
            self._events.append(OpenTransport(self._backoff.next()))
        elif self.session is None:
            self._end(ConnectionEndedError("EPIPE", "the transport was lost before there was a session"))
        else:
            wait = self.options.linger_timeout if self._confirmed else self.options.connect_timeout
            self._timers[Timer.LINGER] = now + wait

    def message_received(self, text: Text, now: float) -> None:
        """A text from the transport. For a large one, rather call ``read`` with what ``read_message`` made of it."""
        if self.phase is Phase.ENDED:
            return
        try:
            received = read_message(text)
        except MessageError as error:
            self.broken(error, now)
        else:
            self.read(received, now)

    def read(self, received: Received, now: float) -> None:
        """What a text from the transport said."""
        if self.phase is Phase.ENDED:
            return
        try:
            self._check_owner(received.owner)
            if self.session:
                self._backoff.reset()
                self._timers.pop(Timer.CONNECT, None)
            if self._is_resuming:
                self._is_resuming = False
                self._timers.pop(Timer.ACKNOWLEDGE, None)
            if isinstance(received.body, Ack):
                self._acknowledged(received.body, now)
            else:
                self._dialogue(received.body, now)
            self._transmit(now)
            self._serve(now)
        except MessageError as error:
            self.broken(error, now)

    def broken(self, error: MessageError, now: float) -> None:
        """The peer broke a rule: it is told so, if that is possible."""
        if self.phase is Phase.CLOSING:
            self._end(self._error)
        else:
            self.close(now, ConnectionEndedError(error.code, str(error)))

    def sealed(self, token: str, text: bytes, now: float) -> None:
        """What the event ``Seal`` asked for."""
        self._outbox.sealed(token, text)
        self._transmit(now)

    # What the application does

    def has_room(self, size: int) -> bool:
        """Whether a request or notification of ``size`` bytes of data may be added within the limits."""
        if len(self._own) >= self.options.open_requests:
            return False
        return not self._outbox or self._outbox.bytes + size <= self.options.held_bytes

    def request(
        self,
        operation: str,
        data: Text,
        now: float,
        resources: Sequence[PrivateKey] = (),
        ttl: float | None = None,
    ) -> str:
        """Asks the peer; ``data`` is JSON text as JSON.stringify prints it, ``ttl`` seconds. The request's id.

        The keys of ``resources`` allow the peer to use what is theirs for us. Raises ConnectionEndedError.
        """
        self._check_open()
        draft = request_draft(self._new_id(), operation, data, ttl or self.options.ttl, resources)
        return self._add(draft, now)

    def notify(self, data: Text, now: float) -> str:
        """Tells the peer something, which it does not answer (since dialect 5). Raises ConnectionEndedError."""
        self._check_open()
        return self._add(notification_draft(self._new_id(), data, self.options.ttl), now)

    def forget(self, identity: str) -> None:
        """Nobody waits for this request any more: its answer is dropped, and it is not sent if it has not been yet."""
        if self._outbox.discard(identity):
            self._own.remove(identity)
        else:
            self._own.forget(identity)

    def heard(self, identity: str) -> None:
        """The peer's notification has been dealt with."""
        self._peers.end(identity)

    def respond(self, identity: str, payload: Text, now: float) -> None:
        """Answers the peer's request with JSON text as JSON.stringify prints it."""
        self._answer(response_draft(identity, payload), now)

    def fail(self, identity: str, error: BaseException, now: float) -> None:
        """Answers the peer's request with an error."""
        self._answer(response_draft(identity, error_payload(error, self._key.address), success=False), now)

    def close(self, now: float, error: ConnectionEndedError | None = None) -> None:
        """Says goodbye: what is not sent yet fails, answers still go out, then the peer is told."""
        error = error or ConnectionEndedError("EPIPE", "connection closed")
        if self.phase in (Phase.CLOSING, Phase.ENDED):
            return
        if self.session is None or (self.role is Role.TARGET and not self.connected):
            self._end(error)
            return
        self._begin_to_close(error, now)
        self._fail(self._outbox.keep({"response"}), error)
        request = self._own_request("close", b'"%s"' % error.code.encode())
        self._farewell = request.id
        self._outbox.add(request)
        self._serve(now)

    def current_time(self, now: float) -> float:
        """Seconds since 1970, for an initiator by its target's clock once that has answered."""
        return self._clock.time(now)

    # Sending

    def _new_id(self) -> str:
        self._count += 1
        return f"{self._number}-{self._count}-{random_text()}"

    def _check_open(self) -> None:
        if self.phase in (Phase.CLOSING, Phase.ENDED):
            assert self._error
            raise ConnectionEndedError(self._error.code, str(self._error))

    def _own_request(self, operation: str, data: bytes) -> Draft:
        draft = request_draft(self._new_id(), operation, data, self.options.ttl)
        self._own.add(draft.id, Asked.OWN)
        return draft

    def _add(self, draft: Draft, now: float) -> str:
        self._own.add(draft.id, Asked.REQUEST if draft.kind == "request" else Asked.NOTIFICATION)
        self._outbox.add(draft)
        self._send_soon(now + self.options.batch_wait)
        return draft.id

    def _answer(self, draft: Draft, now: float) -> None:
        if not self._peers.end(draft.id):
            return
        self._outbox.add(draft)
        self._send_soon(now)

    def _send_soon(self, when: float) -> None:
        if self.session and not self._outbox.in_flight:
            self._timers[Timer.SEND] = min(when, self._timers.get(Timer.SEND, when))

    def _serve(self, now: float) -> None:
        """Sends the next message, or batch, if the peer is ready for one."""
        if self.session is None or self._is_resuming or self.phase is Phase.ENDED:
            return
        sealing = self._outbox.take(self._stage(now))
        if sealing is None:
            return
        if sealing.size <= self.options.inline_bytes:
            self.sealed(sealing.token, sealing.work(), now)
        else:
            self._events.append(Seal(sealing.token, sealing.work))

    def _stage(self, now: float) -> Stage:
        return Stage(self.session, self.current_time(now), self._key.address, self.peer)

    def _transmit(self, now: float) -> None:
        """A peer that is back is let speak first.

        npm's programs take their own state for what it was before, if more comes while they sign.
        """
        if not self.connected or self._is_resuming:
            return
        text = self._outbox.next_text(self._transports)
        if text is None:
            return
        self._timers[Timer.ACKNOWLEDGE] = now + self.options.max_rtt
        self._events.append(Send(text))
        if self.phase is Phase.CLOSING and self._outbox.is_in_flight("response", self._farewell):
            self._end(self._error)

    def _put(self, draft: Draft, now: float) -> None:
        """A message of the handshake."""
        self._outbox.put(draft, self._stage(now))
        self._transmit(now)

    def _ask_for_session(self, now: float) -> None:
        """The same request on each transport, so that a target that has granted the session says so again."""
        if self._connect is None:
            data = handshake.request_data(self._proposed)
            self._connect = request_draft(self._new_id(), "connect", data, self.options.ttl)
        if self._outbox.in_flight:
            self._transmit(now)
        else:
            self._put(self._connect, now)

    def _acknowledge(self, dialogue: Dialogue) -> None:
        self._events.append(Send(self._inbox.acknowledge(dialogue, self.session)))

    # Receiving

    def _check_owner(self, owner: Address) -> None:
        if self.peer is None:
            self.peer = owner
        if owner == self.peer:
            return
        if self.session is None and self.peer == self._expected_peer:
            raise MessageError("EADDRCHANGE", f"the peer is {owner}, not {self.peer} as it was before")
        raise MessageError("EINVAL", f"incorrect peer address {owner}")

    def _acknowledged(self, ack: Ack, now: float) -> None:
        drafts = self._outbox.acknowledged(ack)
        if drafts:
            self._timers.pop(Timer.ACKNOWLEDGE, None)
        for draft in drafts:
            self._arrived(draft)

    def _arrived(self, draft: Draft) -> None:
        if draft.kind != "request":
            self._own.remove(draft.id)
            self._events.append(Delivered(draft.id))
        if draft.id == self._farewell:
            self._farewell_arrived = True
        self._confirm()

    def _confirm(self) -> None:
        """The initiator has the session: now it may be used."""
        if not self._confirmed and self.session and self.peer:
            self._confirmed = True
            self._events.append(SessionStarted(self.session, self.peer, self._peer_version))

    def _dialogue(self, dialogue: Dialogue, now: float) -> None:
        if again := self._inbox.repeated(dialogue):
            self._events.append(Send(again))
            return
        if self.session is None:
            self._before_session(dialogue, now)
            return
        self._inbox.check(dialogue, self.session)
        self._acknowledge(dialogue)
        self._confirm()
        for message in dialogue.messages:
            if self.phase is not Phase.ENDED:
                self._message(message, now)

    def _before_session(self, dialogue: Dialogue, now: float) -> None:
        if dialogue.batch:
            raise MessageError("EINVAL", "batch messages are prohibited before session establishment")
        message = dialogue.messages[0]
        if isinstance(message, Request) and message.operation == "close":
            self._acknowledge(dialogue)
            self._end(ConnectionEndedError("ECONNRESET", "connection closed by the peer"))
        elif isinstance(message, Request) and message.operation == "connect" and self.role is Role.TARGET:
            self._acknowledge(dialogue)
            self._grant(message, now)
        elif isinstance(message, Response) and self._connect and message.id == self._connect.id:
            self._adopt(dialogue, message, now)
        else:
            raise MessageError("EINVAL", f"received {type(message).__name__} before session fully established")

    def _grant(self, request: Request, now: float) -> None:
        """A target's answer to the connect request, alone and without a nonce."""
        proposed, version, error = handshake.read_request(request.data)
        self._peer_version = version
        self.session = proposed + random_text()
        self.phase = Phase.ESTABLISHED
        self._timers.pop(Timer.CONNECT, None)
        if error is None:
            self._put(response_draft(request.id, handshake.response_payload()), now)
        else:
            self._put(response_draft(request.id, handshake.refusal_payload(), success=False), now)
            self._end(error)

    def _adopt(self, dialogue: Dialogue, response: Response, now: float) -> None:
        """An initiator's session begins."""
        version = handshake.read_response(response, dialogue.session, self._proposed)
        if isinstance(version, ConnectionEndedError):
            self._acknowledge(dialogue)
            self._end(version)
            return
        self.session = dialogue.session
        self.phase = Phase.ESTABLISHED
        self._timers.pop(Timer.CONNECT, None)
        self._backoff.reset()
        self._peer_version = version
        self._reckon(response, now)
        if self._outbox.in_flight:  # the answer itself says that the request has arrived
            self._outbox.acknowledged(Ack(self._outbox.in_flight.token, None, None))
        self._acknowledge(dialogue)
        self._confirm()
        self._serve(now)

    def _message(self, message: Message, now: float) -> None:
        match message:
            case Response():
                self._response(message, now)
            case Request(operation="close"):
                self._peer_closes(message, now)
            case Request(operation="connect"):
                raise MessageError("DCPC-1321", "unexpected request operation 'connect'")
            case Request():
                self._request(message, now)
            case Notification() if self.phase is Phase.ESTABLISHED:
                self._notification(message, now)

    def _response(self, response: Response, now: float) -> None:
        self._reckon(response, now)
        asked = self._own.answered(response.id)
        if response.id == self._farewell:
            self._end(self._error)
        elif asked is Asked.REQUEST:
            self._events.append(ResponseReceived(response.id, response.success, response.payload))

    def _reckon(self, response: Response, now: float) -> None:
        if self.role is Role.INITIATOR:
            self._clock.heard(response.time, now)

    def _request(self, request: Request, now: float) -> None:
        if len(self._outbox) > 4 * self.options.open_requests:
            self._end(ConnectionEndedError("ENOBUFS", "the peer asks and asks, and takes no answers"))
            return
        self._peers.add(request.id, len(request.payload))
        if request.operation == "keepalive":
            self.respond(request.id, b'{"success":true}', now)
        elif self.phase is not Phase.ESTABLISHED:
            self._peers.end(request.id)
        elif refusal := self._refusal(request, now) or self._overload():
            self.fail(request.id, refusal, now)
        else:
            self._events.append(RequestReceived(request))

    def _notification(self, notification: Notification, now: float) -> None:
        if self._refusal(notification, now):
            return
        self._peers.add(notification.id, len(notification.data))
        if self._overload():  # what needs no answer cannot be refused
            self._end(ConnectionEndedError("ENOBUFS", "the peer tells more than is listened to"))
        else:
            self._events.append(NotificationReceived(notification))

    def _refusal(self, message: Request | Notification, now: float) -> Exception | None:
        if isinstance(message.validity, MessageError):
            return message.validity
        return self._stamps.refusal(message.validity, self.current_time(now))

    def _overload(self) -> ConnectionEndedError | None:
        held = self._peers.bytes + self._outbox.bytes
        if (
            len(self._peers) <= self.options.open_requests
            and held <= self.options.held_bytes
            and self._budget.used + held - self._counted <= self._budget.most
        ):
            return None
        return ConnectionEndedError("EBUSY", "too many requests wait for their answers")

    # Ending

    def _begin_to_close(self, error: ConnectionEndedError, now: float) -> None:
        self.phase, self._error = Phase.CLOSING, error
        self._timers[Timer.CLOSE] = now + self.options.close_timeout

    def _peer_closes(self, request: Request, now: float) -> None:
        """The answer goes out before all else; there is no need to wait for its acknowledgement."""
        error = ConnectionEndedError("ECONNRESET", "connection closed by the peer")
        if self.phase is Phase.ESTABLISHED:
            self._begin_to_close(error, now)
        self._timers[Timer.CLOSE] = now + min(_GOODBYE_WAIT, self.options.close_timeout)
        self._outbox.keep(set())
        self._fail_open(error)
        self._peers.clear()
        self._farewell = request.id
        self._farewell_arrived = True
        self._outbox.add(response_draft(request.id, b'"goodbye"'))
        self._serve(now)

    def _fail(self, drafts: Sequence[Draft], error: ConnectionEndedError) -> None:
        for draft in drafts:
            if self._own.end(draft.id):
                self._events.append(RequestFailed(draft.id, error))

    def _fail_open(self, error: ConnectionEndedError) -> None:
        for identity in self._own.take_waiting():
            self._events.append(RequestFailed(identity, error))

    def _end(self, error: ConnectionEndedError | None) -> None:
        if self.phase is Phase.ENDED:
            return
        self._error = error or ConnectionEndedError("EPIPE", "connection closed")
        self.phase = Phase.ENDED
        self._timers.clear()
        self._fail_open(self._error)
        self._peers.clear()
        self._outbox = Outbox(self._key, self.role.value, self.options.batch)
        self.connected = False
        self._events += [DropTransport(), Ended(self._error)]

    def _without_transport(self) -> None:
        self.connected = False
        self._timers.pop(Timer.ACKNOWLEDGE, None)
        self._outbox.forget_transport()

    def _due(self, timer: Timer, now: float) -> None:
        match timer:
            case Timer.SEND:
                self._serve(now)
            case Timer.ACKNOWLEDGE:
                self._events.append(DropTransport())
                self.transport_lost(now, TimeoutError("no acknowledgement came"))
            case Timer.CONNECT:
                self._end(ConnectionEndedError("ETIMEDOUT", "the peer could not be reached in time"))
            case Timer.LINGER:
                self._end(ConnectionEndedError("ETIMEDOUT", "the initiator did not come back to its session"))
            case Timer.CLOSE:
                self._end(self._error)
