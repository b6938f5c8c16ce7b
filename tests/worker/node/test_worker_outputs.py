"""What a worker tells: on the console, in a log file, to a system log, in its reports."""

from __future__ import annotations

import io
import os
import re
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dcp_worker.configuration.run_options import Syslog
from dcp_worker.errors import ConfigurationError
from dcp_worker.logs.narration import Narrator
from dcp_worker.logs.notices import (
    Fetched,
    Fetching,
    JobAnnounced,
    Notices,
    Paid,
    SandboxGone,
    SandboxReady,
    SliceEnded,
    SliceProgress,
    SliceStarted,
)
from dcp_worker.logs.outputs import ConsoleOutput, FileOutput, SyslogOutput
from dcp_worker.logs.syslog import SyslogSender
from dcp_worker.node.board import Board
from dcp_worker.node.worker_id import worker_id
from dcp_worker.tasks.capabilities import Worktime
from dcp_worker.tasks.job import Job
from dcp_worker.tasks.slices import SliceKey, SliceMetrics

pytestmark = pytest.mark.any_engine

KEY = SliceKey("0x" + "1" * 40, 3)


def shown(*notices: object, verbosity: int = 0) -> list[str]:
    output = io.StringIO()
    console = ConsoleOutput(output, output)
    narrator = Narrator(console.say, verbosity)
    for notice in notices:
        narrator(notice)  # type: ignore[arg-type]
    narrator.close()
    console.close()
    return output.getvalue().splitlines()


def test_it_tells_what_npms_worker_tells() -> None:
    job = Job(identity=KEY.job, code="data:,", worktime=Worktime("map-basic", "1.0.0"), name="primes", link="http://x/")
    assert shown(
        JobAnnounced(job),
        SandboxReady(1),
        SliceStarted(1, KEY, "primes"),
        SliceEnded(1, KEY, "primes", "completed", SliceMetrics(total_time=12)),
        SandboxGone(1, None),
        Paid(KEY, 0.25),
        Fetching(),
    ) == [
        " . Job: primes 0x111111 http://x/",
        " . Sandbox   1:  Initialized",
        " . Sandbox   1:  Slice Started:   slice 3, 0x11111111111111111111: primes",
        " * Sandbox   1:  Slice Completed: slice 3, 0x11111111111111111111: primes: dt 12ms",
        " * Sandbox   1:  Terminated:",
        " . Payment: 0.250 ⊇ 0x111111",
    ]
    assert shown(Fetching(), Fetched(2), verbosity=1) == [" * Fetching slices...", " . Fetched 2 slices"]


def test_a_job_cannot_command_the_terminal() -> None:
    lines = shown(SliceStarted(1, KEY, "\x1b[2Jhello\nworld" + "x" * 1000))
    assert len(lines) == 1
    assert "\x1b" not in lines[0]
    assert len(lines[0]) < 300


def test_many_slices_are_told_in_sum() -> None:
    lines = shown(*[SliceStarted(1, KEY, "a")] * 5000)
    assert len(lines) < 1000
    told = sum("Slice Started" in line for line in lines)
    summed = sum(int(line.split()[3]) for line in lines if "more of slices" in line)
    assert told + summed == 5000


def test_a_reader_that_reads_nothing_holds_nobody_up() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "r") as reader, os.fdopen(writing, "w") as writer:
        console = ConsoleOutput(writer, writer)
        notices = Notices()
        notices.listen(Narrator(console.say))
        for _ in range(3000):
            notices.say("info", "x" * 1000)
        lines: list[str] = []
        drain = threading.Thread(target=lambda: lines.extend(reader))
        drain.start()
        console.close()
        while console._thread.is_alive():
            console.close()
        notices.say("info", "over")
        writer.close()
        drain.join()
    assert 1000 <= len(lines) < 3000


def test_a_worker_keeps_its_id(tmp_path: Path) -> None:
    first = worker_id(tmp_path)
    assert len(first) == 22
    assert worker_id(tmp_path) == first
    (tmp_path / "worker-id").write_text("nonsense")
    assert worker_id(tmp_path) != first
    assert len(worker_id(tmp_path / "missing")) == 22


def test_warnings_and_errors_go_to_the_other_stream() -> None:
    out, err = io.StringIO(), io.StringIO()
    console = ConsoleOutput(out, err)
    for level in ("info", "warning", "error"):
        console.say(level, level)
    console.close()
    assert (out.getvalue(), err.getvalue()) == ("info\n", "warning\nerror\n")


def test_a_pipe_gets_no_status(capfd: pytest.CaptureFixture[str]) -> None:
    output = io.StringIO()
    console = ConsoleOutput(output, output)
    assert not console.is_terminal
    console.show("status")
    console.say("info", "line")
    console.close()
    assert output.getvalue() == "line\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_the_status_below_all_lines() -> None:
    terminal = Terminal()
    console = ConsoleOutput(terminal, terminal)
    console.show("working " + "x" * 1000)
    console.say("info", "line")
    console.close()
    shown = terminal.getvalue().split("\r\x1b[K")
    assert [part[:8] for part in shown] == ["", "working ", "line\nwor", ""]
    assert max(map(len, shown)) < 200


# --- Log files ---


def test_a_log_file_has_time_level_and_text(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    path.write_text("before\n")
    output = FileOutput(path)
    output.say("info", "one\ntwo")
    output.say("warning", "three")
    output.close()
    lines = path.read_text().splitlines()
    assert lines[0] == "before"
    assert [re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ", "", line) for line in lines[1:]] == [
        "log one", "log two", "warn three",
    ]  # fmt: skip


def test_a_log_file_that_was_moved_is_made_anew_when_told(tmp_path: Path) -> None:
    path, old = tmp_path / "worker.log", tmp_path / "worker.log.1"
    output = FileOutput(path)
    output.say("info", "one")
    wait_for(lambda: "one" in path.read_text())
    path.rename(old)
    output.say("info", "two")
    wait_for(lambda: "two" in old.read_text())
    output.reopen()
    output.say("info", "three")
    output.close()
    assert "three" in path.read_text()
    assert "three" not in old.read_text()


def test_a_log_file_that_cannot_be_written_is_told_once(capfd: pytest.CaptureFixture[str]) -> None:
    output = FileOutput(Path("/dev/full"))
    for _ in range(3):
        output.say("info", "lost")
    output.close()
    assert capfd.readouterr().err.splitlines() == [
        "dcp-worker: the log file /dev/full cannot be written, lines are lost: No space left on device"
    ]


# --- System logs ---


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def sent(target: Syslog) -> None:
    output = SyslogOutput(SyslogSender(target, "dcp-worker"))
    output.say("info", "one\ntwo\x1b")
    output.say("error", "three")
    output.close()


PID = os.getpid()


def test_a_system_log_by_udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(60)
        sent(Syslog(address="127.0.0.1", port=server.getsockname()[1]))
        messages = [server.recv(10_000).decode() for _ in range(3)]
    host = re.escape(socket.gethostname())
    for message, priority, text in zip(messages, (189, 189, 187), ("one", "two ", "three"), strict=True):
        assert re.fullmatch(
            rf"<{priority}>[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d {host} dcp-worker\[{PID}\]: {text}", message
        )


def test_a_system_log_by_tcp_has_a_line_for_each() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        sent(Syslog(address="127.0.0.1", port=server.getsockname()[1], transport="tcp", facility="daemon"))
        connection, _ = server.accept()
        with connection, connection.makefile("r") as lines:
            assert [line.partition(f"dcp-worker[{PID}]: ")[2] for line in lines] == ["one\n", "two \n", "three\n"]


def test_a_system_log_of_this_machine(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_UNIX, kind) as server:
            server.bind(path)
            if kind is socket.SOCK_STREAM:
                server.listen()
            server.settimeout(60)
            sent(Syslog(address=path, transport="unix", facility="user"))
            first = server if kind is socket.SOCK_DGRAM else server.accept()[0]
            assert re.fullmatch(rf"<13>.{{15}} dcp-worker\[{PID}\]: one.*", first.recv(1000).decode(), re.DOTALL)
            first.close()
        os.unlink(path)  # noqa: PTH108


def test_a_system_log_that_is_not_there_is_told_once(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    sent(Syslog(address="127.0.0.1", port=port, transport="tcp"))
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"dcp-worker: the system log at 127.0.0.1:{port} (tcp) cannot be written, lines are lost: ")


def test_a_facility_that_there_is_not() -> None:
    with pytest.raises(ConfigurationError, match="there is no facility 'paper' of a system log; there are kern, user"):
        SyslogSender(Syslog(facility="paper"), "x")


# --- Reports ---


def test_the_report_is_npms() -> None:
    board = Board(lambda: 7)
    for notice in (
        SandboxReady(1), SandboxReady(2), SandboxReady(3), SliceStarted(1, KEY, "primes"), SliceProgress(1, 0.25),
        SliceStarted(2, KEY, "\x1b[2J" + "x" * 99), SandboxGone(3, None),
    ):  # fmt: skip
        board(notice)
    cut = "\ufffd[2J" + "x" * 30
    lines = board.report().splitlines()
    assert lines[0] == lines[-1] == "=" * 78
    assert lines[2:] == [
        "Sandboxes:", "  Working:     2", "  Ready:       0", "  Terminated:  1", "  * ALL:       2", "Progress:",
        f"    1: {KEY.job[:22]} {'primes':<34} 0:00 25%",
        f"    2: {KEY.job[:22]} {cut} 0:00 ind",
        "Slices:", "  working:     2", "  queued:      7", "=" * 78,
    ]  # fmt: skip
    assert re.fullmatch(r" . 2 slices working, 25%, 7 queued, 0 completed, 0.000 DCC", board.status())
    board(SliceEnded(1, KEY, "primes", "completed", SliceMetrics()))
    board(Paid(KEY, 0.5))
    assert "1 slices working, 7 queued, 1 completed, 0.500 DCC" in board.status()
