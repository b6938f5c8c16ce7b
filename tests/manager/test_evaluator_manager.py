"""``dcp-evaluator-manager``: an evaluator for each connection, limits, the operator's signal, errors."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli_driver import DEADLINE
from dcp_client import MANAGER, START, install_dcp_client, run_command
from evaluator_manager import WITHOUT_MONITORS, Manager, Terminal
from process_tree import cpu_seconds, descendants, is_running
from zygote_control import wait_until

pytestmark = pytest.mark.any_engine

SIGNAL_ONLY = WITHOUT_MONITORS[:2]


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_dcp_client(tmp_path_factory.mktemp("client"))


# --- Connections ---


def test_each_connection_has_an_evaluator_of_its_own(modules: Path) -> None:
    with Manager(modules, "-a") as manager, manager.connect() as one, manager.connect() as other:
        assert (one.ask("echo 1"), other.ask("echo 2")) == ("1", "2")
        assert len(manager.evaluators()) == 2
        one.send("die 5")
        assert one.read() == ""
        assert "exit 5" in manager.wait_for("has ended")
        assert other.ask("echo still here") == "still here"


def test_a_web_page_gets_no_line_read(modules: Path) -> None:
    with Manager(modules, "-a") as manager, manager.connect() as peer:
        peer.send("POST / HTTP/1.1\r", "Host: localhost\r", "\r", "echo I was read")
        assert peer.read() == "DIE: this connection does not speak lines, but HTTP, TLS or another protocol"
        assert peer.read() == ""
        manager.wait_for("a connection is closed: its peer does not speak lines, but HTTP")


@pytest.mark.parametrize("how", ["close", "half-close"])
def test_the_evaluator_ends_with_its_connection_also_in_an_endless_loop(modules: Path, how: str) -> None:
    with Manager(modules, "-a") as manager, manager.connect() as peer:
        assert peer.ask("echo 1") == "1"
        below = descendants(manager.process.pid)
        assert len(below) >= 3
        peer.send("spin")
        if how == "close":
            peer.__exit__()
        else:
            peer.socket.shutdown(socket.SHUT_WR)
        wait_until(lambda: not any(map(is_running, below)), "evaluator, zygote and sandbox have ended")
        assert manager.serves()


def test_much_data_goes_past_the_manager(modules: Path) -> None:
    with Manager(modules, "-a") as manager, manager.connect() as peer:
        assert peer.ask("echo 1") == "1"
        before = cpu_seconds(manager.process.pid)
        assert peer.ask("length " + "x" * 30_000_000) == "30000000"
        peer.send("reply 30000000")
        assert len(peer.read()) == 30_000_000
        assert cpu_seconds(manager.process.pid) - before <= 0.05


def test_options_after_two_dashes_go_to_start_and_to_the_evaluator(modules: Path) -> None:
    options = ("-d", "info", "--", "--options=--expose-gc")
    with Manager(modules, "-a", "--", *options) as manager, manager.connect() as peer:
        assert peer.ask("echo 1") == "1"
        manager.wait_for("the engine option --expose-gc has no meaning here")


def test_more_connections_than_descriptors(modules: Path, tmp_path: Path) -> None:
    evaluator = tmp_path / "evaluator"
    evaluator.write_text("#!/bin/sh\nexec cat\n")
    evaluator.chmod(0o755)
    with Manager(modules, "-a", "--", "-e", str(evaluator)) as manager:
        resource.prlimit(manager.process.pid, resource.RLIMIT_NOFILE, (24, 24))
        with contextlib.ExitStack() as stack:
            for _ in range(16):
                stack.enter_context(manager.connect())
            manager.wait_for("Too many open files")

            def is_idle() -> bool:
                before = cpu_seconds(manager.process.pid)
                time.sleep(0.5)
                return cpu_seconds(manager.process.pid) - before <= 0.1

            wait_until(is_idle, "the manager rests")
        wait_until(lambda: not manager.evaluators(), "all connections have ended")
        with manager.connect() as peer:
            assert peer.ask("still here") == "still here"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_manager_and_all_evaluators(modules: Path, tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "pid"
    with Manager(modules, "-a", f"--pidfile={file}") as manager, manager.connect() as peer:
        assert peer.ask("echo 1") == "1"
        assert int(file.read_text()) == manager.process.pid
        below = descendants(manager.process.pid)
        peer.send("spin")
        manager.process.send_signal(number)
        assert manager.process.wait(DEADLINE) == 0
        wait_until(lambda: not any(map(is_running, below)), "all have ended")
    assert not file.exists()


def test_evaluators_do_not_outlive_a_manager_that_is_killed(modules: Path) -> None:
    with Manager(modules, "-a") as manager, manager.connect() as peer:
        assert peer.ask("echo 1") == "1"
        below = descendants(manager.process.pid)
        manager.process.kill()
        wait_until(lambda: not any(map(is_running, below)), "all have ended")


def test_waiting_uses_no_cpu(modules: Path, tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        options = ("-d", "screensaver", "--pts", str(terminal.folder))
        with Manager(modules, *options) as manager, manager.connect() as peer:
            assert peer.ask("echo 1") == "1"

            def is_idle() -> bool:
                before = cpu_seconds(manager.process.pid)
                time.sleep(1.5)
                return cpu_seconds(manager.process.pid) - before <= 0.05

            wait_until(is_idle, "the manager rests")


# --- The signal ---


@pytest.mark.parametrize(
    ("option", "number"),
    [((), signal.SIGPWR), (("--signal=USR1",), signal.SIGUSR1), (("-s", "12,toggle"), signal.SIGUSR2)],
)
def test_the_signal_pauses_and_resumes(modules: Path, option: tuple[str, ...], number: signal.Signals) -> None:
    with Manager(modules, *SIGNAL_ONLY, *option) as manager, manager.connect() as peer:
        assert peer.ask("echo 1") == "1"
        manager.process.send_signal(number)
        assert peer.read() == ""
        manager.wait_for(f"in use: paused by {number.name}")
        assert not manager.serves()
        manager.process.send_signal(number)
        manager.wait_for(": free")
        assert manager.serves()


@pytest.mark.parametrize("options", [("-s", "SIGUSR1,quick"), ("--signal=,quick",), ("-s", ",quick", "-L")])
def test_a_quick_signal_ends_evaluators_and_lets_new_ones_start(modules: Path, options: tuple[str, ...]) -> None:
    number = signal.SIGUSR1 if "USR1" in options[-1] else signal.SIGPWR
    with Manager(modules, *SIGNAL_ONLY, *options) as manager, manager.connect() as peer:
        assert peer.ask("echo 1") == "1"
        manager.process.send_signal(number)
        assert peer.read() == ""
        manager.wait_for("ended 1 evaluator")
        assert manager.serves()


# --- Limits ---


@pytest.mark.parametrize("kind", ["short", "medium", "long", "random"])
def test_the_load_limits_connections(modules: Path, kind: str) -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as spinning:
        try:
            wait_until(lambda: all(load > 0 for load in os.getloadavg()), "the machine has some load", 60)
        finally:
            spinning.kill()
    with Manager(modules, "-a", f"--loadavg-type={kind}", "--max-load=0") as manager:
        assert not manager.serves()
        assert f"the load ({kind}) is" in manager.wait_for("refused")
    with Manager(modules, "-a", f"--loadavg-type={kind}", "-l", "100000") as manager:
        assert manager.serves()


def test_the_rate_limits_connections(modules: Path) -> None:
    with Manager(modules, "-a", "--rate=1000") as manager:
        assert manager.serves()
        assert not manager.serves()
        manager.wait_for("less than 1000 s")
    with Manager(modules, "-a", "--rate=0.5") as manager:
        assert manager.serves()
        wait_until(manager.serves, "half a second is over")


def test_only_limits_while_in_use(modules: Path) -> None:
    with Manager(modules, *SIGNAL_ONLY, "-L", "--max-load=0", "-T", "random") as manager:
        assert manager.serves()  # free: no limit counts
        manager.process.send_signal(signal.SIGPWR)
        manager.wait_for("in use")
        assert not manager.serves()
        assert "the load (random)" in manager.wait_for("refused")
    with Manager(modules, *SIGNAL_ONLY, "-L") as manager:
        manager.process.send_signal(signal.SIGPWR)
        manager.wait_for("in use")
        assert manager.serves()  # in use, and no limit is set


# --- Errors ---


def refused(modules: Path, *options: str, status: int = 2) -> str:
    done = run_command(MANAGER, *options, NODE_PATH=str(modules))
    assert (done.returncode, done.stdout) == (status, "")
    *_, line = done.stderr.splitlines()
    assert "Traceback" not in done.stderr
    return line.removeprefix("dcp-evaluator-manager: ")


def test_a_port_in_use(modules: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        message = refused(modules, "-a", "--address", "127.0.0.1", "-p", str(port))
    expected = "Address already in use; another program uses the port, choose one with -p"
    assert message == f"cannot listen on 127.0.0.1 port {port}: {expected}"


def test_a_pid_file_of_a_live_process(modules: Path, tmp_path: Path) -> None:
    file = tmp_path / "pid"
    with Manager(modules, "-a", "-f", str(file)) as manager:
        message = refused(modules, "-a", "-p", "0", "-f", str(file), status=1)
        assert message.startswith(f"process {manager.process.pid} is running and holds the pid file {file}; end it")
        assert manager.serves()


def test_an_evaluator_that_cannot_be_started_any_more(modules: Path, tmp_path: Path) -> None:
    evaluator = tmp_path / "evaluator"
    evaluator.symlink_to(sys.executable)
    with Manager(modules, "-a", "--", "-e", str(evaluator)) as manager:
        evaluator.unlink()
        assert not manager.serves()
        manager.wait_for("an evaluator cannot be started: No such file or directory")
        assert manager.end() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("-d scrensaver", "argument -d/--disable-monitor: invalid choice: 'scrensaver' (choose from"),
        ("-s KILL", "argument -s/--signal: the signal 'KILL' cannot be used; one of SIGHUP, SIGINT, SIGQUIT, SIGUSR1,"),
        ("-s PWR,slow", "argument -s/--signal: there is no mode 'slow'; modes are toggle, quick; see"),
        ("-T recent", "argument -T/--loadavg-type: invalid choice: 'recent' (choose from"),
        ("-l much", "argument -l/--max-load: 'much' is no load, as in 1.5"),
        ("-r -1", "argument -r/--rate: '-1' is not a number of seconds"),
        ("-i 0", "argument -i/--idle-timeout: '0' is not a number of seconds"),
        ("-p 65536", "argument -p/--port: '65536' is not a number from 0 to 65535"),
        ("--prefix {missing}", "the evaluator {missing}/bin/dcp-evaluator does not exist; name it with"),
        ("-a -- -t wasm", "there is no sandbox type 'wasm' in "),
        (
            "--frob",
            (
                "unrecognized arguments: --frob; options of dcp-evaluator-start go after --, those of the evaluator "
                "after a second --; see"
            ),
        ),
        ("-a -- --frob", "unrecognized arguments: --frob; options of the evaluator go after --: "),
    ],
)
def test_wrong_options(modules: Path, missing: Path, options: str, message: str) -> None:
    found = refused(modules, *options.format(missing=missing).split())
    assert found.startswith(message.format(missing=missing))


def test_a_folder_of_terminals_that_is_missing(modules: Path, missing: Path) -> None:
    message = refused(modules, "-p", "0", "-d", "screensaver", "--pts", str(missing), status=3)
    assert message == (
        f"the session monitor cannot read {missing}: No such file or directory; "
        "name the folder of terminals with --pts, or use --disable-monitor=session"
    )


@pytest.mark.parametrize("program", [START, MANAGER])
def test_the_version(program: str) -> None:
    done = run_command(program, "--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(rf"{Path(program).name} \d+\.\d+\.\d+\n", done.stdout)


def test_the_help_names_every_option(modules: Path) -> None:
    done = subprocess.run([MANAGER, "--help"], capture_output=True, text=True, timeout=DEADLINE, check=True)
    for option in ("--prefix", "--pts", "-a", "--disable-monitor", "-i", "-p", "--max-load", "--rate", "-L", "--signal",
                   "--loadavg-type", "--pidfile", "--address", "--verbose"):  # fmt: skip
        assert option in done.stdout
