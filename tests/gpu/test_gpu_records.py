"""What a GPU host tells of its start is taken out of its messages, and what it only seems to tell is not."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dcp_evaluator.gpu.records import Records

pytestmark = pytest.mark.any_engine

RECORDS = [b"\x1eadapter 0000:65:00.0\n", b"\x1egone 10de:2335#0\n", b"\x1eready\n", b"\x1efailed\n"]
OTHERS = [b"\x1e", b"\n", b"ready", b"\x1eadapter nonsense\n", b"a driver complains\n", b"x" * 300]
PARTS = st.sampled_from(RECORDS + OTHERS)


def test_records_are_taken_and_messages_left() -> None:
    records = Records()
    said = records.take(b"loading\n\x1egone 10de:2335#0\n\x1eadapter 0000:65:00.0\nno line feed\x1eready\nmore")
    assert said == b"loading\nno line feedmore"
    assert (records.gone, records.adapter, records.ready) == (["10de:2335#0"], "0000:65:00.0", True)


def test_a_host_that_is_ready_can_only_fail() -> None:
    """By then its sandbox may own it, which is not to take another GPU from everybody."""
    records = Records()
    records.take(b"\x1eadapter 0000:18:00.0\n\x1eready\n")
    said = b"\x1eadapter 0000:65:00.0\n\x1egone 0000:65:00.0\n"
    assert records.take(said) == said
    assert (records.adapter, records.gone, records.failed) == ("0000:18:00.0", [], False)
    assert records.take(b"\x1efailed\n") == b""
    assert records.failed


@example(parts=[b"\x1e", b"x" * 256, RECORDS[0]], cuts=[257])
@given(parts=st.lists(PARTS, max_size=12), cuts=st.lists(st.integers(0, 400), max_size=12))
def test_how_the_messages_are_cut_does_not_matter(parts: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(parts)
    whole, cut = Records(), Records()
    said = whole.take(stream) + whole.rest()
    pieces = []
    for end in cuts:
        pieces.append(stream[:end])
        stream = stream[end:]
    assert b"".join(cut.take(piece) for piece in [*pieces, stream]) + cut.rest() == said
    assert vars(cut) == vars(whole)
    assert len(said) <= sum(map(len, parts))
