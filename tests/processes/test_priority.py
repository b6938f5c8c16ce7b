"""--priority: every process of an evaluator yields to the other programs of the machine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli_driver import COMMAND, one_message, run, write
from dcp_evaluator.processes.control_groups import cpu_refusal
from line_peer import Listener, Peer, write_prelude
from process_tree import cpu_seconds, descendants, name_of
from zygote_control import wait_until

DEADLINE = 100.0
ENOUGH = 0.6
"""Seconds of CPU time of the program in front: many turns of the scheduler."""
_COMPILES = """
handlers.compile = () => {
  new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
  return "compiled";
};
"""


@contextmanager
def evaluator(folder: Path, *options: str, priority: str | None = None) -> Iterator[Listener]:
    environment = {name: value for name, value in os.environ.items() if name != "DCP_EVALUATOR_PRIORITY"}
    if priority is not None:
        environment["DCP_EVALUATOR_PRIORITY"] = priority
    command = [*COMMAND, "-p", "0", "-d", "7", *options, write_prelude(folder, _COMPILES)]
    with Listener(command, environment=environment) as listener:
        yield listener


def session_yields(pid: int) -> bool:
    """As in "/autogroup-7 nice 19". Or the kernel has no such groups."""
    try:
        return Path(f"/proc/{pid}/autogroup").read_text().endswith("nice 19\n")
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize(
    ("options", "variable", "nice", "policy"),
    [
        ((), None, 19, os.SCHED_OTHER),
        ((), "idle", 19, os.SCHED_IDLE),
        (("--priority", "low"), "idle", 19, os.SCHED_OTHER),
        (("--priority", "idle"), None, 19, os.SCHED_IDLE),
        (("--priority", "normal"), "low", 0, os.SCHED_OTHER),
    ],
)
def test_every_process_has_the_priority(
    tmp_path: Path, options: tuple[str, ...], variable: str | None, nice: int, policy: int
) -> None:
    nice = nice or os.getpriority(os.PRIO_PROCESS, 0)
    with evaluator(tmp_path, *options, priority=variable) as listener, listener.connect() as peer:
        assert peer.ask("compile") == "compiled"
        assert {"dcp-zygote", "dcp-sandbox"} <= {name_of(pid) for pid in descendants(listener.process.pid)}
        assert os.getpriority(os.PRIO_PROCESS, listener.process.pid) == nice
        for pid in descendants(listener.process.pid):  # a GPU host among them where there is a driver
            wait_until(lambda pid=pid: yields(pid, nice, policy), f"{name_of(pid)} has it")  # type: ignore[misc]


def yields(pid: int, nice: int, policy: int) -> bool:
    """Or has ended."""
    try:
        found = (os.getpriority(os.PRIO_PROCESS, pid), os.sched_getscheduler(pid))
    except ProcessLookupError:
        return True
    return found == (nice, policy) and (nice < 19 or session_yields(pid))


@pytest.mark.parametrize(("priority", "least", "most"), [("low", 0.9, 1.0), ("idle", 0.9, 1.0), ("normal", 0.2, 0.8)])
def test_a_busy_program_keeps_its_cpu(tmp_path: Path, priority: str, least: float, most: float) -> None:
    """Both on one CPU: the shares do not depend on what else the machine does."""
    with evaluator(tmp_path, "--priority", priority) as listener, listener.connect() as peer:
        sandbox = _busy_sandbox(listener, peer)
        # In a session of its own, as what runs in another terminal.
        front = subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)
        try:
            cpu = {max(os.sched_getaffinity(0))}
            for pid in (front.pid, sandbox):
                os.sched_setaffinity(pid, cpu)
            wait_until(lambda: cpu_seconds(front.pid) > 0.1, "it is busy")
            before, behind = cpu_seconds(front.pid), cpu_seconds(sandbox)
            wait_until(lambda: cpu_seconds(front.pid) > before + ENOUGH, "it goes on", DEADLINE)
            used, taken = cpu_seconds(front.pid) - before, cpu_seconds(sandbox) - behind
            assert min(least, _expected()) <= used / (used + taken) <= most
        finally:
            front.send_signal(signal.SIGKILL)
            front.wait()


def _expected() -> float:
    """What a program of our own niceness has beside one of niceness 19: each step is a factor of 1.25."""
    ratio = 1.25 ** (19 - os.getpriority(os.PRIO_PROCESS, 0))
    return ratio / (ratio + 1) - 0.05


def _busy_sandbox(listener: Listener, peer: Peer) -> int:
    found = re.search(r"is process (\d+)", listener.wait_for("is process"))
    assert found is not None
    peer.send("spin")
    sandbox = int(found[1])
    wait_until(lambda: cpu_seconds(sandbox) > 0, "the sandbox is busy")
    return sandbox


@pytest.mark.parametrize(
    ("arguments", "variable", "message"),
    [
        (("--priority", "high"), None, "invalid choice: 'high'"),
        ((), "high", "DCP_EVALUATOR_PRIORITY is normal, low or idle, not 'high'"),
        (("--max-cpus", "0"), None, "'0' is not a number of CPUs from 0.05, as in 1.5"),
        (("--max-cpus", "1e3"), None, "'1e3' is not a number of CPUs"),
    ],
)
def test_what_is_no_priority_is_told(
    tmp_path: Path, arguments: tuple[str, ...], variable: str | None, message: str
) -> None:
    (file,) = write(tmp_path, start="")
    environment = {} if variable is None else {"DCP_EVALUATOR_PRIORITY": variable}
    done = run(*arguments, file, folder=tmp_path, environment=environment)
    assert message in one_message(done, 2)


def test_cpus_are_limited_or_it_is_told_why_they_cannot_be(tmp_path: Path) -> None:
    (file,) = write(tmp_path, start="")
    done = run("--max-cpus", "0.5", file, folder=tmp_path)
    if reason := cpu_refusal():
        assert one_message(done, 2) == f"--max-cpus: {reason}. A service can be limited by its unit, with CPUQuota="
    else:
        assert (done.returncode, done.stderr) == (0, "")
