"""Cutting texts, and putting them together again."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcp_protocol.transport import extended
from dcp_protocol.transport.extended import Announcement, FragmentHeader
from dcp_protocol.transport.failures import TransportError
from dcp_protocol.transport.inbox import Inbox
from dcp_protocol.transport.limits import Budget, Limits
from dcp_protocol.transport.outbox import Outbox

pytestmark = pytest.mark.any_engine

_PEER = Announcement(can_ooo=True, rx_max_fragment_size=100, rx_max_fragment_count=0, has_announced=True)
_LIMITS = Limits(fragment_size=100, fragment_count=50, waiting_bytes=20_000, incomplete=3)

texts = st.text(max_size=600).map(str.encode)


def units(text: bytes) -> int:
    return len(text.decode().encode("utf-16-le")) // 2


def fragments(text: bytes, size: int) -> list[tuple[FragmentHeader, bytes]]:
    """As JavaScript cuts: by UTF-16 units, be it within a character."""
    whole = text.decode().encode("utf-16-le")
    parts = [whole[at : at + 2 * size] for at in range(0, len(whole), 2 * size)]
    decoded = [part.decode("utf-16-le", errors="surrogatepass").encode(errors="surrogatepass") for part in parts]
    return [(FragmentHeader(7, seq, len(parts)), part) for seq, part in enumerate(decoded)]


def sent(outbox: Outbox) -> list[bytes]:
    result = []
    while (text := outbox.next_text()) is not None:
        result.append(text)
    return result


def received(inbox: Inbox) -> list[bytes]:
    return [message.text() for message in inbox.ready()]


@given(st.lists(texts, max_size=5))
def test_what_is_cut_arrives_whole(messages: list[bytes]) -> None:
    outbox, inbox = Outbox(ack_mode=False), Inbox(_LIMITS)
    for text in messages:
        outbox.add(text, _PEER)
    assert outbox.pending_bytes == sum(map(len, messages))
    arrived = []
    for text in sent(outbox):
        if text.startswith(b"E0"):
            kind, header, payload = extended.split(text)
            assert kind == b"C"
            assert units(payload) <= 100
            inbox.take_fragment(extended.fragment_header(header), payload)
        else:
            assert units(text) <= 100
            inbox.take(text)
        arrived += received(inbox)
    assert arrived == messages
    assert outbox.is_empty
    assert outbox.pending_bytes == 0


@given(texts.filter(bool), st.integers(1, 100), st.randoms())
def test_fragments_of_javascript_in_any_order_and_again(text: bytes, size: int, chance: random.Random) -> None:
    parts = fragments(text, size)
    if len(parts) > _LIMITS.fragment_count:
        parts = fragments(text, 100)
    order = parts * 2
    chance.shuffle(order)
    inbox = Inbox(_LIMITS)
    arrived = []
    for header, payload in order:
        inbox.take_fragment(header, payload)
        arrived += received(inbox)
    assert arrived == [text]


def test_whole_messages_come_in_the_order_of_first_fragments() -> None:
    inbox = Inbox(_LIMITS)
    inbox.take_fragment(FragmentHeader(1, 1, 2), b"B")
    inbox.take_fragment(FragmentHeader(2, 0, 2), b"C")
    inbox.take(b"third")
    inbox.take_fragment(FragmentHeader(2, 1, 2), b"D")
    assert received(inbox) == []
    inbox.take_out_of_order(b"first of all")
    assert received(inbox) == [b"first of all"]
    inbox.take_fragment(FragmentHeader(1, 0, 2), b"A")
    assert received(inbox) == [b"AB", b"CD", b"third"]


@pytest.mark.parametrize(
    ("header", "payload", "code"),
    [
        (FragmentHeader(1, 0, 2), b"x" * 101, "DCPC-1114"),
        (FragmentHeader(1, 0, 2), ("é" * 101).encode(), "DCPC-1114"),
        (FragmentHeader(1, 0, 2), ("\U0001f600" * 51).encode(), "DCPC-1114"),
        (FragmentHeader(1, 0, 51), b"x", "DCPC-1113"),
        (FragmentHeader(1, 0, 2**53 - 1), b"x", "DCPC-1113"),
        (FragmentHeader(9, 1, 3), b"x", "DCPC-1108"),  # of a message of two
    ],
)
def test_refused_fragments(header: FragmentHeader, payload: bytes, code: str) -> None:
    inbox = Inbox(_LIMITS)
    inbox.take_fragment(FragmentHeader(9, 0, 2), ("é" * 100).encode())
    inbox.take_fragment(FragmentHeader(8, 0, 2), ("\U0001f600" * 50).encode())
    with pytest.raises(TransportError) as raised:
        inbox.take_fragment(header, payload)
    assert raised.value.code == code
    assert not raised.value.permanent


def test_what_is_not_whole_is_bounded() -> None:
    inbox = Inbox(_LIMITS)
    for msg_id in range(3):
        inbox.take_fragment(FragmentHeader(msg_id, 0, 50), b"x")
    with pytest.raises(TransportError, match="not whole"):
        inbox.take_fragment(FragmentHeader(3, 0, 50), b"x")


def test_what_waits_is_bounded_and_what_is_given_waits_no_more() -> None:
    inbox = Inbox(_LIMITS)
    for _ in range(100):
        inbox.take(b"x" * 1000)
        assert received(inbox) == [b"x" * 1000]
    inbox.take_fragment(FragmentHeader(1, 1, 2), b"x")
    inbox.take(b"x" * 19_500)
    with pytest.raises(TransportError, match="missing parts"):
        inbox.take(b"")


def test_transports_share_a_budget() -> None:
    budget = Budget(1000)
    first, second = Inbox(_LIMITS, budget), Inbox(_LIMITS, budget)
    first.take_fragment(FragmentHeader(1, 0, 2), b"x")
    first.take(b"x" * 500)
    with pytest.raises(TransportError, match="no room"):
        second.take(b"x")
    first.clear()
    assert budget.left == 1000
    second.take(b"x")
    assert received(second) == [b"x"]
    assert budget.left == 1000


@pytest.mark.parametrize("text", ["a\ud83d", "\ude00a", "a\ud83db", "\ude00\ud83d"])
def test_half_a_pair_is_no_text(text: str) -> None:
    half = text.encode(errors="surrogatepass")
    with pytest.raises(TransportError, match="half"):
        Inbox(_LIMITS).take(half)
    inbox = Inbox(_LIMITS)
    with pytest.raises(TransportError, match="half"):
        inbox.take_fragment(FragmentHeader(1, 0, 2), half)
        inbox.take_fragment(FragmentHeader(1, 1, 2), b"more")


def test_a_message_for_which_the_peer_has_no_room() -> None:
    outbox = Outbox(ack_mode=False)
    few = Announcement(rx_max_fragment_size=100, rx_max_fragment_count=3, has_announced=True)
    whole = Announcement(rx_max_fragment_size=100, rx_max_fragment_count=0, wants_concat=False, has_announced=True)
    outbox.add(b"x" * 290, few)
    for peer, size in ((few, 400), (whole, 101)):
        with pytest.raises(TransportError) as raised:
            outbox.add(b"x" * size, peer)
        assert raised.value.code == "DCPC-1112"
    assert len(sent(outbox)) == 3


def test_out_of_order_goes_between_fragments_where_the_peer_can_take_it() -> None:
    outbox = Outbox(ack_mode=False)
    outbox.add(b"x" * 150, _PEER)
    outbox.next_text()
    outbox.add_out_of_order(b"now", _PEER)
    outbox.add_out_of_order(b"later", Announcement())
    assert [text[:6] for text in sent(outbox)] == [b"E0000O", b"E001dC", b"later"]


def test_acks_let_two_texts_fly() -> None:
    outbox = Outbox(ack_mode=True)
    for text in (b"1", b"2", b"3", b"4"):
        outbox.add(text, _PEER)
    assert sent(outbox) == [b"1", b"2"]
    outbox.acknowledged()
    assert sent(outbox) == [b"3"]
    for _ in range(5):
        outbox.acknowledged()
    assert sent(outbox) == [b"4"]
