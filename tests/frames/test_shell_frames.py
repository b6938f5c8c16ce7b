"""The codec of a shell's frames against another one, and against whatever a sandbox may send."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcp_evaluator import _native
from dcp_evaluator.frames import shell, table

_encode = msgspec.msgpack.encode
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)


@given(text=_TEXT, status=st.integers(-(2**31), 2**32 - 1), stream=st.sampled_from([1, 2]))
def test_frames_of_a_sandbox(text, status, stream):
    assert shell.unpack(_encode([table.READY])) == shell.Ready()
    assert shell.unpack(_encode([table.OUTPUT, stream, text])) == shell.Output(stream, text)
    assert shell.unpack(_encode([table.FINISHED, status])) == shell.Finished(status)
    assert shell.unpack(_encode([table.WANT_MODULE, text])) == shell.WantModule(text)


@given(fields=st.lists(st.none() | st.integers(0, 127) | _TEXT, max_size=15))
def test_frames_to_a_sandbox(fields):
    assert msgspec.msgpack.decode(shell.pack(*fields)) == fields


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x90",
        b"\xc0",
        _encode([table.RESULT, 0, 1, {}]),
        _encode([table.OUTPUT, 3, "x"]),
        _encode([table.OUTPUT, 1, 2]),
        _encode([table.OUTPUT, 1]),
        _encode([table.FINISHED, "0"]),
        _encode([table.FINISHED, 1.5]),
        _encode([table.FINISHED, 0])[:-1],
        _encode([table.FINISHED, 70000])[:-1],
        _encode([table.WANT_MODULE, "name"])[:-1],
        _encode([table.WANT_MODULE, "n" * 40])[:2],
        _encode([table.READY]) + b"\x00",
    ],
)
def test_what_is_no_frame_breaks_the_protocol(payload):
    with pytest.raises(_native.FrameError):
        shell.unpack(payload)


@given(payload=st.binary(max_size=60) | st.builds(bytes.__add__, st.just(b"\x93\x19\x01"), st.binary(max_size=60)))
def test_any_bytes_give_a_frame_or_a_frame_error(payload):
    with suppress(_native.FrameError):
        assert isinstance(shell.unpack(payload), shell.ShellFrame)
