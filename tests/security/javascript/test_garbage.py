"""Bytes that nobody has asked for, on both channels and from both sides."""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Callable

import pytest
from target import Target

import dcp_evaluator as dcp
from dcp_evaluator.frames import table
from line_peer import TcpEvaluator
from lying_sandbox import LyingEvaluator, pack, read_frame

LINES = {
    "noise": bytes(random.Random(1).randbytes(1 << 16)),
    "zeros": b"\0" * (1 << 16),
    "newlines": b"\n" * (1 << 16),
    "carriage returns": b"\r\n\r" * 20000,
    "UTF-8 that is cut off": b"\xf0\x9f\x98\n\xe2\x82\n\xc3\n" * 5000,
    "surrogates": b"\xed\xa0\x80\xed\xb0\x80\n" * 5000,
    "a long line": b"x" * (8 << 20),
    "a request of another protocol": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "deep JSON": b"JSON.parse(line" + b"[" * 200_000 + b"\n",
}


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("end", ["closed", "half-closed", "reset"])
def test_lines_of_a_peer(line_target: TcpEvaluator, name: str, end: str) -> None:
    with line_target.connect() as peer, line_target.connect() as other:
        peer.socket.sendall(LINES[name])
        if end == "half-closed":
            peer.socket.shutdown(socket.SHUT_WR)
            while peer.read():
                pass
        elif end == "reset":
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert other.ask("1 + 1") == "2"


def test_a_line_of_more_memory_than_there_is(line_target: TcpEvaluator) -> None:
    """The sandbox says so and ends; it does not take the memory of others."""
    with line_target.connect() as peer, line_target.connect() as other:
        try:
            for _ in range(200):
                peer.socket.sendall(b"x" * (1 << 20))
        except OSError:
            pass  # it has ended before all was sent
        assert other.ask("1 + 1") == "2"


def test_connections_that_come_and_go(line_target: TcpEvaluator) -> None:
    for round_ in range(100):
        with line_target.connect() as peer:
            if round_ % 2:
                peer.socket.sendall(b"writeln('x'.repeat(1 << 16)); " * (round_ % 7))
    with line_target.connect() as peer:
        assert peer.ask("1 + 1") == "2"


# --- A sandbox that is not what it was ---

GOOD = [
    pack(table.PROGRESS, 0, 0.5),
    pack(table.CONSOLE, 0, "log", "text"),
    pack(table.EMIT, 0, "name", {"a": [1, 2.5, None, b"bytes"]}),
    pack(table.RESULT, 0, {"value": [1, 2, 3]}, {"cpu": 1.0, "wall": 2.0}),
]


def _mutated(seed: int) -> Callable[[socket.socket], None]:
    """Agrees to the job, then answers with frames of which some bytes are others."""
    source = random.Random(seed)

    def play(channel: socket.socket) -> None:
        assert read_frame(channel)[0] == table.ASSIGN
        channel.sendall(pack(table.READY) + pack(table.ASSIGNED))
        read_frame(channel)
        for _ in range(20):
            data = bytearray(source.choice(GOOD))
            for _ in range(source.randrange(1, 4)):
                data[source.randrange(len(data))] = source.randrange(256)
            channel.sendall(data[: source.randrange(1, len(data) + 1)] if source.random() < 0.2 else data)

    return play


@pytest.mark.parametrize("seed", range(20))
def test_frames_with_wrong_bytes(seed: int) -> None:
    """Whatever it says: each slice has one result, or one error that says what is wrong with the result."""
    with LyingEvaluator(_mutated(seed)) as evaluator:
        job = dcp.compute_for(range(3), "(x) => x")
        results = job.local_exec(1, evaluator=evaluator, progress_timeout=4).wait(60)
        assert len(results) == 3
        assert results[1:] == [1, 2]


@pytest.mark.parametrize("seed", range(5))
def test_frames_of_noise(seed: int) -> None:
    noise = random.Random(seed).randbytes(1 << 16)

    def play(channel: socket.socket) -> None:
        channel.sendall(noise)

    with LyingEvaluator(play) as evaluator:
        results = dcp.compute_for(range(3), "(x) => x").local_exec(1, evaluator=evaluator, progress_timeout=4)
        assert list(results.wait(30)) == [0, 1, 2]


def test_nothing_of_the_channel_is_in_reach(target: Target) -> None:
    """There is no way from JavaScript to the channel but the functions that are there to use."""
    found = target.attack(
        """
        const suspicious = /frame|channel|op|native|internal|write/i;
        return Object.getOwnPropertyNames(globalThis).filter((name) => suspicious.test(name));
        """
    )
    assert set(found.outcome.value) <= {"GPUColorWrite", "GPUInternalError", "InternalError"}
