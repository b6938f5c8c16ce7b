"""A Ray cluster of two nodes on this machine, against local_exec with as many sandboxes and against plain Ray tasks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from python_distribution import python_environment
from ray_cluster import QUIET, ray_cluster

_PROGRAM = Path(__file__).parent / "cluster_programs.py"
_NODE = {"num_cpus": 1, "object_store_memory": 512 << 20}
_TARGETS = {"trivial": "0.5", "10 ms": "0.95", "1 MiB": "0.6", "trivial, Ray": "3", "10 ms, Ray": "0.9"}
_NAMES = {
    "trivial": "cluster: trivial slices, cluster_exec / local_exec",
    "10 ms": "cluster: slices of 10 ms, cluster_exec / local_exec",
    "1 MiB": "cluster: arrays of 1 MiB in and out, cluster_exec / local_exec",
    "trivial, Ray": "cluster: trivial slices in Python, ours / Ray's tasks",
    "10 ms, Ray": "cluster: slices of 10 ms in Python, ours / Ray's tasks",
}


@pytest.mark.full
def test_two_nodes(benchmark, measure):
    environment = os.environ | python_environment()
    with ray_cluster([_NODE, _NODE], environment=environment) as cluster:
        told = benchmark.pedantic(lambda: _run(cluster.address, environment, 5), rounds=1)
    for key, name in _NAMES.items():
        found = told[key]
        peer = "Ray's tasks, unsandboxed" if "Ray" in key else None
        measure(name, found["ratio"], "", _TARGETS[key], spread=(found["least"], found["most"]), peer=peer)
    measure("cluster: to the first result of a job", told["start"]["seconds"], "s")


def _run(address: str, environment: dict[str, str], rounds: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, _PROGRAM, str(rounds)], check=True, stdout=subprocess.PIPE,
        env={**environment, **QUIET, "RAY_ADDRESS": address},
    )  # fmt: skip
    return json.loads(done.stdout)  # type: ignore[no-any-return]
