"""Two ends of a connection over a network that loses transports, with a clock of its own."""

from __future__ import annotations

import json
from collections import Counter, deque

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dcp_protocol.connection.events import (
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
from dcp_protocol.connection.machine import Machine, Phase, Role
from dcp_protocol.connection.options import Budget, ConnectionOptions
from dcp_protocol.connection.unknown_session import UnknownSession
from dcp_protocol.errors import ConnectionEndedError
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.messages.bodies import read_message
from dcp_protocol.messages.drafts import Stage, ack_body, message_body, request_draft
from dcp_protocol.messages.sealed import seal
from dcp_protocol.transport.backoff import Backoff

pytestmark = pytest.mark.any_engine

KEYS = {Role.INITIATOR: PrivateKey(b"\x01" * 32), Role.TARGET: PrivateKey(b"\x02" * 32)}


class End:
    """A machine, what it has told, and the texts on their way to it."""

    def __init__(self, role: Role, options: ConnectionOptions, wrong_by: float = 0.0) -> None:
        self.role, self.options, self.wrong_by = role, options, wrong_by
        self.restart(1000.0)
        self.coming: deque[bytes] = deque()
        self.handled: Counter[str] = Counter()
        self.notified: Counter[int] = Counter()
        self.answers: dict[str, tuple[bool, object]] = {}
        self.failed: dict[str, str] = {}
        self.asked: dict[str, int] = {}
        self.wants_transport = False
        self.listens = True

    def restart(self, now: float) -> None:
        """A program begins anew, and knows no session."""
        self.now, self.started = now, 0
        self.open: list[str] = []
        self.seals: list[Seal] = []
        self.ended: Ended | None = None
        clock = lambda: self.now + 1.8e9 + self.wrong_by  # noqa: E731
        self.machine = Machine(self.role, KEYS[self.role], self.options, backoff=Backoff(), clock=clock)
        self.machine.start(now)


class Network:
    """One transport at a time between an initiator and a target; what is under way is lost with it."""

    def __init__(self, options: ConnectionOptions | None = None, wrong_by: float = 0.0) -> None:
        self.options = options or ConnectionOptions()
        self.now = 1000.0
        self.initiator = End(Role.INITIATOR, self.options, wrong_by)
        self.target = End(Role.TARGET, self.options)
        self.up = False
        self.numbers = 0
        self.settle()

    @property
    def ends(self) -> tuple[End, End]:
        return self.initiator, self.target

    def other(self, end: End) -> End:
        return self.target if end is self.initiator else self.initiator

    def settle(self) -> None:
        """Does what the machines ask for."""
        for end in self.ends:
            for event in end.machine.events():
                self.obey(end, event)

    def obey(self, end: End, event: Event) -> None:
        assert not end.ended, "an event after the last one"
        match event:
            case OpenTransport():
                end.wants_transport = True
            case DropTransport():
                end.wants_transport = False
                self.drop(told=self.other(end), keep=True)
            case Send(text):
                if self.up:  # otherwise it is lost: the other end has dropped the transport
                    self.other(end).coming.append(text)
            case Seal():
                end.seals.append(event)
            case SessionStarted():
                end.started += 1
            case RequestReceived(request):
                end.handled[request.id] += 1
                end.open.append(request.id)
            case NotificationReceived(notification):
                end.notified[notification.data.value] += 1
                if end.listens:
                    end.machine.heard(notification.id)
            case ResponseReceived(identity, success, payload):
                assert identity in end.asked and identity not in end.answers and identity not in end.failed
                end.answers[identity] = success, payload.value
            case RequestFailed(identity, error):
                assert identity not in end.answers and identity not in end.failed
                end.failed[identity] = error.code
            case Ended():
                end.ended = event

    def connect(self) -> None:
        """The initiator's wish for a transport comes true."""
        assert self.initiator.wants_transport
        self.initiator.wants_transport = False
        if self.target.ended and self.initiator.machine.session is None:
            self.target.restart(self.now)
        self.up = True
        for end in self.ends:
            end.coming.clear()
            if not end.ended:
                end.machine.transport_opened(self.now)
        self.settle()
        if self.target.ended:
            self.meet_stranger()

    def meet_stranger(self) -> None:
        """The target does not know the session any more: it asks the initiator to close."""
        first = read_message(self.target.coming.popleft())
        stranger = UnknownSession(KEYS[Role.TARGET], first, self.now)
        while self.up and stranger.deadline is not None and not self.initiator.ended:
            self.advance(stranger.deadline - self.now)
            stranger.timer(self.now)
            for event in stranger.events():
                if isinstance(event, Send):
                    self.initiator.machine.message_received(event.text, self.now)
                else:
                    self.drop()
            self.settle()

    def drop(self, told: End | None = None, keep: bool = False) -> None:
        """The transport ends; what the dropping side has sent before still arrives if ``keep``."""
        if not self.up:
            return
        self.up = False
        for end in self.ends:
            if end.ended:
                continue
            if keep and end is told:
                while end.coming and not end.ended:
                    end.machine.message_received(end.coming.popleft(), self.now)
            end.coming.clear()
            if told in (None, end):
                end.machine.transport_lost(self.now)
        self.settle()

    def deliver(self, end: End) -> None:
        if end.coming:
            end.machine.message_received(end.coming.popleft(), self.now)
            self.settle()

    def advance(self, seconds: float) -> None:
        self.now += seconds
        for end in self.ends:
            end.now = self.now
            while (due := end.machine.deadline) is not None and due <= self.now:
                end.machine.timer(self.now)
                self.settle()

    def seal(self, end: End) -> None:
        if end.seals:
            event = end.seals.pop(0)
            end.machine.sealed(event.token, event.work(), self.now)
            self.settle()

    def ask(self, end: End, size: int = 0) -> str:
        self.numbers += 1
        data = json.dumps([self.numbers, "x" * size], separators=(",", ":")).encode()
        identity = end.machine.request("work", data, self.now)
        end.asked[identity] = self.numbers
        self.settle()
        return identity

    def answer(self, end: End, position: int = 0) -> None:
        if end.open:
            identity = end.open.pop(position % len(end.open))
            end.machine.respond(identity, json.dumps(identity).encode(), self.now)
            self.settle()

    def finish(self, rounds: int = 1000) -> None:
        """Lets all that is under way come to its end on a network that is well."""
        for _ in range(rounds):
            before = [(len(end.coming), len(end.open), len(end.seals), end.wants_transport) for end in self.ends]
            if self.initiator.wants_transport:
                self.connect()
            for end in self.ends:
                self.seal(end)
                self.deliver(end)
                self.answer(end)
            self.advance(0.0)
            quiet = not any(any(part) for part in before)
            waiting = any(set(end.asked) - set(end.answers) - set(end.failed) for end in self.ends)
            if quiet and not waiting:
                return
            if quiet:
                self.advance(60.0)

    def check(self) -> None:
        for end in self.ends:
            assert all(count == 1 for count in end.handled.values()), "a request was handled twice"
            assert all(count == 1 for count in end.notified.values())
            assert set(end.handled) <= set(self.other(end).asked)
            assert end.started <= 1
            for identity, answer in end.answers.items():
                assert answer == (True, identity)

    def check_finished(self) -> None:
        """Each request was handled once and answered, or the connection has ended with a code."""
        self.check()
        for end in self.ends:
            for identity in end.asked:
                if identity in end.answers:
                    assert self.other(end).handled[identity] == 1
                else:
                    assert identity in end.failed, "neither an answer nor an end"


SMALL = ConnectionOptions(inline_bytes=100)


@settings(max_examples=200, stateful_step_count=60, suppress_health_check=list(HealthCheck))
class LossyNetwork(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.network = Network(SMALL, wrong_by=3600.0)

    def end(self, initiator: bool) -> End:
        return self.network.initiator if initiator else self.network.target

    @precondition(lambda self: self.network.initiator.wants_transport)
    @rule(works=st.booleans())
    def connects(self, works: bool) -> None:
        if works:
            self.network.connect()
        else:
            self.network.initiator.wants_transport = False
            self.network.initiator.machine.transport_lost(self.network.now)
            self.network.settle()

    @rule(initiator=st.booleans(), times=st.integers(1, 4))
    def delivers(self, initiator: bool, times: int) -> None:
        for _ in range(times):
            self.network.deliver(self.end(initiator))

    @rule(initiator=st.booleans())
    def repeats(self, initiator: bool) -> None:
        """The peer sends its last text again, as after a resume."""
        end = self.end(initiator)
        if end.coming:
            end.coming.insert(1, end.coming[0])

    @rule()
    def drops(self) -> None:
        self.network.drop()

    @rule(initiator=st.booleans(), size=st.sampled_from([0, 0, 0, 500]))
    def asks(self, initiator: bool, size: int) -> None:
        end = self.end(initiator)
        if end.machine.phase in (Phase.CONNECTING, Phase.ESTABLISHED):
            self.network.ask(end, size)

    @rule(initiator=st.booleans(), position=st.integers(0, 5))
    def answers(self, initiator: bool, position: int) -> None:
        self.network.answer(self.end(initiator), position)

    @rule(initiator=st.booleans())
    def notifies(self, initiator: bool) -> None:
        end = self.end(initiator)
        if end.machine.phase in (Phase.CONNECTING, Phase.ESTABLISHED):
            self.network.numbers += 1
            end.machine.notify(b"%d" % self.network.numbers, self.network.now)

    @rule(initiator=st.booleans())
    def seals(self, initiator: bool) -> None:
        self.network.seal(self.end(initiator))

    @rule(seconds=st.sampled_from([0.0, 0.0, 0.01, 1.0, 5.0, 30.0, 130.0]))
    def waits(self, seconds: float) -> None:
        self.network.advance(seconds)

    @rule(initiator=st.booleans(), likely=st.integers(0, 9))
    def closes(self, initiator: bool, likely: int) -> None:
        if likely == 0:
            self.end(initiator).machine.close(self.network.now)
            self.network.settle()

    @invariant()
    def nothing_twice(self) -> None:
        self.network.check()

    def teardown(self) -> None:
        self.network.finish()
        self.network.check_finished()


TestLossyNetwork = LossyNetwork.TestCase


def established(options: ConnectionOptions | None = None) -> Network:
    network = Network(options)
    network.finish()
    assert network.initiator.started == network.target.started == 1
    return network


def ended_with(end: End) -> str:
    assert end.ended
    return end.ended.error.code


def test_requests_in_both_directions_are_answered() -> None:
    network = established()
    for _ in range(50):
        network.ask(network.initiator)
        network.ask(network.target)
    network.finish()
    network.check_finished()
    assert len(network.initiator.answers) == len(network.target.answers) == 50


def test_what_waits_for_an_acknowledgement_goes_out_in_batches_of_20() -> None:
    network = established()
    for _ in range(45):
        network.ask(network.initiator)
    network.advance(0.0)
    sizes = []
    while network.target.coming:
        body = read_message(network.target.coming[0]).body
        sizes.append(len(body.messages)) if hasattr(body, "messages") else None
        network.deliver(network.target)
        network.deliver(network.initiator)
    assert sizes == [20, 20, 5]


@pytest.mark.parametrize("by", ["initiator", "target"])
def test_a_close_is_told_to_the_peer(by: str) -> None:
    network = established()
    closing = getattr(network, by)
    network.ask(network.other(closing))
    network.advance(0.0)
    closing.machine.close(network.now)
    network.settle()
    network.finish()
    assert ended_with(closing) == "EPIPE"
    assert ended_with(network.other(closing)) == "ECONNRESET"


def test_no_acknowledgement_in_time_drops_the_transport() -> None:
    network = established()
    network.ask(network.initiator)
    network.advance(0.0)
    network.target.coming.clear()
    network.advance(119.0)
    assert network.up
    network.advance(2.0)
    assert not network.up and network.initiator.wants_transport
    network.finish()
    assert len(network.initiator.answers) == 1


def test_the_wait_before_each_attempt_grows() -> None:
    machine = Machine(Role.INITIATOR, KEYS[Role.INITIATOR])
    machine.start(0.0)
    waits = []
    for _ in range(9):
        for event in machine.events():
            assert isinstance(event, OpenTransport)
            waits.append(event.after)
        machine.transport_lost(0.0, OSError("refused"))
    assert waits == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 30.0, 30.0, 30.0]


def test_an_initiator_gives_up_in_time() -> None:
    network = Network(ConnectionOptions(connect_timeout=60.0))
    network.advance(61.0)
    assert ended_with(network.initiator) == "ETIMEDOUT"


def test_an_initiator_gives_up_on_its_session_in_time() -> None:
    network = established()
    network.drop()
    network.advance(7201.0)
    assert ended_with(network.initiator) == "ETIMEDOUT"
    network.advance(100.0)
    assert ended_with(network.target) == "ETIMEDOUT"


def test_a_permanent_failure_of_the_transport_ends_the_connection() -> None:
    network = Network()
    network.initiator.machine.transport_lost(network.now, OSError("404"), permanent=True)
    network.settle()
    assert ended_with(network.initiator) == "DCPC-1014"


def test_an_answer_that_nobody_waits_for_is_dropped() -> None:
    network = established()
    sent = network.ask(network.initiator)
    network.advance(0.0)
    unsent = network.ask(network.initiator)
    for identity in (sent, unsent):
        network.initiator.machine.forget(identity)
        del network.initiator.asked[identity]
    while network.target.coming or network.initiator.coming or network.target.open:
        network.deliver(network.target)
        network.deliver(network.initiator)
        network.answer(network.target)
        network.advance(0.0)
    assert list(network.target.handled) == [sent]
    assert not network.initiator.answers and not network.initiator.ended


def test_a_peer_with_another_address_than_before_is_refused() -> None:
    other = PrivateKey(b"\x03" * 32).address
    network = Network()
    network.initiator.machine = Machine(Role.INITIATOR, KEYS[Role.INITIATOR], expected_peer=other)
    network.initiator.machine.start(network.now)
    network.settle()
    network.finish()
    assert ended_with(network.initiator) == "EADDRCHANGE"
    assert not network.initiator.started


def forged(network: Network, body: bytes, key: PrivateKey | None = None) -> None:
    """A text from the initiator's key that the initiator's machine would not send."""
    network.target.coming.append(seal(key or KEYS[Role.INITIATOR], [body]))
    network.deliver(network.target)


def foreign_request(network: Network, nonce: str | None, session: str | None, operation: str = "work") -> bytes:
    stage = Stage(session, network.now + 1.8e9, KEYS[Role.INITIATOR].address, None)
    return b"".join(map(bytes, message_body([request_draft("forged", operation, b"1")], stage, "token", nonce)))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"type":"ack","token":"unknown","nonce":"n"}', "EINVAL"),
        (b'{"type":"riddle","id":"1","ackToken":"2"}', "EINVAL"),
        (b"[]", "EINVAL"),
        (b'{"type":"request","id":"1","ackToken":"2","payload":{"operation":7}}', "EINVAL"),
    ],
)
def test_a_message_that_breaks_a_rule_ends_the_connection(body: bytes, code: str) -> None:
    network = established()
    forged(network, body)
    network.finish()
    network.advance(8.0)
    assert ended_with(network.target) == code


def test_a_wrong_nonce_or_session_or_owner_ends_the_connection() -> None:
    for nonce, same, owner, code in [
        ("guessed", True, None, "DCPC-1026"),
        ("guessed", False, None, "EDCPSID"),
        (None, True, PrivateKey(b"\x05" * 32), "EINVAL"),
    ]:
        network = established()
        session = network.target.machine.session if same else "another"
        forged(network, foreign_request(network, nonce, session), owner)
        network.advance(8.0)
        assert ended_with(network.target) == code


def test_a_signature_of_another_text_ends_the_connection() -> None:
    network = established()
    text = seal(KEYS[Role.INITIATOR], [ack_body(network.target.machine.session, "token", "nonce", "id")])
    network.target.coming.append(text.replace(b'"nonce":"nonce"', b'"nonce":"other"'))
    network.deliver(network.target)
    network.advance(8.0)
    assert ended_with(network.target) == "EINVAL"


@pytest.mark.parametrize(
    ("offset", "code"), [(0.0, None), (590.0, None), (-590.0, None), (700.0, "ETIMETRAVEL"), (-800.0, "EEXPIRED")]
)
def test_requests_from_another_time_are_answered_with_an_error(offset: float, code: str | None) -> None:
    network = established()
    assert network.initiator.machine.session
    stage_time = network.now + 1.8e9 + offset
    network.initiator.machine._clock.heard(stage_time, network.now)  # the initiator's idea of the target's clock
    identity = network.ask(network.initiator)
    network.finish()
    success, payload = network.initiator.answers[identity]
    assert success is (code is None)
    assert code is None or (isinstance(payload, dict) and payload["code"] == code)


def test_a_clock_that_is_one_hour_off_does_no_harm() -> None:
    for wrong_by in (3600.0, -3600.0):
        network = Network(wrong_by=wrong_by)
        identity = network.ask(network.initiator)
        network.finish()
        assert network.initiator.answers[identity] == (True, identity)


def test_a_session_that_the_target_does_not_know_ends() -> None:
    network = established()
    network.ask(network.initiator)
    network.target.restart(network.now)
    network.target.ended = Ended(ConnectionEndedError("EPIPE", "the program was ended"))
    network.drop()
    network.connect()
    assert ended_with(network.initiator) == "ECONNRESET"
    assert list(network.initiator.failed.values()) == ["ECONNRESET"]


def test_a_peer_of_another_version_gets_no_session() -> None:
    network = Network()
    network.connect()
    body = (
        b'{"id":"1","type":"request","payload":{"operation":"connect","data":{"version":"4.0.0","sid":"s"}},'
        b'"time":1,"ackToken":"t","nonce":null}'
    )
    network.target.coming.clear()
    forged(network, body)
    assert ended_with(network.target) == "EVERSION"
    network.finish()
    assert ended_with(network.initiator) in ("EVERSION", "EINVAL", "ETIMEDOUT")


def test_too_many_requests_are_answered_with_busy() -> None:
    network = established(ConnectionOptions(open_requests=5))
    network.initiator.machine.options = ConnectionOptions()
    asked = [network.ask(network.initiator) for _ in range(8)]
    for _ in range(20):
        network.advance(0.0)
        network.deliver(network.target)
        network.deliver(network.initiator)
    refused = [identity for identity in asked if identity in network.initiator.answers]
    assert len(refused) == 3
    for identity in refused:
        success, payload = network.initiator.answers.pop(identity)
        assert not success and isinstance(payload, dict) and payload["code"] == "EBUSY"
    assert len(network.target.open) == 5 and not network.target.ended


def test_more_notifications_than_are_listened_to_end_the_connection() -> None:
    network = established(ConnectionOptions(open_requests=5))
    network.initiator.machine.options = ConnectionOptions()
    network.target.listens = False
    for number in range(6):
        network.initiator.machine.notify(b"%d" % number, network.now)
    network.advance(0.0)
    network.finish()
    assert ended_with(network.target) == "ENOBUFS"
    assert len(network.target.notified) == 5


def test_what_connections_may_hold_together_is_bounded() -> None:
    budget = Budget(1000)
    network = established()
    network.target.machine._budget = budget
    asked = [network.ask(network.initiator, 600) for _ in range(2)]
    for _ in range(20):
        network.advance(0.0)
        network.deliver(network.target)
        network.deliver(network.initiator)
    success, payload = network.initiator.answers.pop(asked[1])
    assert not success and isinstance(payload, dict) and payload["code"] == "EBUSY"
    network.answer(network.target)
    network.finish()
    assert network.initiator.answers[asked[0]] == (True, asked[0])
    assert budget.used == 0


def test_a_peer_that_is_silent_after_a_resume_loses_its_transport() -> None:
    network = established()
    network.drop()
    network.connect()
    network.ask(network.initiator)
    network.initiator.coming.clear()
    network.target.coming.clear()
    network.advance(121.0)
    network.finish()
    assert len(network.initiator.answers) == 1
