"""``dcp-evaluator cluster probe``, as a user runs it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from cli_driver import COMMAND, DEADLINE, one_message, run
from dcp_evaluator.settings.installation import VERSION
from ray_cluster import QUIET, RayCluster, ray_cluster
from reports import checked, schema

pytestmark = pytest.mark.any_engine

INSTALL = f"{sys.executable} -m pip install 'dcp-evaluator[ray]=={VERSION}'"


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory, temporary_folder: object) -> Iterator[RayCluster]:
    """Its only node never comes to an end with loading the package."""
    folder = tmp_path_factory.mktemp("endless")
    (folder / "dcp_evaluator.py").write_text("import time\nwhile True: time.sleep(60)\n")
    with ray_cluster([{"num_cpus": 1, "env_vars": {"PYTHONPATH": str(folder)}}]) as cluster:
        yield cluster


def test_each_node_has_a_report(mixed: RayCluster) -> None:
    done = run("cluster", "probe", mixed.address, "--json", environment=QUIET)
    assert (done.returncode, done.stderr) == (2, "")
    report = checked("cluster-probe-1", done.stdout)
    assert not report["ready"]
    assert {node["node"]["id"] for node in report["nodes"]} == set(mixed.alive())
    head, *others = report["nodes"]
    assert (head["ready"], head["problem"], head["versions"]["package"]) == (True, None, VERSION)
    assert head["report"]["verdict"].startswith("Ready: ")
    jsonschema.validate(head["report"], schema("probe-1"))
    assert {str(node["versions"]["package"]): node["problem"] for node in others} == {
        "None": f"dcp-evaluator is not installed there; run there: {INSTALL}",
        "0.0.9": f"it has dcp-evaluator 0.0.9, this program {VERSION}; run there: {INSTALL}",
    }
    assert [(node["ready"], node["report"]) for node in others] == [(False, None)] * 2


def test_people_get_a_table(mixed: RayCluster) -> None:
    done = run("cluster", "probe", environment={**QUIET, "RAY_ADDRESS": mixed.address})
    assert (done.returncode, done.stderr) == (2, "")
    first, *lines, last = done.stdout.splitlines()
    assert [title.strip() for title in first.split("  ") if title.strip()] == [
        "node", "versions", "what sandboxes get", "what does not run there, and why",
    ]  # fmt: skip
    for text in (f"dcp-evaluator {VERSION}", "dcp-evaluator none", "dcp-evaluator 0.0.9", "isolation ", "1 CPU, 0 GPU"):
        assert any(text in line for line in lines), text
    assert sum("NO JOB RUNS: " in line for line in lines) == 2
    assert last == "2 of 3 nodes cannot run jobs"


def test_a_node_that_does_not_answer_is_not_waited_for(silent: RayCluster) -> None:
    terminal, other_end = pty.openpty()
    command = [*COMMAND, "cluster", "probe", silent.address, "--timeout", "1.5"]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=other_end, env={**os.environ, **QUIET}, text=True, timeout=DEADLINE,
        check=False,
    )  # fmt: skip
    os.close(other_end)
    shown = os.read(terminal, 1 << 16).decode()
    os.close(terminal)
    assert done.returncode == 2
    assert "NO JOB RUNS: it has not answered" in done.stdout
    assert "within 1.5 s" in done.stdout
    assert done.stdout.endswith("\n1 of 1 node cannot run jobs\n")
    assert "0/1" in shown


def test_without_a_cluster(nobody: str) -> None:
    message = one_message(run("cluster", "probe", nobody), 1)
    assert message.startswith("no Ray cluster can be reached at ")
    assert message.endswith(": Connection refused; on the machine of its head run: ray start --head")


def test_without_ray(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['ray'] = None\n")
    message = one_message(run("cluster", "probe", environment={"PYTHONPATH": str(tmp_path)}), 1)
    assert message == "the Python package ray is not installed; run: pip install 'dcp-evaluator[ray]'"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "what to do is missing: probe; see dcp-evaluator cluster --help"),
        (["prove"], "argument ACTION: invalid choice: 'prove'"),
        (["probe", "a:1", "b:1"], "unrecognized arguments: b:1; see dcp-evaluator cluster --help"),
        (["probe", "--timeout", "0"], "argument --timeout: '0' is not a number of seconds"),
        (["probe", "head"], "'head' is no address of a Ray cluster; it is auto, HOST:PORT or ray://HOST:PORT"),
    ],
)
def test_what_cannot_be_followed(arguments: list[str], message: str) -> None:
    assert one_message(run("cluster", *arguments), 2).startswith(message)


def test_help() -> None:
    done = run("cluster", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: dcp-evaluator cluster probe [ADDRESS] [--timeout SECONDS] [--json]\n")
