"""Lines of hundreds of megabytes, and peers that do not read: what they take of memory, and that others go on."""

from __future__ import annotations

import random
import re
import subprocess
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli_driver import COMMAND
from line_peer import DEADLINE, Peer, TcpEvaluator
from process_tree import children, running

MIB = 1 << 20
LONG = 200 * MIB
BESIDE = 48 * MIB
"""More than a sandbox takes for all but the line."""
COPIES = {"quickjs": 1, "v8": 2}
"""Of a line. V8 makes a flat one of a string that is put together, as the answer is, before it can be read."""

SOURCE = """
const handlers = {
  flood: (count) => { for (let i = 0; i < count; i++) writeln("x".repeat(1e6)); },
  spin: () => { for (;;); },
};
onreadln((line) => {
  const [name, number] = line.length < 100 ? line.split(" ") : [];
  if (name in handlers) handlers[name](number); else writeln("got:" + line);
});
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("long") / "start.js"
    file.write_text(SOURCE, encoding="utf-8")
    return str(file)


@pytest.fixture(scope="module")
def evaluator(file: str) -> Iterator[TcpEvaluator]:
    with TcpEvaluator(file) as evaluator:
        yield evaluator


def memory(pid: int, kind: str = "VmHWM") -> int:
    """Bytes that a process has in memory, ``VmRSS``, or had at most."""
    found = re.search(rf"{kind}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return 1024 * int(found[1]) if found else 0


def largest_sandbox(evaluator_pid: int) -> int:
    """The most that one of its sandboxes has had in memory."""
    (zygote,) = running("dcp-zygote", children(evaluator_pid))
    return max(memory(pid) for pid in children(zygote))


def block() -> bytes:
    """A megabyte that is not like any other part of itself."""
    return random.Random(7).randbytes(MIB // 2).hex().encode()


def exchange(send: Callable[[bytes], object], read: Callable[[int], bytes], part: bytes, size: int) -> None:
    """Sends a line of ``size`` bytes, made of ``part``s, and checks the answer, without holding either."""
    count = size // len(part)

    def write() -> None:
        for _ in range(count):
            send(part)
        send(b"\n")

    writer = threading.Thread(target=write)
    writer.start()
    sum_, left = 0, len(b"got:") + count * len(part) + 1
    while left > 0:
        got = read(min(left, MIB))
        assert got, f"the end, with {left} bytes to come"
        sum_, left = zlib.crc32(got, sum_), left - len(got)
    writer.join(DEADLINE)
    expected = zlib.crc32(b"got:")
    for _ in range(count):
        expected = zlib.crc32(part, expected)
    assert sum_ == zlib.crc32(b"\n", expected)


def test_200_megabytes_there_and_back_over_tcp(file: str, engine: str) -> None:
    with TcpEvaluator(file) as evaluator, evaluator.connect() as peer:
        exchange(peer.socket.sendall, peer.socket.recv, block(), LONG)
        assert largest_sandbox(evaluator.process.pid) < COPIES[engine] * LONG + BESIDE


def test_200_megabytes_there_and_back_over_stdio(file: str, engine: str) -> None:
    with subprocess.Popen([*COMMAND, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        exchange(process.stdin.write, process.stdout.read, block(), LONG)
        assert largest_sandbox(process.pid) < COPIES[engine] * LONG + BESIDE
        process.stdin.close()
        assert process.wait(DEADLINE) == 0


@pytest.mark.parametrize("text", ["é", "€", "😀", "aé€😀\u2028"])
def test_long_lines_that_are_not_ascii(evaluator: TcpEvaluator, text: str) -> None:
    part = (text * 30_001).encode()
    with evaluator.connect() as peer:
        exchange(peer.socket.sendall, peer.socket.recv, part, 20 * len(part))


def test_a_long_line_with_bytes_that_are_no_utf8(evaluator: TcpEvaluator) -> None:
    with evaluator.connect() as peer:
        peer.socket.sendall(b"a" * MIB + b"\xff" + b"b" * MIB + b"\r\n")
        assert peer.read() == "got:" + "a" * MIB + "\ufffd" + "b" * MIB


def test_lines_after_a_long_one(evaluator: TcpEvaluator) -> None:
    with evaluator.connect() as peer:
        peer.socket.sendall(b"x" * (3 * MIB) + b"\nshort\n" + b"y" * (2 * MIB) + b"\r\n\nlast\n")
        answers = ["x" * (3 * MIB), "short", "y" * (2 * MIB), "", "last"]
        assert [peer.read() for _ in answers] == [f"got:{answer}" for answer in answers]


def test_a_long_line_without_a_newline_at_the_end(evaluator: TcpEvaluator) -> None:
    with evaluator.connect() as peer:
        peer.socket.sendall(b"x" * MIB)
        peer.socket.shutdown(1)
        assert peer.read() == "got:" + "x" * MIB


def test_a_line_that_does_not_fit_into_the_memory_ends_its_sandbox(file: str) -> None:
    with TcpEvaluator(file, options=("--memory-limit", "64")) as evaluator:
        with evaluator.connect() as peer:
            writer = threading.Thread(target=send_until_closed, args=(peer, block(), 200))
            writer.start()
            assert peer.read() == "DIE: no memory for a line that long"
            assert peer.read() == ""
            writer.join(DEADLINE)
        with evaluator.connect() as peer:
            assert peer.ask("next") == "got:next"


def send_until_closed(peer: Peer, part: bytes, count: int) -> None:
    try:
        for _ in range(count):
            peer.socket.sendall(part)
    except OSError:
        pass


def test_who_does_not_read_stops_its_own_sandbox_only(evaluator: TcpEvaluator) -> None:
    lines = 150
    with evaluator.connect() as slow, evaluator.connect() as other:
        slow.send(f"flood {lines}")
        before = memory(evaluator.process.pid, "VmRSS")
        for number in range(50):
            assert other.ask(f"hello {number}") == f"got:hello {number}"
        assert largest_sandbox(evaluator.process.pid) < BESIDE
        assert memory(evaluator.process.pid, "VmRSS") < before + BESIDE // 4
        assert [len(slow.read()) for _ in range(lines)] == [1_000_000] * lines


def test_a_sandbox_that_does_not_read_stops_its_peer_only(evaluator: TcpEvaluator) -> None:
    with evaluator.connect() as busy, evaluator.connect() as other:
        busy.send("spin 0")
        busy.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            for _ in range(100):
                busy.socket.sendall(block())
        assert other.ask("hello") == "got:hello"
        assert largest_sandbox(evaluator.process.pid) < BESIDE
