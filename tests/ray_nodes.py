"""The program below which the nodes of a cluster run, for ray_cluster.py: asked by lines of JSON.

It ends when stdin does, the end of the tests whatever their end is, and all processes below it with it.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import IO, Any

from ports import free_port
from process_tree import descendants, is_running

_PR_SET_CHILD_SUBREAPER = 36
_CONFIGURATION = {
    # A process of Python for each CPU, before anybody asks for one.
    "enable_worker_prestart": False,
    "prestart_worker_first_driver": False,
    # A node that is killed is missed after 1.5 s, one that falls silent after 6.5 s.
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 300,
    "health_check_timeout_ms": 1000,
    "health_check_failure_threshold": 5,
    # Programs and nodes give up a head that is lost after 5 s, not 60.
    "gcs_rpc_server_reconnect_timeout_s": 5,
    # Ray kills workers where other programs use the memory of the machine.
    "memory_monitor_refresh_ms": 0,
}
_HEAD = {
    "_system_config": _CONFIGURATION,
    "session_name": "s",
    "include_dashboard": False,
    "dashboard_port": 0,
    "dashboard_agent_listen_port": 0,
    "no_monitor": True,  # of the autoscaler
}
_NODE = {"include_log_monitor": False}


def main(with_client: bool, *nodes: dict[str, Any]) -> None:
    # What a killed process leaves is below this one, and found there.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # To its workers, a raylet lives as long as nobody has waited for its end.
    signal.signal(signal.SIGCHLD, lambda *_: _reap(os.WNOHANG))
    out, sys.stdout = sys.stdout, sys.stderr
    try:
        _serve(out, with_client, *nodes)
    finally:
        _end_all()
        shutil.rmtree(os.environ["RAY_TMPDIR"], ignore_errors=True)


def _serve(out: IO[str], with_client: bool, head: dict[str, Any], *others: dict[str, Any]) -> None:
    from ray.cluster_utils import Cluster

    port = free_port() if with_client else None
    cluster = Cluster(initialize_head=True, head_node_args={**_HEAD, **_NODE, "ray_client_server_port": port, **head})
    if port is not None:
        _wait_for(port)
    nodes = [_node(cluster.head_node), *(_node(cluster.add_node(**_NODE, **options)) for options in others)]
    client_address = f"ray://127.0.0.1:{port}" if with_client else None
    print(json.dumps([cluster.address, client_address, nodes]), file=out, flush=True)
    for line in sys.stdin:
        ((question, value),) = json.loads(line).items()
        answer = _node(cluster.add_node(**_NODE, **value)) if question == "add" else _alive(cluster)
        print(json.dumps(answer), file=out, flush=True)


def _node(node: Any) -> tuple[str, int, list[int]]:
    """Its id, its raylet, and the processes that the head has beside that."""
    pids = {name: info.process.pid for name, (info,) in node.all_processes.items()}
    raylet = pids.pop("raylet")
    return node.node_id, raylet, list(pids.values())


def _alive(cluster: Any) -> list[str]:
    return [node["NodeID"] for node in cluster.global_state.node_table() if node["Alive"]]


def _end_all() -> None:
    while running := [pid for pid in descendants(os.getpid()) if is_running(pid)]:
        for pid in running:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    _reap(0)


def _reap(options: int) -> None:
    """All children that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, options) != (0, 0):
            pass


def _wait_for(port: int) -> None:
    """Ray does not wait for its server for Ray Client."""
    for _ in range(600):
        with socket.socket() as caller:
            if caller.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("Ray Client's server has not started")


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]))
