"""dcp-evaluator --status: how a running evaluator goes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli_driver import one_message, run
from dcp_evaluator.errors import DcpError
from dcp_evaluator.lines.status_socket import ask_status
from line_peer import TcpEvaluator, write_prelude
from process_tree import name_of
from reports import checked
from zygote_control import wait_until

pytestmark = pytest.mark.any_engine


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[TcpEvaluator]:
    with TcpEvaluator(write_prelude(tmp_path), options=("--max-sandboxes", "2")) as listener:
        yield listener


def status(port: int) -> dict[str, Any]:
    done = run("--status", "-p", str(port), "--json")
    assert done.returncode == 0, done.stderr
    return checked("status-1", done.stdout)


def test_the_sandboxes_and_what_they_use_are_shown(listener: TcpEvaluator) -> None:
    with listener.connect() as peer, listener.connect() as other:
        assert peer.ask("echo one") == other.ask("echo one") == "one"
        other.send("spin")
        found = status(listener.port)
        assert found["evaluator"]["process"] == listener.process.pid
        assert found["evaluator"]["listens"][0].endswith(f":{listener.port}")
        assert (found["evaluator"]["state"], found["evaluator"]["max_sandboxes"]) == ("ready", 2)
        first, second = found["sandboxes"]
        assert (first["number"], second["number"]) == (1, 2)
        assert first["peer"].endswith(f":{peer.socket.getsockname()[1]}")
        assert name_of(first["process"]) == "dcp-sandbox"
        assert 0 <= first["memory"] < 100 << 20
        assert second["cpu_seconds"] <= second["seconds"] + 0.1
        wait_until(lambda: status(listener.port)["sandboxes"][1]["cpu_seconds"] > 0.1, "it is busy")


def test_what_has_ended_is_counted(listener: TcpEvaluator) -> None:
    with listener.connect() as peer, listener.connect() as other:
        assert peer.ask("echo one") == other.ask("echo one") == "one"
        with listener.connect() as third:
            assert third.read().startswith("DIE: ")
        first, _ = status(listener.port)["sandboxes"]
        os.kill(first["process"], signal.SIGKILL)
        assert peer.read() == ""
        other.send("die 7")
        assert other.read() == ""
    wait_until(lambda: status(listener.port)["sandboxes"] == [], "both have ended")
    totals = status(listener.port)["totals"]
    ended = {how: count for how, count in totals["sandboxes_ended"].items() if count}
    assert (totals["sandboxes_started"], ended, totals["connections_refused"]) == (2, {"killed": 1, "failed": 1}, 1)
    assert totals["cpu_seconds"] > 0
    assert totals["lifetime_seconds"] > 0
    assert totals["peak_memory"] > 0


def test_people_get_a_text(listener: TcpEvaluator) -> None:
    with listener.connect() as peer:
        assert peer.ask("echo one") == "one"
        text = run("--status", "-p", str(listener.port)).stdout
        assert re.match(rf"dcp-evaluator \S+, process {listener.process.pid} of user \S+: ready, for ", text)
        assert "sandboxes  1 of 2 run, 0 have ended\n" in text
        assert str(peer.socket.getsockname()[1]) in text.splitlines()[-1]
    wait_until(
        lambda: "0 of 2 run, 1 have ended: 1 closed" in run("--status", "-p", str(listener.port)).stdout,
        "it has ended",
    )


def test_where_nobody_serves_the_port_the_status_is_3() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        message = one_message(run("--status", "-p", str(port)), 3)
        assert message == f"no evaluator of this machine serves port {port}; -p names another port"


def test_a_successor_answers_while_the_first_one_drains(listener: TcpEvaluator, tmp_path: Path) -> None:
    with listener.connect() as peer:
        assert peer.ask("echo one") == "one"
        listener.process.send_signal(signal.SIGUSR1)
        listener.wait_for("SIGUSR1")
        assert run("--status", "-p", str(listener.port)).returncode == 3
        with TcpEvaluator(options=("-p", str(listener.port), str(tmp_path / "start.js"))) as successor:
            assert status(listener.port)["evaluator"]["process"] == successor.process.pid


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become others")
def test_other_users_get_nothing(listener: TcpEvaluator) -> None:
    def ask() -> str:
        try:
            return str(ask_status(listener.port))
        except DcpError as error:
            return str(error)

    def ask_all_the_same() -> str:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(60)
            asking.connect(f"\0dcp-evaluator/{listener.port}")
            return repr(asking.recv(1))

    whose = f"the evaluator on port {listener.port} is process {listener.process.pid} of another user"
    assert as_nobody(ask) == f"{whose}: ask as that user, or as root"
    assert as_nobody(ask_all_the_same) == "b''"
    assert status(listener.port)["evaluator"]["process"] == listener.process.pid


def test_many_who_ask_at_once_wait_for_each_other(listener: TcpEvaluator) -> None:
    os.kill(listener.process.pid, signal.SIGSTOP)
    waiting = []
    try:
        while True:  # until no more may wait
            waiting.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
            try:
                waiting[-1].connect(f"\0dcp-evaluator/{listener.port}")
            except BlockingIOError:
                break
        asked = threading.Timer(0.2, os.kill, (listener.process.pid, signal.SIGCONT))
        asked.start()
        assert status(listener.port)["evaluator"]["state"] == "ready"
    finally:
        os.kill(listener.process.pid, signal.SIGCONT)
        for each in waiting:
            each.close()


def as_nobody(call: Callable[[], str]) -> str:
    """What it returns, in a process of another user."""
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.seteuid(65534)
            os.write(write, call().encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as stream:
        said = stream.read()
    os.waitpid(process, 0)
    return said


SHOWN = ("version", "process", "state", "seconds")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        json.dumps({"evaluator": 1, "totals": 2, "sandboxes": 3}).encode(),
        None,
        b"[" * 100_000,
        json.dumps({"evaluator": dict.fromkeys(SHOWN, 1e999), "totals": {}, "sandboxes": []}).encode(),
    ],
)
def test_an_answer_that_is_none_is_told(answer: bytes | None) -> None:
    """Another program may have taken the name."""
    with socket.socket(socket.AF_UNIX) as server, socket.create_server(("127.0.0.1", 0)) as place:
        port = place.getsockname()[1]
        server.bind(f"\0dcp-evaluator/{port}")
        server.listen()
        with Answering(server, answer):
            message = one_message(run("--status", "-p", str(port)), 1)
    assert "gives no status" in message or "its status is not understood" in message


def test_what_steers_terminals_does_not_reach_them() -> None:
    evaluator = {"version": "\x1b[2J", "process": 1, "state": "x", "seconds": 1, "listens": ["\x07"], "engine": "e",
                 "isolation": "i", "priority": "p", "max_sandboxes": 1}  # fmt: skip
    totals = {"sandboxes_ended": {}, "connections_refused": 0, "zygote_restarts": 0, "gpu_hosts_failed": 0,
              "gpu_hosts_started": 0}  # fmt: skip
    with socket.socket(socket.AF_UNIX) as server, socket.create_server(("127.0.0.1", 0)) as place:
        port = place.getsockname()[1]
        server.bind(f"\0dcp-evaluator/{port}")
        server.listen()
        with Answering(server, json.dumps({"evaluator": evaluator, "totals": totals, "sandboxes": []}).encode()):
            done = run("--status", "-p", str(port))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("dcp-evaluator ?[2J, process 1")
    assert "\x07" not in done.stdout


class Answering(threading.Thread):
    """Gives the first who asks a memfd with ``answer``; None: nothing at all."""

    def __init__(self, server: socket.socket, answer: bytes | None) -> None:
        super().__init__()
        self._server, self._answer = server, answer

    def run(self) -> None:
        connection, _ = self._server.accept()
        with connection:
            if self._answer is None:
                return
            file = os.memfd_create("answer")
            os.write(file, self._answer)
            socket.send_fds(connection, [b"s"], [file])
            os.close(file)

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_: object) -> None:
        self.join()
