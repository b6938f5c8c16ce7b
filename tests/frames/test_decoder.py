"""The decoder against whatever a sandbox may send."""

from __future__ import annotations

import errno
import fcntl
import math
import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcp_evaluator import _native
from dcp_evaluator.frames import fields, table, values


@contextmanager
def memfd(content: bytes, seals: int | None = None) -> Iterator[int]:
    fd = os.memfd_create("test", os.MFD_ALLOW_SEALING)
    try:
        os.write(fd, content)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALED if seals is None else seals)
        yield fd
    finally:
        os.close(fd)


_SEALED = 0x2 | 0x4 | 0x8  # shrink, grow, write


def shared_frame(index: int, offset: int, size: int, element_type: int = 1) -> bytes:
    shared = msgspec.msgpack.Ext(2, struct.pack("<BIQQ", element_type, index, offset, size))
    return msgspec.msgpack.encode([table.RESULT, 0, shared, {}])


def test_shared_memory_from_a_sandbox():
    decoder = values.FrameDecoder()
    with memfd(b"x" * 10_000) as fd:
        array = decoder.decode(shared_frame(0, 9_000, 1_000), [fd]).value
    assert array.tobytes() == b"x" * 1_000


def test_arrays_are_copies_when_many_are_mapped():
    """The program needs mappings of its own: for threads, libraries and the processes that it starts."""
    allowed = int(Path("/proc/sys/vm/max_map_count").read_text())
    with memfd(b"x" * 5_000) as fd:
        mapped: list[_native.Mapping] = []
        try:
            while len(mapped) < allowed:
                mapped.append(_native.map_sealed(fd, 0, 5_000))
        except OSError as error:
            assert error.errno == errno.ENOMEM
        assert allowed // 5 < len(mapped) <= allowed // 4
        array = values.FrameDecoder().decode(shared_frame(0, 10, 4_990), [fd]).value
        array[0] = 7  # it can be written
        assert array.tobytes() == b"\7" + b"x" * 4_989
        mapped.clear()
        _native.map_sealed(fd, 0, 5_000)


def test_buffers_in_shared_memory():
    with memfd(b"x" * 10_000) as fd:
        assert values.FrameDecoder().decode(shared_frame(0, 9_000, 1_000, 13), [fd]).value == b"x" * 1_000
        assert values.FrameDecoder().decode(shared_frame(0, 0, 0, 13), [fd]).value == b""
    assert "not sealed" in refusal_of_unsealed(13)


def refusal_of_unsealed(element_type: int) -> str:
    with memfd(b"x" * 100, 0) as fd:
        return refusal(shared_frame(0, 0, 100, element_type), [fd])


def refusal(payload: bytes, fds: list[int]) -> str:
    """Why the decoder does not take a result."""
    try:
        return values.FrameDecoder().decode(payload, fds).reason
    except _native.FrameError as error:
        return str(error)


@pytest.mark.parametrize(
    ("frame", "seals", "message"),
    [
        (shared_frame(0, 0, 10_001), None, "smaller than announced"),
        (shared_frame(0, 10_000, 1), None, "smaller than announced"),
        (shared_frame(0, 2**64 - 1, 1), None, "smaller than announced|limit"),
        (shared_frame(0, 1, 2**63), None, "limit"),
        (shared_frame(1, 0, 1), None, "without its descriptor"),
        (shared_frame(2**32 - 1, 0, 1), None, "without its descriptor"),
        (shared_frame(0, 0, 10_000), 0x2 | 0x4, "not sealed"),
        (shared_frame(0, 0, 10_000), 0, "not sealed"),
        (shared_frame(0, 0, 9_999, 5), None, "broken element"),
        (shared_frame(0, 0, 16, 14), None, "unknown type"),
    ],
)
def test_shared_memory_that_lies(frame, seals, message):
    with memfd(b"x" * 10_000, seals) as fd:
        assert re.search(message, refusal(frame, [fd]))


def test_descriptors_that_are_no_memory():
    reader, writer = os.pipe()
    try:
        for fd in (reader, os.open("/dev/null", os.O_RDONLY), os.open("/", os.O_RDONLY)):
            with pytest.raises(_native.FrameError, match="ordinary memfd"):
                values.FrameDecoder().decode(shared_frame(0, 0, 1), [fd])
            if fd != reader:
                os.close(fd)
    finally:
        os.close(reader)
        os.close(writer)


def _shaped(sizes: list[int], code: int, data: bytes) -> msgspec.msgpack.Ext:
    return msgspec.msgpack.Ext(4, struct.pack(f"<B{len(sizes)}QB", len(sizes), *sizes, code) + data)


@pytest.mark.parametrize(
    ("sizes", "code", "data", "shape"),
    [
        ([2, 3], 1, b"\x01abcdef", (2, 3)),
        ([], 1, b"\x05abcd", ()),
        ([0, 2**40], 1, b"\x0b", (0, 2**40)),
        ([2, 3], 1, b"\x01abcde", None),
        ([2, 3], 1, b"\x03abcdef", None),
        ([2**32, 2**32], 1, b"\x01", None),
        ([0, 2**49], 1, b"\x01", None),
        ([6], 1, b"\x0dabcdef", None),
        ([6], 1, b"", None),
        ([1], 3, b"f", None),
        ([1], 4, struct.pack("<BQB", 1, 1, 1) + b"\x01a", None),
        ([1] * 33, 1, b"\x01a", None),
    ],
)
def test_shapes_fit_their_arrays_or_break_the_frame(sizes, code, data, shape):
    payload = msgspec.msgpack.encode([table.RESULT, 0, _shaped(sizes, code, data), {}])
    if shape is None:
        with pytest.raises(_native.FrameError, match=r"shape|broken element|without its type"):
            values.FrameDecoder().decode(payload, [])
    else:
        assert values.FrameDecoder().decode(payload, []).value.shape == shape


_JUNK = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda head, tail: msgspec.msgpack.encode(head)[:-1] + tail,
        st.tuples(st.integers(0, 40), st.integers(-(2**63), 2**64 - 1), st.none()),
        st.binary(max_size=100),
    ),
    st.builds(
        lambda code, data: msgspec.msgpack.encode([table.RESULT, 0, msgspec.msgpack.Ext(code, data), {}]),
        st.integers(-128, 127),
        st.binary(max_size=40),
    ),
    st.builds(
        lambda sizes, code, data: msgspec.msgpack.encode([table.RESULT, 0, _shaped(sizes, code, data), {}]),
        st.lists(st.integers(0, 4) | st.integers(0, 2**64 - 1), max_size=40),
        st.integers(0, 4),
        st.binary(max_size=40),
    ),
    st.builds(bytes.__mul__, st.sampled_from([b"\x91", b"\x81\xa0"]), st.integers(1, 100_000)),
    st.sampled_from([b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\x92\x16\xc6\xff\xff\xff\xff"]),
)


@settings(max_examples=500)
@given(payload=_JUNK)
def test_the_decoder_gives_a_checked_frame_or_a_frame_error(payload):
    with suppress(_native.FrameError):
        assert isinstance(values.FrameDecoder().decode(payload, []), fields.SandboxFrame)


def test_a_frame_above_the_limit_that_names_no_slice_breaks_the_protocol():
    with pytest.raises(_native.FrameError, match="cannot be decoded"):
        values.FrameDecoder(1).decode(msgspec.msgpack.encode([table.RESULT, None, "text", {}]), [])


def test_frames_without_a_value_know_no_limit():
    decoder = values.FrameDecoder(1)
    assert decoder.decode(msgspec.msgpack.encode([table.ASSIGNED]), []) == fields.Assigned()
    error = {"name": "SyntaxError", "message": "m", "stack": ""}
    failed = decoder.decode(msgspec.msgpack.encode([table.ASSIGNMENT_FAILED, error]), [])
    assert failed == fields.AssignmentFailed(fields.GuestError("SyntaxError", "m", ""))


@pytest.mark.parametrize(
    ("retries", "counted"),
    [(0, 0), (2, 2), (2.5, 2), (-1, 0), (1e9, 100), (math.inf, 100), (math.nan, 0), ("5", 0), (None, 0), (True, 0)],
)
def test_how_often_a_rejected_slice_may_run_again(retries, counted):
    frame = values.FrameDecoder().decode(msgspec.msgpack.encode([table.REJECTED, 3, "no", retries]), [])
    assert frame == fields.Rejected(3, "no", counted)


@pytest.mark.parametrize("reason", [None, 1.5, [1, [2]], {}, b"why"])
def test_the_reason_of_a_rejection_is_a_text(reason):
    decoder = values.FrameDecoder()
    assert decoder.decode(msgspec.msgpack.encode([table.REJECTED, 0, "why", 0]), []) == fields.Rejected(0, "why", 0)
    with pytest.raises(_native.FrameError, match=r"text|too much"):
        decoder.decode(msgspec.msgpack.encode([table.REJECTED, 0, reason, 0]), [])
