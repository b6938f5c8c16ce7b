"""Start-up files on DCP's line primitives, over TCP and over stdio."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_driver import COMMAND
from line_peer import DEADLINE, TcpEvaluator, stdio, write_prelude
from process_tree import children, is_running, running
from zygote_control import wait_until


@pytest.fixture(scope="module")
def evaluator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TcpEvaluator]:
    file = write_prelude(tmp_path_factory.mktemp("tcp"))
    with TcpEvaluator(file, options=("-d", "7")) as evaluator:
        yield evaluator


def script(folder: Path, text: str) -> str:
    file = folder / "script.js"
    file.write_text(text, encoding="utf-8")
    return str(file)


# --- TCP ---


def test_every_connection_has_a_sandbox_of_its_own(evaluator: TcpEvaluator) -> None:
    with evaluator.connect() as first, evaluator.connect() as second:
        assert first.ask("echo one") == "one"
        first.send("spin")
        assert second.ask("echo two") == "two"


def test_lines_are_cut_at_newlines_wherever_packets_end(evaluator: TcpEvaluator) -> None:
    with evaluator.connect() as peer:
        for part in ("ech", "o a\r\necho ", "b\n", "\n", "echo ü€😀\n"):
            peer.socket.sendall(part.encode())
            time.sleep(0.01)
        assert [peer.read() for _ in range(4)] == ["a", "b", "? ", "ü€😀"]


def test_more_sandboxes_than_allowed_are_refused(tmp_path: Path) -> None:
    with TcpEvaluator(write_prelude(tmp_path), options=("--max-sandboxes", "2")) as evaluator:
        with evaluator.connect() as first, evaluator.connect() as second, evaluator.connect() as third:
            assert first.ask("echo one") == "one"
            assert second.ask("echo two") == "two"
            assert third.read() == "DIE: 2 sandboxes run, as many as --max-sandboxes allows"
            assert third.read() == ""
            first.send("die 0")
            assert first.read() == ""

        def served() -> bool:
            with evaluator.connect() as peer:
                return peer.ask("echo again") == "again"

        wait_until(served, "one that has ended makes room")


def test_a_machine_bears_so_many_sandboxes_where_nobody_has_said(tmp_path: Path) -> None:
    with (
        TcpEvaluator(write_prelude(tmp_path), options=("--max-memory", "128", "--memory-limit", "64")) as evaluator,
        evaluator.connect() as first,
        evaluator.connect() as second,
        evaluator.connect() as third,
    ):
        assert first.ask("echo one") == "one"
        assert second.ask("echo two") == "two"
        assert third.read() == "DIE: 2 sandboxes run, as many as this machine bears; --max-sandboxes may allow more"


def test_long_lines_go_both_ways(evaluator: TcpEvaluator) -> None:
    size = 24 << 20
    with evaluator.connect() as peer:
        assert peer.ask("length " + "y" * size) == str(size)
        assert len(peer.ask(f"reply {size}")) == size


def test_a_slow_reader_stops_only_its_own_sandbox(evaluator: TcpEvaluator) -> None:
    with evaluator.connect() as slow, evaluator.connect() as other:
        slow.send(*["reply 1000000"] * 40)
        assert other.ask("echo fast") == "fast"
        assert [len(slow.read()) for _ in range(40)] == [1000000] * 40


def test_bytes_that_are_no_utf8_harm_nobody(evaluator: TcpEvaluator) -> None:
    with evaluator.connect() as peer:
        peer.socket.sendall(b"\xff\xfe\x00\x80 garbage\nlength a\x00b\n")
        assert peer.read().startswith("? ")
        assert peer.read() == "3"


def test_a_half_closed_connection_is_worked_off(evaluator: TcpEvaluator) -> None:
    with evaluator.connect() as peer:
        peer.send("echo last")
        peer.socket.shutdown(socket.SHUT_WR)
        assert peer.read() == "last"
        assert peer.read() == ""


def test_die_ends_the_connection(evaluator: TcpEvaluator) -> None:
    with evaluator.connect() as peer:
        assert peer.ask("die 3") == ""
        evaluator.wait_for("exit 3")


def test_an_uncaught_error_is_told_and_the_sandbox_goes_on(evaluator: TcpEvaluator) -> None:
    with evaluator.connect() as peer:
        said = peer.ask("throw oh no")
        assert said.startswith("LOG:Uncaught TypeError: oh no")
        assert "start.js:" in said
        assert peer.ask("echo still here") == "still here"


def test_hundreds_of_connections_at_once(evaluator: TcpEvaluator) -> None:
    peers = [evaluator.connect() for _ in range(250)]
    try:
        for number, peer in enumerate(peers):
            peer.send(f"echo {number}")
        assert [peer.read() for peer in peers] == [str(number) for number in range(250)]
    finally:
        for peer in peers:
            with peer:
                pass


def sandboxes(evaluator: TcpEvaluator) -> set[int]:
    (zygote,) = running("dcp-zygote", children(evaluator.process.pid))
    return set(children(zygote))


def test_a_sandbox_in_an_endless_loop_ends_with_its_connection(evaluator: TcpEvaluator) -> None:
    with evaluator.connect() as peer:
        assert peer.ask("echo ready") == "ready"
        peer.send("spin")
        evaluator.said.clear()
    evaluator.wait_for(" ended (")


def test_a_sandbox_that_is_killed_ends_its_connection_only(tmp_path: Path) -> None:
    with TcpEvaluator(write_prelude(tmp_path), options=("-d", "7")) as evaluator:
        with evaluator.connect() as peer, evaluator.connect() as other:
            assert (peer.ask("echo a"), other.ask("echo b")) == ("a", "b")
            os.kill(int(evaluator.wait_for("is process").split()[-1]), signal.SIGKILL)
            assert peer.read() == ""
            assert other.ask("echo c") == "c"
        assert "SIGKILL" in evaluator.wait_for(" ended (")


def test_a_killed_zygote_is_replaced(tmp_path: Path) -> None:
    with TcpEvaluator(write_prelude(tmp_path)) as evaluator:
        with evaluator.connect() as peer:
            assert peer.ask("echo a") == "a"
            time.sleep(1.1)  # one that ends at once is not replaced
            (zygote,) = running("dcp-zygote", children(evaluator.process.pid))
            os.kill(zygote, signal.SIGKILL)
            assert peer.read() == ""
        evaluator.wait_for("starting it again")
        with evaluator.connect() as peer:
            assert peer.ask("echo b") == "b"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything(tmp_path: Path, number: signal.Signals) -> None:
    with TcpEvaluator(write_prelude(tmp_path)) as evaluator:
        with evaluator.connect() as peer:
            assert peer.ask("echo a") == "a"
            peer.send("spin")
            evaluator.process.send_signal(number)
            assert peer.read() == ""
        assert evaluator.process.wait(DEADLINE) == 0


def test_sigkill_leaves_nothing_running(tmp_path: Path) -> None:
    with TcpEvaluator(write_prelude(tmp_path)) as evaluator, evaluator.connect() as peer:
        assert peer.ask("echo a") == "a"
        everything = set(children(evaluator.process.pid)) | sandboxes(evaluator)
        evaluator.process.kill()
        wait_until(lambda: not any(is_running(pid) for pid in everything), "all processes end")
        assert peer.read() == ""


# --- stdio ---


def test_stdio_speaks_lines_until_its_input_ends(tmp_path: Path) -> None:
    done = stdio(write_prelude(tmp_path), lines=b"echo a\necho b\nlength abc")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"a\nb\n3\n", b"")


def test_stdio_works_on_files(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"echo a\nreply 100000\n")
    with (tmp_path / "in").open("rb") as stdin, (tmp_path / "out").open("wb") as stdout:
        subprocess.run(
            [*COMMAND, write_prelude(tmp_path)], stdin=stdin, stdout=stdout, timeout=DEADLINE, check=True
        )  # fmt: skip
    assert (tmp_path / "out").read_bytes() == b"a\n" + b"x" * 100000 + b"\n"


def test_the_status_of_die_is_the_status_of_the_command(tmp_path: Path) -> None:
    done = stdio(write_prelude(tmp_path), lines=b"die 42\necho never\n")
    assert (done.returncode, done.stdout) == (42, b"")


def test_the_files_share_one_global_scope(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("const shared = 1; var self = this;")
    (tmp_path / "b.js").write_text("writeln(String(shared + (self === globalThis ? 1 : 0)));")
    (tmp_path / "c.js").write_text("writeln([typeof console, typeof process, typeof require, typeof module].join());")
    done = stdio(*(str(tmp_path / name) for name in ("a.js", "b.js", "c.js")))
    assert done.stdout.decode() == "2\nundefined,undefined,undefined,undefined\n"


def test_timers_fire_in_time_and_once(tmp_path: Path) -> None:
    file = script(
        tmp_path,
        """
        const start = Date.now(), calls = [];
        ontimer(() => {
          calls.push(Date.now() - start);
          if (calls.length < 3) return nextTimer(Date.now() + 20);
          writeln(JSON.stringify(calls));
          nextTimer(0);
        });
        onreadln((line) => {
          if (line !== "go") return writeln("line");
          nextTimer(start + 100000);
          nextTimer(Date.now() + 30);
        });
        """,
    )
    with subprocess.Popen([*COMMAND, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
        calls = [int(part) for part in process.stdout.readline().decode().strip("[]\n").split(",")]
        process.stdin.write(b"x\n")
        process.stdin.close()
        assert process.stdout.read() == b"line\n"
    assert calls[0] >= 29
    assert all(later - earlier >= 19 for earlier, later in itertools.pairwise(calls))


def test_microtasks_run_after_each_line(tmp_path: Path) -> None:
    file = script(
        tmp_path, "onreadln((line) => { Promise.resolve().then(() => writeln('after ' + line)); writeln(line); });"
    )
    assert stdio(file, lines=b"a\nb\n").stdout == b"a\nafter a\nb\nafter b\n"


def test_what_the_contract_names_is_there(tmp_path: Path) -> None:
    file = script(
        tmp_path,
        """
        const names = ["writeln", "onreadln", "die", "ontimer", "nextTimer", "initWebGPU"];
        writeln(names.map((name) => typeof globalThis[name]).join());
        const until = Date.now() + 100;
        while (performance.now() % 1 === 0 && Date.now() < until);
        writeln(String(performance.now() % 1 !== 0 || Date.now() < until));
        const { configurable, writable } = Object.getOwnPropertyDescriptor(globalThis, "navigator");
        writeln(`${configurable} ${writable} ${typeof WebAssembly.instantiateStreaming} ${typeof navigator.gpu}`);
        try { onreadln(5); } catch (error) { writeln(error.name); }
        """,
    )
    lines = stdio(file).stdout.decode().splitlines()
    assert lines == [",".join(["function"] * 6), "true", "true true function undefined", "TypeError"]


def test_webgpu_appears_with_init(tmp_path: Path) -> None:
    file = script(
        tmp_path,
        """
        onreadln(async () => {
          writeln(`${typeof GPUDevice} ${await initWebGPU()} ${typeof GPUDevice}`);
          const adapter = await navigator.gpu.requestAdapter();
          const device = await adapter.requestDevice();
          device.destroy();
          writeln((await device.lost).reason);
        });
        """,
    )
    with subprocess.Popen([*COMMAND, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout.readline() == "undefined true function\n"
        assert process.stdout.readline() == "destroyed\n"
        process.stdin.close()


def test_a_start_up_file_that_fails_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "good.js").write_text("writeln('loaded');")
    (tmp_path / "bad.js").write_text("\n\nlet x = ;\n")
    done = stdio(str(tmp_path / "good.js"), str(tmp_path / "bad.js"))
    assert done.returncode == 1
    assert b"bad.js:3" in done.stderr
    assert b"SyntaxError" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_stdio(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [*COMMAND, write_prelude(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b"echo a\nspin\n")
        assert process.stdout.readline() == b"a\n"
        process.send_signal(number)
        assert process.wait(DEADLINE) == 128 + number
