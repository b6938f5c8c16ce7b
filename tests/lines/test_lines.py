"""What start-up files leave behind for each connection, and the order and the end of lines."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from line_peer import TcpEvaluator, stdio


def script(folder: Path, text: str) -> str:
    file = folder / "script.js"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_what_was_written_while_loading_comes_first_on_each_connection(tmp_path: Path) -> None:
    source = """
      writeln("one"); Promise.resolve().then(() => writeln("two"));
      Promise.reject(new TypeError("nobody"));
      onreadln((line) => writeln(line));
    """
    with TcpEvaluator(script(tmp_path, source)) as evaluator:
        for _ in range(2):
            with evaluator.connect() as peer:
                peer.send("three")
                assert [peer.read() for _ in range(2)] == ["one", "two"]
                assert peer.read().startswith("LOG:Uncaught (in promise) TypeError: nobody\u2424")
                assert peer.read() == "three"


def test_random_state_is_fresh_and_the_clock_goes_on_where_the_files_left_it(tmp_path: Path) -> None:
    source = """
      const loaded = performance.now();
      onreadln(() => {
        const now = performance.now();
        // The least of some: any two readings may lie far apart on a busy machine.
        const skews = Array.from({ length: 20 }, () => performance.timeOrigin + performance.now() - Date.now());
        writeln(JSON.stringify([Math.random(), now - loaded, Math.min(...skews.map(Math.abs))]));
      });
    """
    randoms = set()
    with TcpEvaluator(script(tmp_path, source)) as evaluator:
        for _ in range(2):
            time.sleep(0.5)
            begun = time.monotonic()
            with evaluator.connect() as peer:
                random, passed, skew = (float(part) for part in peer.ask("x").strip("[]").split(","))
            connected = 1000 * (time.monotonic() - begun)
            assert 0 <= passed <= connected + 250, "the time in which nobody was connected does not count"
            assert skew < 5
            randoms.add(random)
    assert len(randoms) == 2


def test_a_timer_that_was_set_while_loading_goes_off_in_each_sandbox(tmp_path: Path) -> None:
    source = """
      ontimer(() => writeln("timer"));
      nextTimer(Date.now() + 50);
    """
    with TcpEvaluator(script(tmp_path, source)) as evaluator:
        for _ in range(2):
            with evaluator.connect() as peer:
                assert peer.read() == "timer"


def test_a_die_while_loading_ends_each_connection(tmp_path: Path) -> None:
    with TcpEvaluator(script(tmp_path, "writeln('no'); die(99); writeln('never')"), options=("-d", "6")) as evaluator:
        with evaluator.connect() as peer:
            assert [peer.read(), peer.read()] == ["no", ""]
        assert "ended (exit 99)" in evaluator.wait_for("ended")


def test_a_timer_gets_its_turn_among_many_lines(tmp_path: Path) -> None:
    source = """
      let lines = 0, due;
      ontimer(() => { writeln((Date.now() >= due ? "in time after " : "early after ") + lines); die(); });
      onreadln(() => {
        if (lines++ === 0) nextTimer(due = Date.now() + 5);
        for (const end = performance.now() + 1; performance.now() < end;);
      });
    """
    done = stdio(script(tmp_path, source), lines=b"x\n" * 2000)
    (line,) = done.stdout.decode().splitlines()
    assert line.startswith("in time after ")
    assert 1 <= int(line.removeprefix("in time after ")) < 200  # one, where the machine was busy meanwhile


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (b"a\0b\n", '"a\\u0000b"'),
        (b"\xff\xc3(\n", '"\ufffd\ufffd("'),
        (b"carriage\r\r\n", '"carriage\\r"'),
        (b"\r\n", '""'),
        (b"no newline", '"no newline"'),
        ("ü€😀\u2028\n".encode(), '"ü€😀\u2028"'),
    ],
)
def test_bytes_of_a_line(tmp_path: Path, sent: bytes, seen: str) -> None:
    done = stdio(script(tmp_path, "onreadln((line) => writeln(JSON.stringify(line)))"), lines=sent)
    assert done.stdout.decode().removesuffix("\n") == seen


def test_what_was_written_before_die_reaches_a_slow_reader(tmp_path: Path) -> None:
    size = 4 << 20
    source = f"onreadln(() => {{ for (let i = 0; i < 4; i++) writeln(String(i).repeat({size})); die(); }})"
    with TcpEvaluator(script(tmp_path, source)) as evaluator, evaluator.connect() as peer:
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        # More than the sandbox reads at once: what waits there would reset the connection when it is closed.
        peer.send("go", *["more"] * 200_000)
        for digit in "0123":
            line = peer.read()
            assert (line[:1], len(line)) == (digit, size)
            time.sleep(0.1)
