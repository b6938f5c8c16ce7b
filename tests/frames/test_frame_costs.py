"""What a frame may cost: it is counted before an object is made, and other threads run while many are."""

from __future__ import annotations

import gc
import os
import socket
import struct
import threading
import time
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dcp_evaluator as dcp
from dcp_evaluator import _native
from dcp_evaluator.frames import fields, table, values
from lying_sandbox import LyingEvaluator, after_assignment, pack, raw, read_frame

MIB = 1 << 20
Ext = msgspec.msgpack.Ext


def result(value: bytes) -> bytes:
    """The payload of a result whose value is this MessagePack."""
    return b"\x94\x16\x00" + value + b"\x80"


def array(count: int, item: bytes) -> bytes:
    return b"\xdd" + count.to_bytes(4, "big") + item * count


def text(utf8: bytes) -> bytes:
    return b"\xdb" + len(utf8).to_bytes(4, "big") + utf8


def decode(value: bytes, limit: int = values.RESULT_LIMIT) -> fields.SandboxFrame:
    return values.FrameDecoder(limit).decode(result(value), ())


def refusal(value: bytes, limit: int = values.RESULT_LIMIT) -> str:
    """Why a value is not taken; its sandbox may go on."""
    frame = decode(value, limit)
    assert isinstance(frame, fields.UnusableResult)
    return frame.reason


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
    st.binary(max_size=50),
    st.datetimes(timezones=st.just(UTC)),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text("abü€😀", max_size=40), inner, max_size=6),
)


@given(value=_VALUES)
def test_values_are_those_of_another_decoder(value):
    payload = msgspec.msgpack.encode([table.RESULT, 5, value, {}])
    assert values.FrameDecoder().decode(payload, ()).value == msgspec.msgpack.decode(payload)[2] == value


@given(value=st.floats(width=32, allow_nan=False))
def test_short_floats(value):
    assert decode(b"\xca" + struct.pack(">f", value)).value == value


@pytest.mark.parametrize(
    "key", [b"\x01", b"\xc0", b"\xcb" + bytes(8), b"\x92\x01\x02", b"\xc4\x01x", b"\xd4\x03f", b"\x80"]
)
def test_keys_are_texts(key):
    with pytest.raises(_native.FrameError, match="a key that is no text"):
        decode(b"\x81" + key + b"\x01")
    with pytest.raises(_native.FrameError, match="a key that is no text"):
        values.FrameDecoder().decode(b"\x94\x16\x00\x01\x81" + key + b"\x01", ())


def test_keys_that_collide_cost_nothing():
    colliding = (
        b"\xdf"
        + (12_000).to_bytes(4, "big")
        + b"".join(b"\x92\xcf" + i.to_bytes(8, "big") + b"\xcf" + i.to_bytes(8, "big") + b"\x00" for i in range(12_000))
    )
    begun = time.process_time()
    with pytest.raises(_native.FrameError, match="a key that is no text"):
        decode(colliding)
    assert time.process_time() - begun < 1


def test_how_deep_values_may_lie():
    value = decode(b"\x91" * 511 + b"\x90").value
    for _ in range(511):
        (value,) = value
    assert value == []
    for deep in (b"\x91" * 513 + b"\x90", b"\x81\xa1a" * 100_000):
        with pytest.raises(_native.FrameError, match=r"nested too deeply|cut short"):
            decode(deep)


@pytest.mark.parametrize(
    ("value", "cost"),
    [
        (b"\x01", 1 + 64),
        (b"\xcb" + bytes(8), 9 + 64),
        (b"\x90", 1 + 512),
        (array(1000, b"\x90"), 5 + 1000 + 512 + 1000 * 512),
        (b"\x82\xa1a\x01\xa1b\x02", 7 + 512 + 4 * 64),
        (text(b"x" * 1000), 1005 + 64),
        (text(b"x" * 999 + "ü".encode()), 1006 + 64),
        (text(b"x" * 998 + "€".encode()), 1006 + 64 + 997),
        (text(b"x" * 998 + "😀".encode()), 1007 + 64 + 2994),
        (b"\xc6" + (1000).to_bytes(4, "big") + bytes(1000), 1005 + 64),
        (msgspec.msgpack.encode(Ext(1, bytes(1001))), 1005 + 64),
        (msgspec.msgpack.encode(Ext(4, struct.pack("<BQQB", 2, 10, 100, 1) + bytes(1001))), 1023 + 2 * 64),
    ],
)
def test_what_a_value_costs(value, cost):
    assert isinstance(decode(value, cost), fields.Result)
    assert f"limit of {cost - 1} bytes" in refusal(value, cost - 1)


def test_what_costs_too_much_is_never_made():
    frames = [result(array(MIB, b"\x90")), result(array(MIB, b"\x80")), result(b"\x93" + 3 * array(MIB, b"\x01"))]
    frames.append(b"\x94\x14\x00\xa3log" + array(MIB, b"\x90"))
    frames.append(b"\x94\x16\x00\x01" + array(MIB, b"\x90"))
    frames.append(b"\x94\x15\x00" + array(MIB, b"\x90") + b"\x01")
    decoder = values.FrameDecoder(MIB)
    tracemalloc.start()
    try:
        for frame in frames:
            try:
                assert isinstance(decoder.decode(frame, ()), fields.UnusableResult)
            except _native.FrameError as error:
                assert "has too much" in str(error)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_results_of_hundreds_of_thousands_of_small_values_are_taken(evaluator):
    source = "() => Array.from({ length: 300_000 }, (_, i) => ({ id: i, name: `n${i}`, at: [i, i + 0.5] }))"
    (rows,) = dcp.compute_for([0], source).local_exec(1, evaluator=evaluator)
    assert len(rows) == 300_000
    assert rows[-1] == {"id": 299_999, "name": "n299999", "at": [299_999, 299_999.5]}


@pytest.mark.parametrize("last", ["", "ü", "€", "😀", "\0"])
@pytest.mark.parametrize("size", [10, MIB - 1, 3 * MIB])
def test_texts_of_every_length_and_width(last, size):
    whole = "x" * size + last + "yü€"[: len(last)]
    assert decode(text(whole.encode())).value == whole
    assert decode(b"\x81" + text(whole.encode()) + b"\x01").value == {whole: 1}


@pytest.mark.parametrize(
    "wrong", [b"\xff", b"\x80", b"\xc0\x80", b"\xed\xa0\x80", b"\xe2\x82", b"\xf4\x90\x80\x80", b"\xf0\x80\x80\x80"]
)
@pytest.mark.parametrize("size", [0, 2 * MIB])
def test_texts_that_are_no_utf8(wrong, size):
    assert "not UTF-8" in refusal(text(b"x" * size + wrong))
    assert "not UTF-8" in refusal(b"\x81" + text(b"x" * size + wrong + b"y") + b"\x01")
    with pytest.raises(_native.FrameError, match="not UTF-8"):
        values.FrameDecoder().decode(b"\x94\x14\x00\xa3log" + text(wrong), ())


def test_objects_with_more_keys_than_a_dict_takes_in_a_moment():
    many = b"\xdf" + (MIB + 1).to_bytes(4, "big") + b"\xa0\xc0" * (MIB + 1)
    assert "more than 1,048,576 keys" in refusal(many)


def test_the_digits_of_a_bigint():
    def bigint(digits: bytes) -> bytes:
        return msgspec.msgpack.encode(Ext(3, digits))

    assert decode(bigint(b"-" + b"f" * 5000)).value == -(16**5000 - 1)
    assert "hexadecimal digits" in refusal(bigint(b"1" * (MIB + 1)))
    for wrong in (b"", b"-", b"0x1", b"1_0", b" 1", b"+1", b"1\0"):
        with pytest.raises(_native.FrameError, match="BigInt"):
            decode(bigint(wrong))


@pytest.mark.parametrize(
    ("seconds", "nanoseconds", "date"),
    [
        (0, 0, datetime(1970, 1, 1, tzinfo=UTC)),
        (-1, 999_000_000, datetime(1969, 12, 31, 23, 59, 59, 999_000, UTC)),
        (253_402_300_799, 0, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (-62_135_596_800, 0, datetime(1, 1, 1, tzinfo=UTC)),
        (253_402_300_800, 0, None),
        (-62_135_596_801, 0, None),
    ],
)
def test_dates(seconds, nanoseconds, date):
    packed = b"\xc7\x0c\xff" + nanoseconds.to_bytes(4, "big") + seconds.to_bytes(8, "big", signed=True)
    if date is None:
        assert "years 1 to 9999" in refusal(packed)
    else:
        assert decode(packed).value == date


@pytest.mark.parametrize("wrong", [bytes(3), bytes(5), b"\xff" * 8, b"\xff" * 4 + bytes(8)])
def test_dates_that_are_none(wrong):
    with pytest.raises(_native.FrameError, match="a date"):
        decode(msgspec.msgpack.encode(Ext(-1, wrong)))


def test_other_threads_run_while_a_large_value_is_made():
    payload = result(array(1_900_000, b"\x90"))
    turns, done = [0], threading.Event()

    def count() -> None:
        while not done.is_set():
            time.sleep(0.0002)
            turns[0] += 1

    thread = threading.Thread(target=count)
    thread.start()
    try:
        decoder = values.FrameDecoder()
        before = turns[0]
        made = decoder.decode(payload, ()).value
        during = turns[0] - before
    finally:
        done.set()
        thread.join()
    assert len(made) == 1_900_000
    assert during >= 4
    assert gc.isenabled()


def test_who_freezes_objects_finds_them_frozen():
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        assert len(decode(array(200_000, b"\x90")).value) == 200_000
        assert gc.get_freeze_count() == frozen > 0
    finally:
        gc.unfreeze()
    gc.disable()
    try:
        decode(array(200_000, b"\x90"))
        assert not gc.isenabled()
    finally:
        gc.enable()


# --- By the first bytes ---


def channel(limit: int) -> tuple[_native.FrameChannel, socket.socket]:
    ours, theirs = socket.socketpair()
    opened = _native.FrameChannel(ours.detach())
    opened.limit_values(limit)
    return opened, theirs


@pytest.mark.parametrize("kind", [kind for kind, frame in table.FRAMES.items() if not frame.has_value])
def test_a_frame_that_is_larger_than_its_kind_is_refused_by_its_first_bytes(kind):
    reader, sandbox = channel(values.RESULT_LIMIT)
    with sandbox:
        size = max(table.FRAMES[kind].most_bytes, 64) + 1
        sandbox.sendall(size.to_bytes(4, "little") + bytes(4) + b"\x94" + bytes((kind,)) + bytes(20))
        with pytest.raises(_native.FrameError, match=f"of kind {kind} with {size} bytes|unknown kind"):
            reader.receive()
    reader.close()


def test_a_value_beyond_the_limit_is_passed_over():
    reader, sandbox = channel(MIB)
    size = MIB + table.FRAMES[table.RESULT].most_bytes
    received: list[Any] = []
    with sandbox:
        for length in (size, size + 1, 50 * MIB):
            head = length.to_bytes(4, "little") + bytes(4) + b"\x94\x16\x07\xdb"
            rest = length - 4
            sandbox.sendall(head)
            while rest:
                piece = min(rest, 100_000)
                sandbox.sendall(bytes(piece))
                rest -= piece
                received += reader.receive()
        sandbox.sendall(pack(table.READY))
        received += reader.receive()
        socket.send_fds(sandbox, [head[:4] + b"\1\0\0\0" + head[8:] + bytes(20)], [0])  # it waits to be told: taken
        received += reader.receive()
    reader.close()
    assert [len(payload) for payload, _ in received] == [size, size + 1, 50 * MIB, 2, 50 * MIB]
    assert [len(fds) for _, fds in received] == [0, 0, 0, 0, 1]
    os.close(received[-1][1][0])
    frame = values.FrameDecoder(MIB).decode(received[1][0], ())
    assert frame == fields.UnusableResult(7, f"{size + 1} bytes exceed the limit of {MIB}")


def test_a_slice_whose_result_is_passed_over_fails_and_its_sandbox_goes_on():
    def play(peer: socket.socket) -> None:
        after_assignment()(peer)
        large = b"\x94\x16\x00" + text(b"x" * (20 * MIB)) + b"\x80"
        peer.sendall(raw(large))
        assert read_frame(peer)[:2] == [table.RUN, 1]
        peer.sendall(pack(table.RESULT, 1, "the same", {}))

    with LyingEvaluator(play) as evaluator:
        job = dcp.compute_for(range(2), "(x) => x")
        results = job.local_exec(1, evaluator=evaluator, result_limit=MIB).wait(60)
        assert results.errors[0].code == "ERESULT"
        assert f"exceed the limit of {MIB}" in results.errors[0].message
        assert results[1] == "the same"
        assert job.metrics.sandbox_deaths == 0


def test_a_frame_that_never_ends_keeps_nothing_beyond_its_bound():
    """The sandbox is ended while it still sends."""

    def play(peer: socket.socket) -> None:
        after_assignment()(peer)
        peer.sendall((100 * MIB).to_bytes(4, "little") + bytes(4) + b"\x94\x14\x00\xa3log\xdb")
        with pytest.raises(OSError):
            for _ in range(1000):
                peer.sendall(bytes(100_000))

    with LyingEvaluator(play) as evaluator:
        job = dcp.compute_for([0], "(x) => x")
        assert list(job.local_exec(1, evaluator=evaluator)) == [0]
        assert job.metrics.sandbox_deaths == 1
