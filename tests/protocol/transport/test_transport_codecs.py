"""Packets and extended messages, written and read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcp_protocol.transport import engine_io, extended, socket_io
from dcp_protocol.transport.engine_io import Handshake
from dcp_protocol.transport.extended import Announcement, FragmentHeader
from dcp_protocol.transport.failures import TransportError
from dcp_protocol.transport.limits import Limits

pytestmark = pytest.mark.any_engine

_OPEN = {"sid": "a-B_9", "upgrades": ["websocket"], "pingInterval": 10100, "pingTimeout": 60010, "maxPayload": 1e9}
_ANNOUNCED = (
    b'E0000P{"canOoo":true,"canAck":true,"wantsConcat":true,"wantsAck":false,"rxMaxFragmentSize":300000,'
    b'"rxMaxFragmentCount":0,"pingInterval":10100,"hasAnnounced":true}'
)


def opening(**changes: object) -> bytes:
    said = {name: value for name, value in {**_OPEN, **changes}.items() if value is not ...}
    return b"0" + json.dumps(said).encode()


def split(body: bytes, size: int) -> list[bytes]:
    splitter = engine_io.PacketSplitter(100)
    packets = [packet for at in range(0, len(body), size) for packet in splitter.feed(body[at : at + size])]
    return [*packets, splitter.last()]


def test_a_handshake_as_engine_io_sends_it() -> None:
    handshake = engine_io.parse_handshake(opening(maxPayload=10**9))
    assert handshake == Handshake("a-B_9", ("websocket",), 10100, 60010, 10**9)
    assert engine_io.parse_handshake(handshake.packet()) == handshake
    assert engine_io.parse_handshake(opening(maxPayload=..., more=[1])).max_payload == 1_000_000


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"0",
        b"4hello",
        b"0[]",
        b"0" + b"[" * 4000,
        b'0"\xff"',
        opening(sid=""),
        opening(sid="a b\n"),
        opening(sid="x" * 200),
        opening(sid=7),
        opening(upgrades="websocket"),
        opening(pingInterval=0),
        opening(pingInterval=1e12),
        opening(pingTimeout="60"),
        opening(pingTimeout=True),
        opening(maxPayload=0),
        opening(more="x" * 5000),
    ],
)
def test_no_handshake(packet: bytes) -> None:
    with pytest.raises(TransportError) as raised:
        engine_io.parse_handshake(packet)
    assert raised.value.code == "EPROTO"


@given(st.lists(st.binary(min_size=1, max_size=100).map(lambda packet: packet.replace(b"\x1e", b"-")), min_size=1))
def test_packets_of_a_body(packets: list[bytes]) -> None:
    body = engine_io.join_packets(packets)
    for size in (1, 7, len(body)):
        assert split(body, size) == packets


@pytest.mark.parametrize("body", [b"", b"\x1e", b"2\x1e", b"\x1e2", b"2\x1e\x1e2"])
def test_an_empty_packet_is_a_fault(body: bytes) -> None:
    with pytest.raises(TransportError, match="empty"):
        split(body, 1)


def test_of_a_body_no_more_than_a_packet_is_kept() -> None:
    with pytest.raises(TransportError, match="more than 100 bytes"):
        split(b"x" * 101, 10)


@given(st.text())
def test_texts_of_events(text: str) -> None:
    packet = socket_io.event(text.encode())
    assert json.loads(packet[2:]) == ["message", text]
    assert socket_io.text_of(packet) == text.encode()
    assert socket_io.text_of(b"42" + json.dumps(["message", text], separators=(",", ":")).encode()) == text.encode()


@given(st.text(st.characters(exclude_categories=())))
def test_halves_of_surrogate_pairs_are_kept(text: str) -> None:
    """JSON.stringify writes them as escapes."""
    packet = b'42["message",' + json.dumps(text).encode() + b"]"
    units = text.encode("utf-16-le", errors="surrogatepass").decode("utf-16-le", errors="surrogatepass")
    assert socket_io.text_of(packet) == units.encode(errors="surrogatepass")


@pytest.mark.parametrize("packet", [b'42["other","text"]', b"42[]", b"42/admin,[]", b'427["message","text"]'])
def test_events_that_are_not_dcps_are_not_heard(packet: bytes) -> None:
    assert socket_io.text_of(packet) is None


@pytest.mark.parametrize(
    "rest",
    [b"", b"]", b'"text"', b'"text",1]', b"7]", b"{}]", b'"text]', b'"\xff"]', b'"\\u12"]', b'"a","b"]', b"[" * 9999],
)
def test_events_that_carry_no_text(rest: bytes) -> None:
    with pytest.raises(TransportError) as raised:
        socket_io.text_of(b'42["message",' + rest)
    assert raised.value.code == "EPROTO"


def test_an_announcement_as_dcp_makes_it() -> None:
    peer = Announcement().changed_by(_ANNOUNCED[6:])
    assert peer == Announcement(True, True, True, False, 300_000, 0, 10100, True)
    mine = extended.announcement(Limits(fragment_count=0), ack_mode=False, ping_interval=10100)
    assert json.loads(mine.text()[6:]) == json.loads(_ANNOUNCED[6:])


def test_a_later_announcement_changes_what_it_names() -> None:
    peer = Announcement().changed_by(_ANNOUNCED[6:]).changed_by(b'{"rxMaxFragmentSize":1000,"new":[1]}')
    assert (peer.rx_max_fragment_size, peer.can_ooo, peer.has_announced) == (1000, True, True)
    assert peer.changed_by(b'{"hasAnnounced":false}').has_announced


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"null",
        b'{"rxMaxFragmentSize":0}',
        b'{"rxMaxFragmentSize":1.5}',
        b'{"rxMaxFragmentSize":-300000}',
        b'{"rxMaxFragmentSize":1e400}',
        b'{"rxMaxFragmentCount":"many"}',
        b'{"canOoo":1}',
        b'{"x":' + b"[" * 60_000,
        b'{"x":"' + b"x" * 70_000 + b'"}',
    ],
)
def test_no_announcement(payload: bytes) -> None:
    with pytest.raises(TransportError) as raised:
        Announcement().changed_by(payload)
    assert raised.value.code == "DCPC-1108"


@given(st.integers(-(2**53) + 1, 2**53 - 1), st.integers(0, 10**6), st.integers(1, 10**6), st.binary())
def test_headers_of_fragments(msg_id: int, seq: int, more: int, payload: bytes) -> None:
    header = FragmentHeader(msg_id, seq, seq + more)
    kind, said, rest = extended.split(header.text() + payload)
    assert (kind, rest) == (b"C", payload)
    assert extended.fragment_header(said) == header


@pytest.mark.parametrize("text", [b"E", b"E0000", b"E00", b"E00g0P", b"E -1P", b"E0005Cabc", "E0002Cé".encode()])
def test_no_extended_message(text: bytes) -> None:
    with pytest.raises(TransportError) as raised:
        extended.split(text)
    assert raised.value.code == "DCPC-1108"


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"[]",
        b'{"msgId":1,"seq":0}',
        b'{"msgId":1,"seq":1,"total":1}',
        b'{"msgId":1,"seq":0,"total":0}',
        b'{"msgId":1,"seq":-1,"total":1}',
        b'{"msgId":1,"seq":0.5,"total":1}',
        b'{"msgId":"__proto__","seq":0,"total":1}',
        b'{"msgId":1,"seq":0,"total":1e30}',
        b'{"msgId":1,"seq":null,"total":1}',
    ],
)
def test_corrupt_headers_of_fragments(header: bytes) -> None:
    with pytest.raises(TransportError) as raised:
        extended.fragment_header(header)
    assert raised.value.code == "DCPC-1108"
