"""What the command says to wrong options, files and ports: one clear message, the right status, no traceback."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from cli_driver import COMMAND, DEADLINE, one_message, run, write

_PR_CAPBSET_DROP, _CAP_NET_BIND_SERVICE, _CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 24, 10, 1, 2
_HELP = "; see dcp-evaluator --help"


def drop(*capabilities: int) -> None:
    """Makes root an ordinary user in these respects; for others, who have none of them, it does nothing."""
    for capability in capabilities:
        ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


# --- Options ---


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "no FILE is given"),
        ("-p 9000", "no FILE is given"),
        ("--shell", "no FILE is given"),
        ("--frobnicate a.js", "unrecognized arguments: --frobnicate"),
        ("-x a.js", "unrecognized arguments: -x"),
        ("--prob", "unrecognized arguments: --prob"),
        ("-p", "argument -p/--port: expected one argument"),
        ("-p 65536 a.js", "argument -p/--port: '65536' is not a number from 0 to 65535"),
        ("-p -1 a.js", "argument -p/--port: '-1' is not a number from 0 to 65535"),
        ("--port=-1 a.js", "argument -p/--port: '-1' is not a number from 0 to 65535"),
        ("-p http a.js", "argument -p/--port: 'http' is not a number from 0 to 65535"),
        ("-p 1e3 a.js", "argument -p/--port: '1e3' is not a number from 0 to 65535"),
        ("-p ٣ a.js", "argument -p/--port: '٣' is not a number from 0 to 65535"),
        ("-p 99999999999999999999 a.js", "argument -p/--port: '99999999999999999999' is not a number from 0 to 65535"),
        ("-d 8 a.js", "argument -d/--debug: '8' is not a number from 0 to 7"),
        ("--memory-limit 0 a.js", "argument --memory-limit: '0' is not a number from 1 to 16777216"),
        ("--memory-limit lots a.js", "argument --memory-limit: 'lots' is not a number from 1 to 16777216"),
        ("--address 127.0.0.1 a.js", "--address needs --port"),
        ("--module a.js", "--module needs --shell"),
        ("--json a.js", "--json needs --probe"),
        ("--shell --probe a.js", "argument --probe: not allowed with argument --shell"),
        ("--version a.js", "a FILE has no meaning with --version"),
        ("--probe -p 1", "--port has no meaning with --probe"),
        ("--shell -p 1 a.js", "--port has no meaning with --shell"),
        ("--shell --json a.js", "--json has no meaning with --shell"),
        ("--probe --memory-limit 5", "--memory-limit has no meaning with --probe"),
    ],
)
def test_wrong_options(arguments: str, message: str) -> None:
    assert one_message(run(*arguments.split()), 2) == message + _HELP


def test_the_help_names_every_option_and_status() -> None:
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for text in ("--port", "--address", "--debug", "--memory-limit", "--shell", "--module", "--probe", "--json"):
        assert text in done.stdout
    assert re.search(r"exit status:\n +0 +the sandbox ended", done.stdout)


def test_options_of_other_engines_are_told_and_do_no_harm(tmp_path: Path) -> None:
    files = write(tmp_path, a="writeln('runs')")
    done = run(*files, "--", "--options=--max-old-space-size=2048 --expose-gc", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "runs\n")
    assert done.stderr == "dcp-evaluator: the engine option --expose-gc has no meaning here\n"


# --- Files ---

MODES = pytest.mark.parametrize("options", [[], ["-p", "0"], ["--shell"]], ids=["stdio", "tcp", "shell"])


@MODES
def test_a_file_that_is_missing(tmp_path: Path, options: list[str]) -> None:
    files = write(tmp_path, good="")
    done = run(*options, *files, "missing.js", folder=tmp_path)
    assert one_message(done, 2) == "cannot read 'missing.js': No such file or directory"


@MODES
def test_a_folder_instead_of_a_file(tmp_path: Path, options: list[str]) -> None:
    assert one_message(run(*options, tmp_path), 2) == f"cannot read '{tmp_path}': Is a directory"


@MODES
def test_an_empty_name(options: list[str]) -> None:
    assert one_message(run(*options, ""), 2) == "cannot read '': No such file or directory"


@MODES
def test_a_file_that_may_not_be_read(tmp_path: Path, options: list[str]) -> None:
    (name,) = write(tmp_path, secret="")
    (tmp_path / name).chmod(0)
    done = run(*options, name, folder=tmp_path, before=lambda: drop(_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH))
    assert one_message(done, 2) == "cannot read 'secret.js': Permission denied"


@MODES
def test_links_in_a_circle(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "a.js").symlink_to("a.js")
    done = run(*options, "a.js", folder=tmp_path)
    assert one_message(done, 2) == "cannot read 'a.js': Too many levels of symbolic links"


WRONG_FILES = pytest.mark.parametrize(
    ("content", "place", "error"),
    [
        (b"\n\nlet x = ;\n", ":3:9", "SyntaxError"),
        (b"let a;\nlet a;\n", ":2:", "SyntaxError"),
        (b"\nfunction f() {\n", ":3", "SyntaxError"),
        (b"\nundefined_name();\n", ":2:1", "ReferenceError"),
        (b"\n\nthrow new TypeError('words')", ":3:", "TypeError: words"),
        (b"\x7fELF\x02\x01\x01\x00\x00", ":1:1", "SyntaxError"),
        (bytes(range(256)), ":1:1", "SyntaxError"),
        (b"\xff\xfel\x00e\x00t\x00", ":1:1", "SyntaxError"),
    ],
    ids=["syntax", "twice", "unended", "name", "throws", "program", "binary", "utf-16"],
)


@WRONG_FILES
def test_a_wrong_start_up_file_on_stdio(tmp_path: Path, content: bytes, place: str, error: str) -> None:
    (tmp_path / "wrong.js").write_bytes(content)
    done = run(*write(tmp_path, good="writeln('before')"), "wrong.js", *write(tmp_path, last=""), folder=tmp_path)
    assert done.returncode == 1
    first, *stack = done.stderr.splitlines()
    assert first.startswith(f"dcp-evaluator: wrong.js{place}")
    assert error in first
    assert all(line.startswith("    at ") for line in stack)
    said = done.stdout.splitlines()
    assert said[0] == "before"
    assert said[1].startswith(f"DIE: wrong.js{place}")
    assert len(said) == 2


@WRONG_FILES
def test_a_wrong_script(tmp_path: Path, content: bytes, place: str, error: str) -> None:
    (tmp_path / "wrong.js").write_bytes(content)
    done = run("--shell", "wrong.js", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    first, *stack = done.stderr.splitlines()
    assert first.startswith(error)
    assert f"wrong.js{place}" in stack[0]


def test_a_wrong_start_up_file_is_told_to_each_connection(tmp_path: Path) -> None:
    write(tmp_path, wrong="\nlet x = ;")
    with subprocess.Popen(
        [*COMMAND, "-p", "0", "wrong.js"], cwd=tmp_path, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("dcp-evaluator: wrong.js:2:9: SyntaxError: ")
            while (found := re.search(r"port (\d+)$", process.stderr.readline())) is None:
                pass
            for _ in range(2):
                with socket.create_connection(("localhost", int(found[1])), DEADLINE) as connection:
                    assert connection.makefile().read().startswith("DIE: wrong.js:2:9: SyntaxError: ")
            process.terminate()
            assert process.wait(DEADLINE) == 0
        finally:
            process.kill()


def test_a_start_up_file_may_be_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.js")
    with subprocess.Popen(
        [*COMMAND, "pipe.js"], cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        (tmp_path / "pipe.js").write_text("writeln('from a pipe')")
        assert process.communicate(timeout=DEADLINE)[0] == "from a pipe\n"


# --- Ports ---


@pytest.fixture
def script(tmp_path: Path) -> Path:
    return tmp_path / write(tmp_path, a="")[0]


def test_a_port_in_use(script: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        message = one_message(run("--address", "127.0.0.1", "-p", str(port), script), 2)
    expected = "Address already in use; another program uses the port, choose one with -p"
    assert message == f"cannot listen on 127.0.0.1 port {port}: {expected}"


def test_a_port_without_permission(script: Path) -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if lowest < 2:
        pytest.skip("on this system every port is open to everybody")
    message = one_message(run("-p", "1", script, before=lambda: drop(_CAP_NET_BIND_SERVICE)), 2)
    expected = "Permission denied; ports below 1024 need privileges, choose another with -p"
    assert message == f"cannot listen on localhost port 1: {expected}"


def test_an_address_of_another_machine(script: Path) -> None:
    message = one_message(run("--address", "192.0.2.1", "-p", "0", script), 2)
    assert message == (
        "cannot listen on 192.0.2.1 port 0: Cannot assign requested address; this machine has no such address"
    )


@pytest.mark.parametrize("address", ["no.such.host.invalid", "", "256.1.1.1", "a" * 300, "a..b"])
def test_an_address_that_is_none(script: Path, address: str) -> None:
    message = one_message(run("--address", address, "-p", "0", script), 2)
    assert message.startswith(f"the address {address!r} cannot be resolved: ")


# --- Streams ---


@pytest.mark.parametrize(("fd", "name"), [(0, "input"), (1, "output")])
def test_lines_need_their_streams(script: Path, fd: int, name: str) -> None:
    done = run(script, before=lambda: os.close(fd))
    assert one_message(done, 2) == f"standard {name} is closed; lines need it"


def test_a_peer_that_has_left(tmp_path: Path) -> None:
    write(tmp_path, a="onreadln(() => {}); writeln('hello');")
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs:
        done = subprocess.run(
            [*COMMAND, "a.js"],
            cwd=tmp_path,
            stdin=theirs,
            stdout=theirs,
            stderr=subprocess.PIPE,
            timeout=DEADLINE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_report_that_nobody_reads() -> None:
    with subprocess.Popen([*COMMAND, "--probe", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.wait(DEADLINE) == 128 + signal.SIGPIPE
        assert process.stderr.read() == b""


def test_a_report_without_room_for_it() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "--probe"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=DEADLINE, check=False
        )
    assert one_message(done, 1) == "the output cannot be written: No space left on device"
