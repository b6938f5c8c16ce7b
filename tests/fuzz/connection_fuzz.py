"""Both ends of DCP's connection, to which a hostile peer says what it likes.

python tests/fuzz/connection_fuzz.py [--seconds N] [--seed N] [--only SEED]

A machine talks with one that keeps the rules, whose key the fuzzer has: it changes bodies before they are sealed and
texts after that, sends arbitrary ones, again or in another order, loses transports and lets time pass. It fails on any
exception, an event after the last one, a request that is handed out twice, a connection that does not end in time, and
more output, state or CPU time than the input can ask for.
"""

from __future__ import annotations

import contextlib
import random
import sys
from collections import deque
from types import SimpleNamespace

from rounds import FaultError, run_rounds

from dcp_protocol.connection.events import (
    DropTransport,
    Ended,
    Event,
    OpenTransport,
    RequestReceived,
    Seal,
    Send,
)
from dcp_protocol.connection.machine import Machine, Phase, Role
from dcp_protocol.connection.options import ConnectionOptions
from dcp_protocol.errors import ConnectionEndedError, MessageError
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.messages import identifiers
from dcp_protocol.messages.bodies import read_message
from dcp_protocol.messages.sealed import open_sealed, seal

_KEYS = {Role.INITIATOR: PrivateKey(b"\1" * 32), Role.TARGET: PrivateKey(b"\2" * 32)}
_OPTIONS = ConnectionOptions(open_requests=8, held_bytes=100_000, inline_bytes=2000)
_STEPS = 60
_WORDS = [
    b'"connect"', b'"close"', b'"keepalive"', b'"request"', b'"response"', b'"notification"', b'"batch"', b'"ack"',
    b"null", b"true", b"false", b"0", b"-1", b"1e999", b"[]", b"{}", b"[[[[", b'""', b'"jsonData":"1"', b'"payload":',
    b'"nonce":', b'"dcpsid":', b'"data":', b"\\u0000", b"\xff", b'"', b"\\", b"9" * 400, b"[" * 2000, b'"a":1,' * 100,
]  # fmt: skip


class Talk:
    """``honest`` is the end under test; ``foul`` keeps the rules but for what the fuzzer makes of its texts."""

    def __init__(self, source: random.Random) -> None:
        self.source = source
        self.now = 1000.0
        roles = [Role.INITIATOR, Role.TARGET]
        source.shuffle(roles)
        self.honest, self.foul = (Machine(role, _KEYS[role], _OPTIONS, clock=self.clock) for role in roles)
        self.events: deque[tuple[Machine, Event]] = deque()
        self.is_obeying = False
        self.up = False
        self.ended = False
        self.wants_transport = False
        self.handed: set[str] = set()
        self.open: list[str] = []
        self.said: list[bytes] = []
        self.received = self.sent = 0
        for machine in (self.honest, self.foul):
            machine.start(self.now)
            self.obey(machine)
        if source.random() < 0.9:
            self.reconnect()

    def clock(self) -> float:
        return self.now + 1.8e9

    def obey(self, machine: Machine) -> None:
        """Events in their order, also those that come up meanwhile."""
        self.events.extend((machine, event) for event in machine.events())
        if self.is_obeying:
            return
        self.is_obeying = True
        while self.events:
            self.do(*self.events.popleft())
        self.is_obeying = False

    def do(self, machine: Machine, event: Event) -> None:
        other = self.foul if machine is self.honest else self.honest
        if machine is self.honest:
            self.look(event)
        match event:
            case Send(text) if machine is self.honest:
                other.message_received(text, self.now)
            case Send(text):
                self.say(text)
            case Seal(token, work):
                machine.sealed(token, work(), self.now)
            case OpenTransport():
                self.wants_transport = True
            case DropTransport():
                self.wants_transport = False
                self.lose(other)
        self.obey(machine)
        self.obey(other)

    def look(self, event: object) -> None:
        if self.ended:
            raise FaultError(f"{type(event).__name__} after the end")
        match event:
            case RequestReceived(request):
                if request.id in self.handed and request.id in self.open:
                    raise FaultError("a request was handed out twice")
                self.handed.add(request.id)
                self.open.append(request.id)
            case Send(text):
                self.sent += len(text)
            case Ended():
                self.ended = True

    def lose(self, told: Machine) -> None:
        if self.up:
            self.up = False
            told.transport_lost(self.now)
            self.obey(told)

    def reconnect(self) -> None:
        self.wants_transport, self.up = False, True
        for machine in (self.honest, self.foul):
            machine.transport_opened(self.now)
        for machine in (self.foul, self.honest):
            self.obey(machine)

    def say(self, text: bytes) -> None:
        """Mostly as it is, so that the talk goes on."""
        self.said = [*self.said[-20:], text]
        if self.source.random() < 0.1:
            text = self.spoil(text)
        self.hear(text)

    def hear(self, text: bytes) -> None:
        if not self.up:
            return
        self.received += len(text)
        self.honest.message_received(text, self.now)
        self.obey(self.honest)
        if self.sent > 100_000 + 20 * self.received:
            raise FaultError(f"{self.sent} bytes for {self.received}")

    def spoil(self, text: bytes) -> bytes:
        if self.source.random() < 0.3:
            return mutated(self.source, text)
        try:
            body = open_sealed(text).body.tobytes()
        except MessageError:
            return text
        key = _KEYS[self.foul.role] if self.source.random() < 0.95 else _KEYS[self.honest.role]
        return seal(key, [mutated(self.source, body)])

    def step(self) -> None:
        match self.source.randrange(10):
            case 0:
                self.hear(mutated(self.source, self.source.choice([*self.said, b""])))
            case 1 if self.said:
                self.hear(self.source.choice(self.said))
            case 2 if self.said:
                self.hear(self.spoil(self.source.choice(self.said)))
            case 3 if self.source.random() < 0.3:
                for machine in (self.honest, self.foul):
                    self.lose(machine)
                    self.up = True
                self.up = False
            case 4:
                self.now += self.source.choice([0.0, 0.1, 2.0, 200.0])
                for machine in (self.honest, self.foul):
                    machine.timer(self.now)
                    self.obey(machine)
            case 5 if self.open:
                self.honest.respond(self.open.pop(), b'"%s"' % (b"x" * self.source.choice([0, 5000])), self.now)
            case 6 if self.wants_transport:
                self.reconnect()
            case _:
                self.ask(self.source.choice([self.honest, self.foul, self.foul]))
        for machine in (self.honest, self.foul):
            if (due := machine.deadline) is not None and due <= self.now:
                machine.timer(self.now)
            self.obey(machine)

    def ask(self, machine: Machine) -> None:
        data = b'{"a":[1,"%s"]}' % (b"y" * self.source.choice([0, 3, 3000]))
        try:
            if self.source.random() < 0.2:
                machine.notify(data, self.now)
            elif machine.has_room(len(data)):
                machine.request(self.source.choice(["work", "keepalive"]), data, self.now)
        except ConnectionEndedError:
            if machine.phase not in (Phase.CLOSING, Phase.ENDED):
                raise

    def finish(self) -> None:
        """Without its peer the machine ends, at the latest when the times of its options are over."""
        for _ in range(2000):
            if self.honest.phase is Phase.ENDED:
                return
            self.lose(self.honest)
            if (due := self.honest.deadline) is not None:
                self.now = max(self.now, due) + 100.0
                self.honest.timer(self.now)
            self.up = False
            self.obey(self.honest)
        raise FaultError("the connection does not end")


def mutated(source: random.Random, text: bytes) -> bytes:
    data = bytearray(text)
    for _ in range(source.choice([1, 1, 1, 2, 5])):
        at = source.randrange(len(data) + 1)
        match source.randrange(6):
            case 0 if data:
                data[at % len(data)] = source.randrange(256)
            case 1:
                data[at:at] = source.choice(_WORDS)
            case 2:
                del data[at : at + source.choice([1, 2, 10, 1000])]
            case 3:
                end = min(len(data), at + source.choice([1, 10, 100]))
                data[at:at] = data[at:end]
            case 4:
                data[at : at + source.choice([1, 4, 20])] = source.choice(_WORDS)
            case _:
                data = bytearray(source.randbytes(source.choice([0, 1, 50]))) + data[at:]
    return bytes(data)


def talk(source: random.Random) -> None:
    identifiers.secrets = SimpleNamespace(token_bytes=source.randbytes)  # type: ignore[assignment]
    conversation = Talk(source)
    for _ in range(_STEPS):
        conversation.step()
    conversation.finish()
    with contextlib.suppress(MessageError):
        read_message(mutated(source, conversation.said[-1] if conversation.said else b"{}"))


if __name__ == "__main__":
    sys.exit(run_rounds(__doc__, talk, "talks"))
