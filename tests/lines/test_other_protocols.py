"""Peers on the network that speak another protocol than lines, a web page above all: no line of theirs is read."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_driver import COMMAND
from line_peer import DEADLINE, TcpEvaluator, stdio, write_prelude

# As fetch(url, {method: "POST", mode: "no-cors", body}) sends it: without a preflight.
POST = (
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1:9000\r\nContent-Length: 22\r\nContent-Type: text/plain;charset=UTF-8\r\n"
    b"Origin: null\r\nSec-Fetch-Mode: no-cors\r\n\r\n"
)
OTHERS = {
    "a request with a body": POST,
    "a request with a long path": b"GET /" + b"a" * 600_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a request with an answer awaited": b"OPTIONS * HTTP/1.1\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "TURN": b"\x00\x01\x00\x08\x21\x12\xa4\x42",
    "SSH": b"SSH-2.0-OpenSSH_9.2p1\r\n",
    "PROXY": b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n",
    "PROXY, binary": b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c",
    "SOCKS": b"\x05\x01\x00",
}
SAID = "its peer does not speak lines, but HTTP, TLS or another protocol"
TOLD = "DIE: this connection does not speak lines, but HTTP, TLS or another protocol\n"


@pytest.fixture(scope="module")
def evaluator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TcpEvaluator]:
    # Everything that a start-up file reads is told again, at once.
    file = write_prelude(tmp_path_factory.mktemp("others"), "writeln('loaded');")
    with TcpEvaluator(file) as evaluator:
        yield evaluator


def exchange(evaluator: TcpEvaluator, *parts: bytes) -> str:
    """What comes back until the evaluator closes the connection."""
    with socket.create_connection(("localhost", evaluator.port), timeout=DEADLINE) as connection:
        received = b""
        with contextlib.suppress(ConnectionError):  # it may be reset where more was sent than was read
            for part in parts:
                connection.sendall(part)
            while data := connection.recv(1 << 16):
                received += data
    return received.decode()


@pytest.mark.parametrize("name", OTHERS)
def test_the_connection_is_closed_with_a_notice(evaluator: TcpEvaluator, name: str) -> None:
    assert "I was read" not in exchange(evaluator, OTHERS[name], b"\necho I was read\n")
    evaluator.wait_for(f"a connection is closed: {SAID}")


def test_the_peer_is_told_too(evaluator: TcpEvaluator) -> None:
    assert exchange(evaluator, POST) == "loaded\n" + TOLD


def test_lines_that_only_look_so_are_read(evaluator: TcpEvaluator) -> None:
    with evaluator.connect() as peer:
        assert peer.read() == "loaded"
        peer.send("", "echo GET / HTTP/1.1 is a request", "GET / HTTP/1.1", "length \x16\x03\x01")
        assert [peer.read() for _ in range(4)] == ["? ", "GET / HTTP/1.1 is a request", "? GET / HTTP/1.1", "3"]


def test_what_stands_on_the_machine_itself_may_say_anything(tmp_path: Path) -> None:
    done = stdio(write_prelude(tmp_path), lines=b"GET / HTTP/1.1\n")
    assert (done.returncode, done.stdout) == (0, b"? GET / HTTP/1.1\n")


def test_a_connection_on_standard_input_is_looked_at_too(tmp_path: Path) -> None:
    """As inetd and dcp-evaluator-manager give it."""
    with socket.create_server(("localhost", 0)) as listener:
        peer = socket.create_connection(listener.getsockname(), timeout=DEADLINE)
        connection, _ = listener.accept()
    with peer:
        with connection:
            command = [*COMMAND, write_prelude(tmp_path)]
            process = subprocess.Popen(command, stdin=connection, stdout=connection, stderr=subprocess.PIPE, text=True)
        peer.sendall(POST + b"echo I was read\n")
        assert peer.makefile("rb").read() == TOLD.encode()
    _, said = process.communicate(timeout=DEADLINE)
    assert said == f"dcp-evaluator: a connection is closed: {SAID}\n"
    assert process.returncode == 87


def test_a_flood_is_told_of_now_and_then(tmp_path: Path) -> None:
    with TcpEvaluator(write_prelude(tmp_path)) as evaluator:
        for _ in range(100):
            exchange(evaluator, POST)
        evaluator.process.terminate()
        assert evaluator.process.stderr is not None
        said = [line for line in evaluator.process.stderr if "a connection is closed" in line]
    assert 20 <= len(said) < 60  # one more in ten seconds
