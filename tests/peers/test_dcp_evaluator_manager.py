"""npm's dcp-evaluator-manager, which starts this evaluator over stdio for each connection."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dcp_programs import EVALUATOR, environment, modules, results, run_slices

from node import node
from ports import free_port
from process_tree import children, cpu_seconds, descendants, is_running, name_of
from zygote_control import wait_until

_DEADLINE = 60.0
_ENDLESS = {"workFunction": "(x) => { progress(); for (;;); }"}


@contextmanager
def manager(*options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A manager that listens, and its port. It never finds that somebody uses the machine."""
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        command = [node(), modules() / "dcp-worker" / "bin" / "dcp-evaluator-manager", "-a", "-p", str(port)]
        process = subprocess.Popen(
            [*command, f"--pidfile={home}/manager.pid", *options, "--", f"--evaluator={EVALUATOR}"],
            env=environment(home),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("Listening for connections on")
            yield process, port
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def running_below(pid: int) -> set[int]:
    return set(filter(is_running, descendants(pid)))


def test_each_connection_is_an_evaluator_of_its_own() -> None:
    with manager() as (process, port):
        source = "(x) => { progress(); globalThis.count = (globalThis.count ?? 0) + 1; return [x, count]; }"
        for _ in range(2):
            assert results(run_slices(port, {"workFunction": source}, [7, 8])) == [[7, 1], [8, 2]]
        wait_until(lambda: not running_below(process.pid), "the evaluators have ended")


def test_an_endless_loop_ends_with_its_connection() -> None:
    with manager() as (process, port):
        (outcome,) = run_slices(port, _ENDLESS, [1], timeout=1000)["slices"]
        assert outcome["code"] == "ENOPROGRESS"
        wait_until(lambda: not running_below(process.pid), "the evaluator has ended")


def test_a_user_who_comes_back_ends_every_evaluator_at_once() -> None:
    """The manager kills dcp-evaluator-start alone, in the midst of an endless loop; what is below ends by itself."""
    with manager("--signal=SIGUSR2,quick") as (process, port):
        outcomes = []
        worker = threading.Thread(target=lambda: outcomes.extend(run_slices(port, _ENDLESS, [1])["slices"]))
        worker.start()
        wait_until(lambda: any(map(is_spinning, running_below(process.pid))), "the loop runs")
        below = running_below(process.pid)
        process.send_signal(signal.SIGUSR2)
        worker.join(_DEADLINE)
        assert [outcome["code"] for outcome in outcomes] == ["ESANDBOX"]
        wait_until(lambda: not any(map(is_running, below)), "all of them have ended")
        reap(below)


def is_spinning(pid: int) -> bool:
    """Whether this is a sandbox that has used half a second of CPU time; before that it is being assigned."""
    return name_of(pid) == "dcp-sandbox" and cpu_seconds(pid) > 0.5


def reap(processes: set[int]) -> None:
    """Those that lost their parent have become children of this process."""
    for pid in processes.intersection(children(os.getpid())):
        os.waitpid(pid, 0)
