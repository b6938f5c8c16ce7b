"""Ray clusters for tests: several nodes on this machine, on loopback alone, below a program of their own.

Where Ray has been in a process, threads and descriptors of its stay; so programs that tests start connect to it too.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from process_tree import descendants, is_running
from zygote_control import wait_until

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_AUTH_MODE": "disabled",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
}
"""Of the environment of whoever connects: nothing is sent, nothing is told of what will change in Ray, a token of this
user is not asked for; and, whatever its name says, all of a cluster is at 127.0.0.1, where no other machine reaches it.
"""
_FORKS = {"GRPC_ENABLE_FORK_SUPPORT": "0"}
"""With it, every other process that the server for Ray Client starts crashes on a busy machine."""
_PROGRAM = Path(__file__).with_name("ray_nodes.py")


class Node:
    """``id``: Ray's. ``raylet``: the process that is the node for Ray; others are below it, or are the head's own."""

    def __init__(self, name: str, raylet: int, others: list[int]) -> None:
        self.id = name
        self.raylet = raylet
        self._others = others

    def processes(self) -> list[int]:
        """All, sandboxes too."""
        return [below for root in (self.raylet, *self._others) for below in (root, *descendants(root))]

    def workers(self, name: str) -> list[int]:
        """Those with an actor of this class."""
        return [pid for pid in descendants(self.raylet) if _command_line(pid).startswith(f"ray::{name}")]

    def kill(self) -> None:
        """All of it at once, as when the machine loses power."""
        for pid in self.freeze():
            _signal(pid, signal.SIGKILL)

    def freeze(self) -> list[int]:
        """Stops all its processes, as when the machine falls silent; they are returned."""
        stopped: list[int] = []
        while fresh := [pid for pid in self.processes() if pid not in stopped]:
            for pid in fresh:
                _signal(pid, signal.SIGSTOP)
            stopped += fresh
        return stopped

    def kill_raylet(self) -> None:
        """Its other processes find that out by themselves."""
        _signal(self.raylet, signal.SIGKILL)

    def stop(self) -> None:
        """As ``ray stop``."""
        _signal(self.raylet, signal.SIGTERM)
        wait_until(lambda: not is_running(self.raylet), "the raylet has ended")


class RayCluster:
    """``address`` of the head, as HOST:PORT; ``client_address``, where it is asked for, of its server for Ray Client.

    ``nodes``: the head and all that were added, in this order.
    """

    def __init__(self, program: subprocess.Popen[str], folder: str) -> None:
        self.program = program
        self.folder = folder
        """RAY_TMPDIR."""
        self.address, self.client_address, nodes = self._answer()
        self.nodes = [Node(*node) for node in nodes]

    def add_node(self, **options: Any) -> Node:
        """``num_cpus``, ``num_gpus``, ``resources``, ``env_vars`` ..."""
        node = Node(*self._ask({"add": options}))
        self.nodes.append(node)
        return node

    def remove_node(self, node: Node) -> None:
        """Kills it; returns when the head knows that it is gone."""
        node.kill()
        wait_until(lambda: node.id not in self.alive(), "the head knows that the node is gone")
        self.nodes.remove(node)

    def alive(self) -> list[str]:
        """The ids of nodes that live, as far as the head knows."""
        return self._ask({"alive": None})

    def driver(self, source: str | Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Starts a Python program to which RAY_ADDRESS is this cluster. It ends with the thread that calls this.

        ``source``: its text, or its path; it finds the modules of tests.
        """
        tests = {"PYTHONPATH": str(_PROGRAM.parent)}
        variables = {**os.environ, **QUIET, **tests, "RAY_ADDRESS": self.address, **environment}
        program = [str(source)] if isinstance(source, Path) else ["-c", textwrap.dedent(source)]
        command = ["setpriv", "--pdeathsig", "KILL", sys.executable, *program, *arguments]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen(command, text=True, env=variables, **pipes)

    def run_driver(self, source: str | Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """What becomes of such a program, within 100 s."""
        with self.driver(source, *arguments, **environment) as driver:
            try:
                out, err = driver.communicate(timeout=100)
            finally:
                driver.kill()
        return subprocess.CompletedProcess(driver.args, driver.returncode, out, err)

    def end(self) -> None:
        self.program.communicate(timeout=60)

    def _ask(self, question: Mapping[str, Any]) -> Any:
        assert self.program.stdin is not None
        print(json.dumps(question), file=self.program.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Any:
        assert self.program.stdout is not None
        return json.loads(self.program.stdout.readline())


@contextmanager
def ray_cluster(
    nodes: Sequence[Mapping[str, Any]] = ({"num_cpus": 1},),
    environment: Mapping[str, str] = os.environ,
    *,
    with_client: bool = False,
    token: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[RayCluster]:
    """The first of ``nodes`` is the head. ``environment``: of all their workers. ``token``: variables
    with which whoever connects shows that he may.

    A node takes 1 to 2 s, 1 s of CPU and 150 MB, the head 130 MB more; at rest each has 1 % of a CPU.
    """
    variables = {name: value for name, value in environment.items() if name != "RAY_ADDRESS"}
    # Sockets below it have long names already. The program removes it as well, for tests that are killed.
    with tempfile.TemporaryDirectory(prefix="", ignore_cleanup_errors=True) as folder:
        program = subprocess.Popen(
            [sys.executable, _PROGRAM, json.dumps([with_client, *nodes])], text=True, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**variables, **QUIET, **_FORKS, **token, "RAY_TMPDIR": folder},
        )  # fmt: skip
        with program:
            cluster = RayCluster(program, folder)
            try:
                yield cluster
            finally:
                cluster.end()


@contextmanager
def turn_of_client() -> Iterator[None]:
    """One program of the machine at a time begins with Ray Client: two clusters would choose the same ports for it."""
    folder = os.open("/tmp", os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _command_line(pid: int) -> str:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    return ""


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
