"""``dcp-evaluator-start``: which files and arguments an evaluator gets, its signals, its exit status, pid files."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli_driver import DEADLINE
from dcp_client import PREFIX, START, install_dcp_client, run_command
from line_peer import Peer
from node import node, run_node
from npm_packages import npm_packages
from priority import TIMELY

pytestmark = pytest.mark.any_engine


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    return install_dcp_client(tmp_path)


def start(modules: Path, *options: str, lines: str = "") -> subprocess.CompletedProcess[str]:
    return run_command(START, *options, lines=lines, NODE_PATH=str(modules))


def refused(done: subprocess.CompletedProcess[str], status: int) -> str:
    """The one message of a command that does not start."""
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    (line,) = done.stderr.splitlines()
    return line.removeprefix("dcp-evaluator-start: ")


# --- Start-up files ---


def test_the_files_are_those_that_the_program_of_npm_gives(tmp_path: Path) -> None:
    modules = npm_packages("dcp")
    program = str(modules / "dcp-worker" / "bin" / "dcp-evaluator-start")
    for sandbox_type in ("native", "node"):
        theirs = subprocess.run(
            [node(), program, "-F", "-J", f"--sandbox-type={sandbox_type}"],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DCP_CLIENT_ALLOW_INSECURE_CONFIGURATION": "1"},
            capture_output=True, text=True, timeout=DEADLINE, check=True,
        )  # fmt: skip
        ours = start(modules, "-F", "-J", "-t", sandbox_type)
        assert json.loads(ours.stdout) == json.loads(theirs.stdout)
        assert len(json.loads(ours.stdout)) >= 20


def test_modules_are_found_as_node_finds_them(tmp_path: Path, modules: Path) -> None:
    nested = modules / "dcp-client" / "node_modules" / "tool"
    nested.mkdir(parents=True)
    (nested / "tool.js").write_text("order.push('nested')")
    script = tmp_path / "resolve.js"
    script.write_text("console.log(require('module').createRequire(process.argv[2] + '/x').resolve('tool/tool.js'))")
    theirs = run_node(script, modules / "dcp-client").stdout.strip()
    assert start(modules, "-F").stdout.splitlines()[1] == theirs == str(nested / "tool.js")


@pytest.mark.parametrize("place", ["node_modules", "lib/node_modules", "lib/node_modules/dcp-worker/node_modules"])
def test_dcp_client_is_found_below_the_prefix(tmp_path: Path, place: str) -> None:
    modules = install_dcp_client((tmp_path / place).parent)
    done = run_command(START, "-F", "--prefix", tmp_path)
    assert done.stdout.splitlines()[0] == str(modules / "dcp-client" / "libexec" / "sandbox" / "first.js")


def test_dcp_client_is_found_beside_a_dcp_worker_on_the_path(tmp_path: Path) -> None:
    modules = install_dcp_client(tmp_path / "somewhere")
    program = modules / "dcp-worker" / "bin" / "dcp-worker"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "dcp-worker").symlink_to(program)
    done = run_command(START, "-F", PATH=str(tmp_path / "bin"))
    assert done.stdout.splitlines()[0] == str(modules / "dcp-client" / "libexec" / "sandbox" / "first.js")


def test_the_folder_and_the_list_can_be_named(tmp_path: Path, modules: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "mine.js").write_text("")
    (tmp_path / "list.json").write_text('{"native": ["mine"]}')
    done = start(modules, "-F", f"--sandbox-libexec-dir={tmp_path}/files", f"--sandboxDefinitions={tmp_path}/list.json")
    assert done.stdout == f"{tmp_path}/files/mine.js\n"


def test_the_command_that_would_be_run(modules: Path) -> None:
    done = start(modules, "-D", "-J", "-p", "9000", "--debugLogLevel=info", "--", "--options=--max-old-space-size=64")
    shown = json.loads(done.stdout)
    assert shown["evaluator"] == str(PREFIX / "bin" / "dcp-evaluator")
    assert shown["args"] == ["-p", "9000", "-d", "6", "--options=--max-old-space-size=64"]
    assert [Path(file).name for file in shown["files"]] == ["first.js", "tool.js", "last.js"]
    assert json.loads(start(modules, "-T", "-J").stdout) == ["native", "node", "broken", "alone"]


@pytest.mark.parametrize(
    ("level", "number"),
    [
        ("emerg", 0),
        ("alert", 1),
        ("crit", 2),
        ("error", 3),
        ("warn", 4),
        ("", 5),
        ("notice", 5),
        ("debug", 7),
        ("3", 3),
    ],
)
def test_debug_levels_have_the_names_of_syslog(modules: Path, level: str, number: int) -> None:
    shown = json.loads(start(modules, "-s", "-D", "-J", "-d", level).stdout)
    assert shown["args"] == ["-d", str(number)]


# --- Running ---


def test_it_is_the_evaluator_over_stdio(modules: Path) -> None:
    done = start(modules, "--stdio", lines="echo hello\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")


@pytest.mark.parametrize("options", [[], ["--pidFile={folder}/pid"]], ids=["", "pid file"])
def test_the_exit_status_is_the_evaluators(tmp_path: Path, modules: Path, options: list[str]) -> None:
    options = [option.format(folder=tmp_path) for option in options]
    done = start(modules, "-s", *options, lines="die 7\n")
    assert done.returncode == 7
    assert not (tmp_path / "pid").exists()


def test_memory_means_something_and_other_engine_options_are_told(tmp_path: Path) -> None:
    source = """
      let error = "none";
      try { const parts = []; for (let i = 0; i < 200; ++i) parts.push(new Uint8Array(1 << 20).fill(1)); }
      catch (caught) { error = caught.name; }
      writeln(error);
    """
    modules = install_dcp_client(tmp_path, source)
    small = start(modules, "-s", "--", "--engine=quickjs", "--options=--max-old-space-size=100 --expose-gc")
    assert small.stdout == "InternalError\n"
    option, shortage = small.stderr.splitlines()
    assert option == "dcp-evaluator: the engine option --expose-gc has no meaning here"
    assert "sandbox 1 is out of memory" in shortage
    assert start(modules, "-s", "--", "--options=--max-old-space-size=1000").stdout == "none\n"


@contextmanager
def listening(modules: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    process = subprocess.Popen(
        [START, "-p", "0", *options],
        env={"PATH": "/usr/bin:/bin", "NODE_PATH": str(modules), **TIMELY},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        try:
            assert process.stderr is not None
            while not (found := re.search(r"listening on .* port (\d+)", line := process.stderr.readline())):
                assert line, "it ended"
            yield process, int(found[1])
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("with_file", [False, True], ids=["", "pid file"])
def test_signals_are_passed_on(tmp_path: Path, modules: Path, number: signal.Signals, with_file: bool) -> None:
    file = tmp_path / "pid"
    with listening(modules, *(["-f", str(file)] if with_file else [])) as (process, port):
        if with_file:
            assert int(file.read_text()) == process.pid
        with Peer(port) as peer:
            assert peer.ask("echo over tcp") == "over tcp"
            process.send_signal(number)
            assert process.wait(DEADLINE) == 0
            assert peer.read() == ""
    assert not file.exists()


def test_a_pid_file_of_a_live_process_is_kept(tmp_path: Path, modules: Path) -> None:
    file = tmp_path / "pid"
    file.write_text(f"{os.getppid()}\n")
    message = refused(start(modules, "-s", "-f", str(file)), 1)
    assert message.startswith(f"process {os.getppid()} is running and holds the pid file {file}; end it, or choose")
    assert file.exists()


@pytest.mark.parametrize("content", ["99999999", "", "words", "0", "9" * 30])
def test_a_pid_file_that_was_left_is_replaced(tmp_path: Path, modules: Path, content: str) -> None:
    file = tmp_path / "pid"
    file.write_text(content)
    done = start(modules, "-s", "-f", str(file), lines="echo on\n")
    assert (done.returncode, done.stdout) == (0, "on\n")
    assert not file.exists()


@pytest.mark.parametrize("kind", ["FIFO", "device", "folder"])
def test_a_pid_file_that_is_no_file(tmp_path: Path, modules: Path, kind: str) -> None:
    """Nobody waits for a writer, and nothing is removed."""
    path = Path("/dev/zero") if kind == "device" else tmp_path / "pid"
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    message = refused(start(modules, "-s", "-f", str(path)), 1)
    assert message == f"the pid file {path} is there and is no plain file; choose another one"
    assert path.exists()


def test_the_pid_file_has_a_place_of_its_own_below_the_prefix(tmp_path: Path, modules: Path) -> None:
    command = [START, "-s", "--prefix", str(tmp_path), "-e", str(PREFIX / "bin" / "dcp-evaluator"), "-f"]
    with subprocess.Popen(
        command,
        env={"PATH": "/usr/bin:/bin", "NODE_PATH": str(modules), **TIMELY},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b"echo 1\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"1\n"
        assert int((tmp_path / "run" / "dcp-evaluator-start.pid").read_text()) == process.pid
        process.stdin.close()
        assert process.wait(DEADLINE) == 0
    assert list((tmp_path / "run").iterdir()) == []


# --- Errors ---


def test_without_a_dcp_client(tmp_path: Path, missing: Path) -> None:
    message = refused(run_command(START, "-s", "--prefix", tmp_path, PATH=str(missing)), 2)
    assert message.startswith(f"no dcp-client is installed in {tmp_path}/node_modules, {tmp_path}/lib/node_modules")
    assert message.endswith(
        "give its folder with --dcp-client (an option of dcp-evaluator-start), or the folder that holds it in NODE_PATH"
    )


def test_a_port_in_use(modules: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = start(modules, "-p", port)
    assert done.returncode == 2
    assert "Address already in use; another program uses the port, choose one with -p" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("-s -t browser", "there is no sandbox type 'browser' in {list}; it has native, node, broken, alone"),
        ("-s -t broken", "the module {files}/absent is not installed beside {client}; install it with npm, or copy"),
        ("-s -t alone", "the module no/no.js is not installed beside {client}; install it with npm, or copy it there"),
        ("-s -t broken -d 3", "evaluators of type broken have no debug level; leave -d out"),
        ("-s -d loud", "argument -d/--debug-log-level/--debugLogLevel: there is no level 'loud'; levels are emerg, "),
        ("-p 65536", "argument -p/--port: '65536' is not a number from 0 to 65535; see dcp-evaluator-start --help"),
        ("-v --prot 1", ("unrecognized arguments: --prot 1; options of the evaluator go after --: dcp-evaluator-start "
                        "-v -- --prot 1; see dcp-evaluator-start")),
        ("-s --prefix {missing}", "the evaluator {missing}/bin/dcp-evaluator does not exist; name it"),
        ("-s --prefix {missing} -e {python}", "the prefix {missing} does not exist; name it with --prefix"),
        ("-s -e {list}", "the evaluator {list} may not be used by this user; name another with --evaluator"),
        ("-s -r tool/absent", "the module tool/absent is not installed beside {client}; install it with"),
        ("-s --sandbox-definitions {missing}", "the sandbox definitions cannot be read from {missing}: "),
        ("-s --sandbox-definitions {files}/last.js", "the sandbox definitions in {files}/last.js are no JSON: "),
        ("-s -f {missing}/pid", "the pid file {missing}/pid cannot be made: No such file or directory; choose"),
    ],
)  # fmt: skip
def test_wrong_options(modules: Path, missing: Path, options: str, message: str) -> None:
    client = modules / "dcp-client"
    places = {
        "client": client,
        "files": client / "libexec" / "sandbox",
        "list": client / "generated" / "sandbox-definitions.json",
        "missing": missing,
        "python": sys.executable,
    }
    status = 1 if "-f" in options else 2
    assert refused(start(modules, *options.format(**places).split()), status).startswith(message.format(**places))


@pytest.mark.parametrize("text", ["[]", '{"native": "first"}', '{"native": [1]}', '{"native": [""]}'])
def test_definitions_of_another_kind(tmp_path: Path, modules: Path, text: str) -> None:
    (tmp_path / "list.json").write_text(text)
    message = refused(start(modules, "-s", "--sandbox-definitions", str(tmp_path / "list.json")), 2)
    assert message.endswith("are no object with a list of file names for each type")
