"""A sandbox on a node of a Ray cluster reaches nothing of Ray: not its ports, its sockets, its files, its memory."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from socket import socket

import attacks
import pytest
import reaching_ray
from public_copies import PublicCopies

from dcp_evaluator.settings import installation
from process_tree import descendants, name_of, open_descriptors
from python_distribution import python_environment
from ray_cluster import RayCluster, ray_cluster

pytestmark = pytest.mark.any_engine

_LISTENS = "0A"
_IN_NODE = "({})().then((found) => console.log(JSON.stringify(found)))"


@pytest.fixture
def cluster(
    public: PublicCopies, tmp_path_factory: pytest.TempPathFactory, temporary_folder: object
) -> Iterator[RayCluster]:
    """Its evaluators take a library that attacks for wasmtime's."""
    folder = tmp_path_factory.mktemp("patch")
    library = attacks.copy_library("attack_wasmtime", public)
    patch = f"from dcp_evaluator.settings import installation\ninstallation.wasmtime_library = lambda: {library!r}\n"
    (folder / "sitecustomize.py").write_text(patch)
    variables = {"PYTHONPATH": str(folder), "DCP_EVALUATOR_ENGINE": "quickjs", **python_environment()}
    with ray_cluster([{"num_cpus": 1}], os.environ | variables) as cluster:
        yield cluster


class ThingsOfRay:
    """What its processes have: open descriptors, as DEVICE:INODE, addresses with the name of who listens there, the
    paths of shared memory.
    """

    def __init__(self, pids: list[int]) -> None:
        self.descriptors: set[str] = set()
        self.shared_memory: list[str] = []
        sockets: dict[int, str] = {}
        for pid in pids:
            for number in open_descriptors(pid):
                path = Path(f"/proc/{pid}/fd/{number}")
                with suppress(FileNotFoundError):  # closed by now
                    target, status = str(path.readlink()), path.stat()
                    if target != os.devnull:
                        self.descriptors.add(f"{status.st_dev}:{status.st_ino}")
                    if target.startswith("/dev/shm/"):
                        self.shared_memory.append(str(path))
                    if stat.S_ISSOCK(status.st_mode):
                        sockets[status.st_ino] = name_of(pid)
        self.addresses = dict(_listening(sockets))


def _listening(sockets: dict[int, str]) -> Iterator[tuple[str, str]]:
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            local, state, inode = fields[1], fields[3], int(fields[9])
            if state == _LISTENS and inode in sockets:
                yield f"127.0.0.1:{int(local.rpartition(':')[2], 16)}", sockets[inode]


def test_it_is_out_of_reach(cluster: RayCluster) -> None:
    with cluster.driver(Path(reaching_ray.__file__), **python_environment()) as driver:
        try:
            assert driver.stdin is not None
            assert driver.stdout is not None
            assert driver.stdout.readline() == "runs\n"
            running = (driver.pid, *descendants(cluster.program.pid))
            ray = ThingsOfRay([pid for pid in running if not name_of(pid).startswith("dcp-")])
            unix_sockets = [path for path in Path(cluster.folder).rglob("*") if path.is_socket()]
            logs = [path for path in Path(cluster.folder).rglob("*.out") if path.is_file()]
            targets = [
                *(f"connect {address}" for address in (*ray.addresses, *unix_sockets)),
                *(f"open {path}" for path in (*ray.shared_memory, *logs)),
            ]
            assert {"gcs_server", "raylet", "ray::EvaluatorA", "ray::RuntimeEnv"} <= set(ray.addresses.values())
            assert {path.name for path in unix_sockets} == {"raylet", "plasma_store"}
            assert ray.shared_memory
            check_that_all_succeed_without_a_sandbox(targets)

            print(json.dumps(targets), file=driver.stdin, flush=True)
            out, errors = driver.communicate(timeout=100)
        finally:
            driver.kill()
    assert [line for line in errors.splitlines() if not line.startswith("dcp-evaluator: loading ")] == []
    native, python, javascript = json.loads(out)
    own = native.pop("descriptors").split()
    assert own
    assert ray.descriptors.isdisjoint(own)
    assert set(native) == set(python) == set(targets)
    assert {target: what for target, what in native.items() if not failed(what)} == {}
    assert {target: what for target, what in python.items() if not failed(what)} == {}
    assert javascript == []


def failed(outcome: str) -> bool:
    return outcome.startswith("refused: ") or "SIGSYS" in outcome


def check_that_all_succeed_without_a_sandbox(targets: list[str]) -> None:
    for target in targets:
        assert attacks.unprotected(target).startswith("SUCCEEDED: "), target
        assert reaching_ray.in_python(target).startswith("SUCCEEDED: "), target
    with socket() as passed:
        status = os.fstat(passed.fileno())
        told = told_by(attacks.BUILT / "attack_main", "descriptors", stdin=passed)
    assert f"{status.st_dev}:{status.st_ino}" in told.split()
    found = told_by(installation.node_program(), "-e", _IN_NODE.format(reaching_ray.JAVASCRIPT))
    assert {"fetch", "process", "node:net", "node:fs"} <= set(json.loads(found))


def told_by(*command: str | Path, stdin: socket | None = None) -> str:
    return subprocess.run(command, stdin=stdin, capture_output=True, text=True, check=True).stdout
