"""Frames over a socket: whole, in pieces, broken, and with descriptors."""

from __future__ import annotations

import os
import socket
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcp_evaluator import _native
from process_tree import open_descriptors

MIB = 1 << 20


def _receive(channel: _native.FrameChannel) -> list[tuple[bytes, int]]:
    """The frames of one read: payload and number of descriptors, which are closed."""
    received = []
    for payload, fds in channel.receive():
        received.append((payload, len(fds)))
        for fd in fds:
            os.close(fd)
    return received


def test_a_broken_frame_closes_the_descriptors_of_those_before_it():
    before = len(open_descriptors(os.getpid()))
    ours, theirs = socket.socketpair()
    channel = _native.FrameChannel(ours.detach())
    frame = struct.pack("<II", 1, 1) + b"\xc0"
    with theirs:
        socket.send_fds(theirs, [2 * frame], [0])
        with pytest.raises(_native.FrameError, match="without its descriptors"):
            channel.receive()
    channel.close()
    assert len(open_descriptors(os.getpid())) == before


@settings(max_examples=200)
@given(chunks=st.lists(st.tuples(st.binary(min_size=1, max_size=64), st.integers(0, 3)), min_size=1, max_size=10))
def test_any_bytes_give_frames_or_a_frame_error(chunks):
    before = len(open_descriptors(os.getpid()))
    ours, theirs = socket.socketpair()
    channel = _native.FrameChannel(ours.detach())
    with theirs:
        try:
            for data, descriptors in chunks:
                socket.send_fds(theirs, [data], [0] * descriptors)
                _receive(channel)
        except _native.FrameError:
            pass
    channel.close()
    assert len(open_descriptors(os.getpid())) == before


@settings(max_examples=50)
@given(
    sent=st.lists(st.tuples(st.binary(max_size=300), st.integers(0, 3)), max_size=20),
    sizes=st.lists(st.integers(1, 500), min_size=1, max_size=5),
)
def test_frames_arrive_as_they_were_sent_whatever_the_pieces(sent, sizes):
    ours, theirs = socket.socketpair()
    relay_in, relay_out = socket.socketpair()
    writer, reader = _native.FrameChannel(ours.detach()), _native.FrameChannel(relay_out.detach())
    for payload, descriptors in sent:
        writer.send(payload, [0] * descriptors)
    assert writer.flush()
    assert writer.pending == 0
    writer.close()
    received = []
    with theirs, relay_in:
        for position in range(100_000):
            data, fds, _, _ = socket.recv_fds(theirs, sizes[position % len(sizes)], 64)
            if not data:
                break
            socket.send_fds(relay_in, [data], fds)
            for fd in fds:
                os.close(fd)
            received += _receive(reader)
    reader.close()
    assert received == sent


def test_a_large_frame_through_a_small_socket():
    ours, theirs = socket.socketpair()
    writer, reader = _native.FrameChannel(ours.detach()), _native.FrameChannel(theirs.detach())
    payload = os.urandom(5 * MIB)
    writer.send(payload, [])
    received: list[tuple[bytes, int]] = []
    while not received:
        writer.flush()
        received += _receive(reader)
    assert received == [(payload, 0)]
    writer.close()
    with pytest.raises(EOFError):
        reader.receive()
    reader.close()
    with pytest.raises(ValueError, match="closed"):
        reader.receive()


def test_a_channel_whose_peer_has_gone():
    ours, theirs = socket.socketpair()
    theirs.close()
    channel = _native.FrameChannel(ours.detach())
    channel.send(b"x" * 100, [])
    with pytest.raises(OSError, match="Broken pipe"):
        channel.flush()
    with pytest.raises(ValueError, match="64 descriptors"):
        channel.send(b"", [0] * 65)
    channel.close()
