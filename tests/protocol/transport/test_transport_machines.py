"""Both ends of a transport against each other, and each against a peer that does what it wants."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dcp_protocol.transport import extended, socket_io
from dcp_protocol.transport.client_machine import ClientMachine
from dcp_protocol.transport.engine_io import Handshake
from dcp_protocol.transport.failures import TransportError
from dcp_protocol.transport.inbox import Message
from dcp_protocol.transport.limits import Limits
from dcp_protocol.transport.machine import HANDSHAKE_SECONDS, Lost, Machine
from dcp_protocol.transport.server_machine import ServerMachine
from dcp_protocol.transport.texts import Opened

pytestmark = pytest.mark.any_engine

_HANDSHAKE = Handshake("sid", ("websocket",), 10_000, 60_000, 10**6)
_SMALL = Limits(fragment_size=100, fragment_count=100)
_ANNOUNCEMENT = extended.announcement(Limits(), ack_mode=False, ping_interval=10_100).text()


def pair(*, limits: Limits = _SMALL, ack_mode: bool = False) -> tuple[ClientMachine, ServerMachine]:
    client = ClientMachine(0, limits=limits, ack_mode=ack_mode)
    return client, ServerMachine(0, _HANDSHAKE, "socket", limits=limits, ack_mode=ack_mode)


def move(source: Machine, sink: Machine, now: float = 0) -> int:
    packets = 0
    while (packet := source.next_packet()) is not None:
        packets += 1
        sink.packet_received(packet, now)
    return packets


def settle(client: Machine, server: Machine, now: float = 0) -> None:
    while move(server, client, now) + move(client, server, now):
        pass


def opened(**options: object) -> tuple[ClientMachine, ServerMachine]:
    client, server = pair(**options)  # type: ignore[arg-type]
    settle(client, server)
    for machine in (client, server):
        assert [type(event) for event in machine.events()] == [Opened]
        assert machine.is_open
    return client, server


def texts(machine: Machine) -> list[bytes]:
    return [event.text() for event in machine.events() if isinstance(event, Message)]


def lost(machine: Machine) -> TransportError:
    [*_, last] = machine.events()
    assert isinstance(last, Lost)
    assert machine.is_lost
    assert machine.deadline is None
    return last.error


def heard(machine: Machine, text: bytes) -> None:
    machine.packet_received(socket_io.event(text), 0)


def test_the_packets_of_a_conversation() -> None:
    """As the traffic of DCP's programs shows them."""
    client, server = pair()
    opening = server.next_packet()
    assert opening is not None
    assert opening.startswith(b'0{"sid":"sid","upgrades":["websocket"],"pingInterval":10000')
    assert server.next_packet() is None
    client.packet_received(opening, 0)
    assert client.next_packet() == b"40"
    assert client.next_packet() is None
    server.packet_received(b"40", 0)
    assert server.next_packet() == b'40{"sid":"socket"}'
    announced = server.next_packet()
    assert announced is not None
    name, text = json.loads(announced[2:])
    assert (name, text[:6]) == ("message", "E0000P")


@pytest.mark.parametrize("ack_mode", [False, True])
def test_messages_both_ways(ack_mode: bool) -> None:
    client, server = opened(ack_mode=ack_mode)
    long = ("{" + "text é \U0001f600" * 100).encode()
    for machine in (client, server):
        machine.send(long)
        machine.send(b"{}")
    settle(client, server)
    assert texts(server) == [long, b"{}"]
    assert texts(client) == [long, b"{}"]


def test_a_close_sends_what_waits_first() -> None:
    for order in (0, 1):
        closing, other = opened()[:: 1 - 2 * order]
        closing.send(b"{" + b"x" * 1000)
        closing.close()
        assert not closing.is_open
        with pytest.raises(TransportError, match="not open"):
            closing.send(b"{}")
        move(closing, other)
        assert closing.has_ended
        assert lost(closing).code == "EPIPE"
        events = other.events()
        assert isinstance(events[0], Message)
        assert isinstance(events[1], Lost)
        assert events[1].error.code == "ECONNRESET"


@pytest.mark.parametrize("steps", range(6))
def test_the_carrier_is_cut_in_each_state(steps: int) -> None:
    client, server = pair()
    for step in range(steps):
        source, sink = ((server, client), (client, server))[step % 2]
        if (packet := source.next_packet()) is not None:
            sink.packet_received(packet, 0)
    for machine in (client, server):
        machine.carrier_lost(TransportError("ECONNRESET", "cut"))
        assert lost(machine).code == "ECONNRESET"
        assert machine.next_packet() is None
        machine.packet_received(b"2", 0)
        machine.timer(1e9)
        machine.close()
        machine.carrier_lost(TransportError("ECONNRESET", "cut"))
        assert machine.events() == []


def test_a_close_in_each_state() -> None:
    for steps in range(6):
        for closer in (0, 1):
            machines = pair()
            for step in range(steps):
                source, sink = ((1, 0), (0, 1))[step % 2]
                if (packet := machines[source].next_packet()) is not None:
                    machines[sink].packet_received(packet, 0)
            machines[closer].close()
            settle(*machines)
            assert lost(machines[closer]).code == "EPIPE"
            assert machines[1 - closer].is_lost or steps == 0


def test_pings_are_answered_and_silence_ends_both() -> None:
    client, server = opened()
    now = 0.0
    for _ in range(20):
        assert server.deadline == now + 10
        now += 10
        server.timer(now - 1)
        assert server.next_packet() is None
        server.timer(now)
        settle(client, server, now)
        assert client.deadline == now + 70
    server.timer(now + 10)
    client.timer(now + 69)
    server.timer(now + 69)
    assert client.events() == server.events() == []
    client.timer(now + 70)
    server.timer(now + 70)
    assert lost(client).code == lost(server).code == "ETIMEDOUT"


def test_what_comes_while_a_ping_waits_is_a_sign_of_life() -> None:
    _, server = opened()
    server.timer(10)
    server.packet_received(socket_io.event(b"T"), 60)
    server.timer(70)
    assert not server.is_lost
    server.timer(120)
    assert lost(server).code == "ETIMEDOUT"


def test_an_end_that_does_not_read_tells_that_it_lives() -> None:
    client, server = opened()
    client.stalled(0)
    now = 0.0
    for _ in range(10):  # of pings that lie unread
        assert client.deadline == now + 10
        now += 10
        client.timer(now)
        assert move(client, server, now) == 1
        server.timer(now)
        while server.next_packet():
            pass
    client.resumed(now)
    assert client.deadline == now + 70
    server.packet_received(b"3", now)
    server.stalled(now)
    for _ in range(10):
        now += 10
        server.timer(now)
        assert move(server, client, now) == 1
        assert client.deadline == now + 70
        client.next_packet()
    server.resumed(now)
    server.packet_received(b"3", now)
    server.timer(now + 10)
    assert server.next_packet() == b"2"
    server.timer(now + 80)
    assert lost(server).code == "ETIMEDOUT"


def test_a_peer_that_does_not_announce_is_not_waited_for() -> None:
    for machine in pair():
        assert machine.deadline == HANDSHAKE_SECONDS
        machine.timer(HANDSHAKE_SECONDS)
        assert lost(machine).code == "ETIMEDOUT"


def test_messages_before_the_announcement_come_after_it() -> None:
    client = ClientMachine(0)
    client.packet_received(_HANDSHAKE.packet(), 0)
    client.packet_received(b"40", 0)
    heard(client, b"{}")
    assert client.events() == []
    heard(client, _ANNOUNCEMENT)
    assert [type(event) for event in client.events()] == [Opened, Message]


def test_acks_are_sent_to_those_who_want_them() -> None:
    _, server = opened()
    heard(server, b'E0000P{"wantsAck":true}')
    for text in (b"{}", b"E0000Q", b"T", b"A0000-ACK"):
        heard(server, text)
    packets = []
    while (packet := server.next_packet()) is not None:
        packets.append(packet)
    assert packets == [socket_io.event(b"A0000-ACK")] * 3


def test_pings_of_a_peer_that_does_not_read_take_no_memory() -> None:
    client, _ = opened()
    for _ in range(1000):
        client.packet_received(b"2", 0)
    assert client.next_packet() == b"3"
    assert client.next_packet() is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "DCPC-1102"),
        (b"x", "DCPC-1102"),
        (b"E00", "DCPC-1108"),
        (b"E0000P[]", "DCPC-1108"),
        (b'E001dC{"msgId":1,"seq":2,"total":2}x', "DCPC-1108"),
        (b'E0020C{"msgId":1,"seq":2,"total":1000}x', "DCPC-1113"),
        (b'E001dC{"msgId":1,"seq":0,"total":2}' + b"x" * 101, "DCPC-1114"),
    ],
)
def test_a_broken_rule_ends_the_transport_with_its_code(text: bytes, code: str) -> None:
    for machine in opened():
        heard(machine, text)
        assert lost(machine).code == code
        assert machine.next_packet() == b"41"
        assert machine.next_packet() == b"1"
        assert machine.has_ended


@pytest.mark.parametrize(
    "packet", [b"", b"x", b"4", b"43[]", b"45-[]", b"5", b"0{}", b"b4AAA", b"40", b"42[", b"2probe"]
)
def test_packets_that_break_rules(packet: bytes) -> None:
    for machine in opened():
        machine.packet_received(packet, 0)
        assert packet == b"42[" or lost(machine).code == "EPROTO"


def test_packets_that_only_the_other_end_sends() -> None:
    client, server = opened()
    client.packet_received(b"3", 0)
    server.packet_received(b"2", 0)
    assert lost(client).code == lost(server).code == "EPROTO"


def test_a_packet_that_is_too_large() -> None:
    for machine in opened(limits=Limits(fragment_size=100, packet_bytes=1000)):
        machine.packet_received(socket_io.event(b"{" + b"x" * 1000), 0)
        assert lost(machine).code == "DCPC-1114"


def test_a_server_that_refuses() -> None:
    client = ClientMachine(0)
    client.packet_received(_HANDSHAKE.packet(), 0)
    client.packet_received(b'44{"message":"no\x1b[2J"}', 0)
    error = lost(client)
    assert error.permanent
    assert "\x1b" not in str(error)


@pytest.mark.parametrize("packet", [b'42["message","{}"]', b"41", b"40/admin,", b"45", b"44{}"])
def test_a_client_that_does_not_begin_with_connect(packet: bytes) -> None:
    _, server = pair()
    server.packet_received(packet, 0)
    assert lost(server).code == "EPROTO"


@given(
    st.lists(st.binary(max_size=40) | st.sampled_from([b"2", b"3", b"6", b"40", b'42["message","{}"]']), max_size=30)
)
def test_whatever_comes_ends_in_order_or_not_at_all(packets: list[bytes]) -> None:
    for machine in pair():
        machine.packet_received(_HANDSHAKE.packet(), 0)
        for packet in packets:
            machine.packet_received(packet, 0)
            machine.next_packet()
        events = machine.events()
        assert [event for event in events if isinstance(event, Lost)] == events[-1:] * machine.is_lost


class Conversation(RuleBasedStateMachine):
    """Everything that is sent arrives once, in order, whatever moves when, until the carrier is cut or one closes."""

    def __init__(self) -> None:
        super().__init__()
        self.machines: tuple[Machine, Machine] = pair()
        self.now = 0.0
        self.sent: tuple[list[bytes], list[bytes]] = ([], [])
        self.got: tuple[list[bytes], list[bytes]] = ([], [])
        self.lost = [0, 0]
        self.may_be_lost = False

    @rule(end=st.sampled_from((0, 1)), text=st.text(max_size=400))
    def send(self, end: int, text: str) -> None:
        message = b"{" + text.encode()
        if self.machines[end].is_open:
            self.machines[end].send(message)
            self.sent[end].append(message)
        else:
            with pytest.raises(TransportError):
                self.machines[end].send(message)

    @rule(end=st.sampled_from((0, 1)), most=st.integers(1, 10))
    def move(self, end: int, most: int) -> None:
        for _ in range(most):
            if (packet := self.machines[end].next_packet()) is None:
                return
            self.machines[1 - end].packet_received(packet, self.now)

    @rule(seconds=st.floats(0, 9))
    def wait(self, seconds: float) -> None:
        for end in (0, 1):
            self.move(end, 10**6)
        self.now += seconds
        for machine in self.machines:
            machine.timer(self.now)

    @precondition(lambda self: not self.may_be_lost)
    @rule(end=st.sampled_from((0, 1)))
    def close(self, end: int) -> None:
        self.machines[end].close()
        self.may_be_lost = True

    @rule(end=st.sampled_from((0, 1)))
    def look(self, end: int) -> None:
        for event in self.machines[end].events():
            assert not self.lost[end]
            if isinstance(event, Message):
                self.got[end].append(event.text())
            elif isinstance(event, Lost):
                self.lost[end] += 1

    @invariant()
    def in_order(self) -> None:
        for end in (0, 1):
            assert self.got[end] == self.sent[1 - end][: len(self.got[end])]
            assert self.may_be_lost or not self.machines[end].is_lost

    def teardown(self) -> None:
        closer = next((end for end in (0, 1) if self.machines[end]._is_closing), None)
        settle(*self.machines, self.now)
        for end in (0, 1):
            self.look(end)
            if not self.may_be_lost or closer == 1 - end:
                assert self.got[end] == self.sent[1 - end]


Conversation.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestConversation = Conversation.TestCase
