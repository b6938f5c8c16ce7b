"""Ray clusters for tests: several nodes on this machine, run by a program of their own.

Where Ray has been in a process, descriptors of its stay open; so programs that tests start connect to it too.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Of the environment of whoever connects: nothing is sent, and nothing is told of what will change in Ray."""


class RayCluster:
    """``address`` of the head, as HOST:PORT; ``client_address``, where it is asked for, of its server for Ray Client.

    Nodes have numbers.
    """

    def __init__(self, program: subprocess.Popen[str], folder: str) -> None:
        self._program = program
        self.folder = folder
        """RAY_TMPDIR."""
        self.address, self.client_address = self._answer()

    def add_node(self, **options: Any) -> int:
        """``num_cpus``, ``num_gpus``, ``resources`` ...; its number."""
        return self._ask({"add": options})

    def remove_node(self, number: int) -> None:
        """All its processes are killed."""
        self._ask({"remove": number})

    def end(self) -> None:
        self._program.communicate(timeout=60)

    def _ask(self, question: Mapping[str, Any]) -> Any:
        assert self._program.stdin is not None
        print(json.dumps(question), file=self._program.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Any:
        assert self._program.stdout is not None
        return json.loads(self._program.stdout.readline())


@contextmanager
def ray_cluster(
    nodes: Sequence[Mapping[str, Any]] = ({"num_cpus": 1},),
    environment: Mapping[str, str] = os.environ,
    *,
    with_client: bool = False,
) -> Iterator[RayCluster]:
    """The first of ``nodes`` is the head. ``environment``: of all their workers."""
    with tempfile.TemporaryDirectory(prefix="") as folder:  # sockets below it have long names already
        program = subprocess.Popen(
            [sys.executable, __file__, json.dumps([with_client, *nodes])], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**environment, **QUIET, "RAY_TMPDIR": folder},
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


def _serve(with_client: bool, head: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> None:
    """Until stdin ends, the end of the tests whatever their end is."""
    from ray.cluster_utils import Cluster

    out, sys.stdout = sys.stdout, sys.stderr
    port = _free_port() if with_client else None
    options = {"include_dashboard": False, "ray_client_server_port": port, **head}
    cluster = Cluster(initialize_head=True, head_node_args=options)
    try:
        if port is not None:
            _wait_for(port)
        nodes = [cluster.head_node, *(cluster.add_node(**options) for options in others)]
        client_address = f"ray://127.0.0.1:{port}" if with_client else None
        print(json.dumps([cluster.address, client_address]), file=out, flush=True)
        for line in sys.stdin:
            question = json.loads(line)
            if "remove" in question:
                cluster.remove_node(nodes[question["remove"]], allow_graceful=False)
            else:
                nodes.append(cluster.add_node(**question["add"]))
            print(json.dumps(len(nodes) - 1), file=out, flush=True)
    finally:
        cluster.shutdown()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_for(port: int) -> None:
    """Ray does not wait for its server for Ray Client."""
    for _ in range(600):
        with socket.socket() as caller:
            if caller.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("Ray Client's server has not started")


if __name__ == "__main__":
    client, first, *rest = json.loads(sys.argv[1])
    _serve(client, first, rest)
