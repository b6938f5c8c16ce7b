"""The zygote as its control socket shows it: sandboxes come and go, bad messages are answered, nothing is left over."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dcp_evaluator.settings import installation
from process_tree import children, is_running, open_descriptors
from zygote_control import RunningZygote, wait_until, zygote_path

SPARES = 2
CONTROL = 3


@pytest.fixture
def zygote(tmp_path: Path) -> Iterator[RunningZygote]:
    with RunningZygote(tmp_path, "--spares", str(SPARES)) as running:
        yield running


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        return ours, server.accept()[0]


AT_REST = [0, 1, 2, 3, "null device", "eventfd"] + ["spare"] * SPARES


def nodes_own(zygote: RunningZygote) -> int:
    """The descriptors of Node's event loops, where V8 runs in it; they do not run, and no sandbox has them."""
    own = [fd for fd in open_descriptors(zygote.pid) if fd > CONTROL]
    found = [str(Path(f"/proc/{zygote.pid}/fd/{fd}").readlink()) for fd in own]
    # Each loop has an eventfd beside its epoll; there are rings and pipes.
    return 2 * found.count("anon_inode:[eventpoll]") + sum(
        name.startswith(("pipe:", "anon_inode:[io_uring]")) for name in found
    )


def is_at_rest(zygote: RunningZygote) -> bool:
    """Whether it has no descriptors but its spares' and its own."""
    try:
        return len(open_descriptors(zygote.pid)) == len(AT_REST) + nodes_own(zygote)
    except FileNotFoundError:  # one was closed while they were counted
        return False


def wait_for_rest(zygote: RunningZygote) -> None:
    """Waits until the zygote has nothing but its spares; fails when it keeps a process or a descriptor."""
    wait_until(lambda: len(children(zygote.pid)) == SPARES, "only the spares are left")
    wait_until(lambda: is_at_rest(zygote), f"{len(AT_REST)} descriptors are left")


def test_echo_and_end_of_input(zygote: RunningZygote) -> None:
    peer = zygote.spawn("a")
    assert peer.ask("hello") == "hello"
    peer.close()
    assert zygote.receive() == "exited a exit 0"
    assert not is_running(peer.pid)


def test_exit_status_is_reported(zygote: RunningZygote) -> None:
    peer = zygote.spawn("a")
    peer.send("die")
    assert zygote.receive() == "exited a exit 7"
    peer.close()


def test_sandboxes_do_not_disturb_each_other(zygote: RunningZygote) -> None:
    first, second = zygote.spawn("first"), zygote.spawn("second")
    first.send("spin")
    assert second.ask("still here") == "still here"
    zygote.send("kill first")
    assert zygote.receive() == "exited first signal 9"
    assert second.ask("and still") == "and still"


def test_a_sandbox_killed_from_outside_is_reported(zygote: RunningZygote) -> None:
    peer = zygote.spawn("a")
    os.kill(peer.pid, signal.SIGKILL)
    assert zygote.receive() == "exited a signal 9"
    assert zygote.spawn("b").ask("x") == "x"


def test_killed_spares_are_replaced(zygote: RunningZygote) -> None:
    wait_for_rest(zygote)
    killed = children(zygote.pid)
    for spare in killed:
        os.kill(spare, signal.SIGKILL)
    wait_until(lambda: not any(is_running(spare) for spare in killed), "the spares are dead")
    peer = zygote.spawn("a")
    assert peer.ask("x") == "x"
    peer.close()
    assert zygote.receive() == "exited a exit 0"
    wait_for_rest(zygote)


def test_without_spares(tmp_path: Path) -> None:
    with RunningZygote(tmp_path, "--spares", "0") as zygote:
        assert children(zygote.pid) == []
        assert zygote.spawn("a").ask("x") == "x"


@pytest.mark.parametrize(
    ("message", "descriptors", "reason"),
    [
        (b"", 1, "unknown message"),
        (b"hello", 0, "unknown message"),
        (b"\xff\xfe\x00", 0, "unknown message"),
        (b"spawnx a", 3, "unknown message"),
        (b"spawn", 3, "an ID is"),
        (b"spawn ", 3, "an ID is"),
        (b"spawn a b", 3, "an ID is"),
        (b"spawn a\n", 3, "an ID is"),
        (b"spawn " + b"a" * 65, 3, "an ID is"),
        (b"kill", 0, "an ID is"),
        (b"spawn a", 0, "spawn needs 3 descriptors"),
        (b"spawn a", 2, "spawn needs 3 descriptors"),
        (b"spawn a", 5, "spawn needs 3 descriptors"),
        (b"spawn a", 100, "too many descriptors"),
        (b"spawn " + b"a" * 100000, 3, "too long"),
    ],
)
def test_bad_messages_are_answered(zygote: RunningZygote, message: bytes, descriptors: int, reason: str) -> None:
    wait_for_rest(zygote)
    zygote.send(message, [0] * descriptors)
    answer = zygote.receive()
    assert answer.startswith("refused ")
    assert reason in answer
    wait_for_rest(zygote)
    assert zygote.spawn("a").ask("x") == "x"


def test_an_empty_packet_is_no_end(zygote: RunningZygote) -> None:
    zygote.control.send(b"")
    assert zygote.receive().startswith("refused - ")
    assert zygote.spawn("a").ask("x") == "x"


def test_a_running_id_is_refused(zygote: RunningZygote) -> None:
    peer = zygote.spawn("a")
    zygote.send("spawn a", [0, 0, 0])
    assert zygote.receive().startswith("refused a ")
    assert peer.ask("x") == "x"


def test_an_id_can_be_used_again_after_its_end(zygote: RunningZygote) -> None:
    zygote.spawn("a").close()
    assert zygote.receive() == "exited a exit 0"
    assert zygote.spawn("a").ask("x") == "x"


def test_kill_of_an_ended_sandbox_does_nothing(zygote: RunningZygote) -> None:
    zygote.send("kill gone")
    assert zygote.spawn("a").ask("x") == "x"


def test_answers_that_nobody_reads_are_kept(zygote: RunningZygote) -> None:
    count = 2000

    def send_all() -> None:
        for _ in range(count):
            zygote.send("nonsense")

    sender = threading.Thread(target=send_all)
    sender.start()
    time.sleep(0.3)
    assert all(zygote.receive().startswith("refused - ") for _ in range(count))
    sender.join()
    assert zygote.spawn("a").ask("x") == "x"


def test_the_end_of_the_control_socket_ends_everything(zygote: RunningZygote) -> None:
    peer = zygote.spawn("a")
    peer.send("spin")
    processes = [zygote.pid, *children(zygote.pid)]
    zygote.control.close()
    assert zygote.wait() == 0
    assert not any(is_running(pid) for pid in processes)


def test_sigkill_of_the_zygote_ends_its_sandboxes(zygote: RunningZygote) -> None:
    peer = zygote.spawn("a")
    peer.send("spin")
    settled_children = children(zygote.pid)
    assert peer.pid in settled_children
    os.kill(zygote.pid, signal.SIGKILL)
    assert zygote.wait() == -signal.SIGKILL
    wait_until(lambda: not any(is_running(pid) for pid in settled_children), "the sandboxes are gone")


@pytest.mark.parametrize("pair", [socket.socketpair, tcp_pair])
def test_an_endless_loop_ends_when_its_peer_leaves(zygote: RunningZygote, pair: object) -> None:
    peer = zygote.spawn("a", pair())  # type: ignore[operator]
    assert peer.ask("x") == "x"
    peer.send("spin")
    peer.send("never read")
    start = time.monotonic()
    peer.close()
    assert zygote.receive() == "exited a signal 9"
    assert time.monotonic() - start > 0.2, "the grace that a sandbox has to end by itself"


@pytest.mark.parametrize("pair", [socket.socketpair, tcp_pair])
def test_lines_before_a_half_close_are_worked_off(zygote: RunningZygote, pair: object) -> None:
    peer = zygote.spawn("a", pair())  # type: ignore[operator]
    lines = [f"line {number}" for number in range(100)]
    peer.channel.sendall("".join(f"{line}\n" for line in lines).encode())
    peer.channel.shutdown(socket.SHUT_WR)
    assert [peer.read() for _ in lines] == lines
    assert peer.read() == ""
    assert zygote.receive() == "exited a exit 0"


def test_pipes(zygote: RunningZygote) -> None:
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    zygote.start("a", to_read, from_write)
    os.close(to_read)
    os.close(from_write)
    # The last line is worked on for longer than any grace after the end of the input.
    os.write(to_write, b"busy 700\n")
    os.close(to_write)
    with os.fdopen(from_read, "rb") as answers:
        assert answers.read() == b"busy 700\n"
    assert zygote.receive() == "exited a exit 0"


def test_an_endless_loop_ends_when_the_reader_of_its_pipe_leaves(zygote: RunningZygote) -> None:
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    zygote.start("a", to_read, from_write)
    os.close(to_read)
    os.close(from_write)
    os.write(to_write, b"spin\n")
    os.close(from_read)
    assert zygote.receive() == "exited a signal 9"
    os.close(to_write)


def test_nothing_is_left_over(zygote: RunningZygote) -> None:
    wait_for_rest(zygote)
    for round_ in range(30):
        peer = zygote.spawn(f"s{round_}")
        if round_ % 2:
            zygote.send(f"kill s{round_}")
        peer.close()
        assert zygote.receive().startswith(f"exited s{round_} ")
    wait_for_rest(zygote)


def test_it_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    started: list[RunningZygote] = []
    thread = threading.Thread(target=lambda: started.append(RunningZygote(tmp_path)))
    thread.start()
    thread.join()
    with started[0] as zygote:
        time.sleep(0.2)
        assert zygote.spawn("a").ask("x") == "x"


def test_it_dies_with_its_parent_even_while_it_loads(tmp_path: Path) -> None:
    script = tmp_path / "endless.js"
    script.write_text("for (;;) {}")
    starter = (
        "import os, socket, sys, time\n"
        "ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
        "actions = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), 3)]\n"
        "pid = os.posix_spawn(sys.argv[1], sys.argv[1:], {}, file_actions=actions)\n"
        "print(pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    program = [zygote_path(), "--wasmtime", installation.wasmtime_library(), "--mode", "line", str(script)]
    command = [sys.executable, "-c", starter, *program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        time.sleep(0.3)
        assert is_running(pid)
        parent.kill()
    wait_until(lambda: not is_running(pid), "the zygote dies with its parent")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "--mode is missing"),
        (["--mode"], "--mode needs a value"),
        (["--mode", "magic"], "job, line or shell"),
        (["--mode", "line", "--nonsense"], "unknown option '--nonsense'"),
        (["--mode", "line", "--memory-limit", "lots"], "--memory-limit needs a number"),
        (["--mode", "line", "--memory-limit", "-1"], "--memory-limit needs a number"),
        (["--mode", "line", "--stack-limit", "99999999999999999999"], "--stack-limit needs a number"),
    ],
)
def test_wrong_arguments(arguments: list[str], text: str) -> None:
    result = subprocess.run([zygote_path(), *arguments], check=False, capture_output=True, text=True, timeout=20)
    assert result.returncode == 2
    assert text in result.stderr


def test_without_a_control_socket() -> None:
    result = subprocess.run([zygote_path(), "--mode", "line"], check=False, capture_output=True, text=True, timeout=20)
    assert result.returncode == 2
    assert "no seqpacket socket" in result.stderr


def test_too_few_open_files_are_named(tmp_path: Path) -> None:
    limited = ["sh", "-c", 'ulimit -n 64; exec "$0" "$@"']
    with RunningZygote(tmp_path, "--spares", "0", prefix=limited) as zygote:
        kept: list[socket.socket] = []
        answer = ""
        for number in range(64):
            channel, service_socket = socket.socketpair(), socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            ends = [channel[1].fileno(), channel[1].fileno(), service_socket[1].fileno()]
            zygote.send(f"spawn {number}", ends)
            kept.extend((*channel, *service_socket))
            answer = zygote.receive()
            if answer.startswith("refused"):
                break
        for end in kept:
            end.close()
    assert "oo many" in answer
    assert "open" in answer
