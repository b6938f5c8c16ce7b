"""``dcp-evaluator --benchmark``: scores for people and for programs, interrupted, and on machines without a GPU."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from broken_driver import BODIES, broken_driver
from cli_driver import COMMAND, DEADLINE, one_message, run
from dcp_evaluator.benchmark.references import references
from dcp_evaluator.benchmark.report import show
from dcp_evaluator.settings import engines, settings
from reports import checked

pytestmark = pytest.mark.any_engine

NO_GPU = ("--gpu-devices", "")
PROCESSOR_IDS = {
    "webassembly.f32.core", "webassembly.f32.all",
    "webassembly.sha256.core", "webassembly.sha256.all", "memory.copy", "memory.copy.all",
}  # fmt: skip
SANDBOX_IDS = {
    "sandbox.start", "sandbox.slices", "sandbox.data", "sandbox.memory", "sandbox.fit", "sandbox.fit.working",
}  # fmt: skip
GPU_IDS = {"gpu.trip", "gpu.upload", "gpu.readback", "gpu.memory", "gpu.matrix_product.f32"}


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    done = run("--benchmark", "--quick", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return checked("benchmark-1", done.stdout)


def text_of(report: dict[str, Any], width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width)
    show(report, references(), console)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_every_part_has_its_scores(report: dict[str, Any]) -> None:
    assert report["complete"] is True
    assert report["problems"] == []
    ids = {score["id"] for score in report["scores"] if score["gpu"] is None}
    assert ids >= PROCESSOR_IDS | SANDBOX_IDS
    names = [engine["name"] for engine in report["engines"]]
    assert set(names) == {name for name in ("quickjs", "v8") if engines.missing(name, settings.Settings()) is None}
    assert ids >= {f"javascript.{name}.{part}" for name in names for part in ("core", "all")}
    assert all(score["value"] > 0 for score in report["scores"])
    offered = [gpu for gpu in report["gpus"] if gpu["offered"]]
    assert offered, "there is no Vulkan driver: install one (Debian: mesa-vulkan-drivers)"
    for gpu in offered:
        assert {score["id"] for score in report["scores"] if score["gpu"] == gpu["index"]} >= GPU_IDS


def test_each_core_was_measured_alone(report: dict[str, Any]) -> None:
    cpus = {core["cpu"] for core in report["cores"]}
    assert cpus <= os.sched_getaffinity(0)
    assert len(cpus) == min(8, len(os.sched_getaffinity(0))) or len(cpus) >= 4
    assert all(set(core["javascript.quickjs.kernels"]) >= {"numbers", "strings"} for core in report["cores"])


def test_nothing_names_the_machine(report: dict[str, Any]) -> None:
    for text in (json.dumps(report), *map(json.dumps, references().values())):
        words = set(text.replace('"', " ").replace("/", " ").split())
        assert socket.gethostname() not in words
        assert str(Path.home()) not in text


def test_the_scores_fit_on_a_screen_beside_the_references(report: dict[str, Any]) -> None:
    text = text_of(report)
    lines = text.splitlines()
    assert len(lines) <= 50
    assert max(map(len, lines)) <= 100
    for name in references():
        assert f"x {name}" in text
    (start,) = [line for line in lines if line.startswith("a new sandbox to its first result")]
    assert len(start.split()) == 9 + len(references())
    assert "GFLOP/s" in text


def test_reference_machines_are_whole_reports() -> None:
    assert references()
    for reference in references().values():
        checked("benchmark-1", json.dumps(reference))
        assert reference["complete"] is True
        assert reference["quick"] is False
        assert reference["problems"] == []


def test_a_busy_machine_is_told(report: dict[str, Any]) -> None:
    idle, busy = report | {"load_before": 0.0}, report | {"load_before": 2.0 * report["machine"]["cpus_usable"]}
    assert "busy" not in text_of(idle)
    assert f"(load average {busy['load_before']:.1f} on " in text_of(busy)


def test_better_is_more_than_one(report: dict[str, Any]) -> None:
    scores = [{**score, "value": 2 * score["value"]} for score in report["scores"]]
    console = Console(file=io.StringIO(), width=100)
    show(report, {"half": {**report, "scores": scores}}, console)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    ratio = {name: line.split()[-1] for name in ("trivial slices", "a new sandbox") for line in lines if name in line}
    assert ratio == {"trivial slices": "0.50", "a new sandbox": "2.00"}


def interrupted(*options: str) -> tuple[str, str]:
    """stdout, and what a terminal showed, of a benchmark that got Ctrl-C after its first step."""
    terminal, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "--benchmark", *options, *NO_GPU], stdout=subprocess.PIPE, stderr=theirs, text=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    ) as process:  # fmt: skip
        os.close(theirs)
        shown = b""
        while not re.search(rb"\b1/\d+", shown):
            shown += os.read(terminal, 4096)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=DEADLINE)
    os.close(terminal)
    assert process.returncode == 130
    return output, shown.decode()


def test_ctrl_c_prints_what_is_done() -> None:
    output, _ = interrupted("--json")
    report = checked("benchmark-1", output)
    assert report["complete"] is False
    assert report["cores"]
    assert "Interrupted" in text_of(report)


def test_a_bar_tells_how_far_it_is_and_ctrl_c_ends_it() -> None:
    output, shown = interrupted("--quick")
    assert "CPU " in shown
    assert "Interrupted: the rest was not measured." in output


def test_without_a_gpu_the_rest_is_measured(tmp_path: Path) -> None:
    """A driver that crashes is told, and costs no more than that."""
    manifest = str(broken_driver(tmp_path, BODIES["aborts"]))
    done = run(
        "--benchmark", "--quick", "--json", environment={"VK_DRIVER_FILES": manifest, "VK_ICD_FILENAMES": manifest}
    )
    assert done.returncode == 0, done.stderr
    report = checked("benchmark-1", done.stdout)
    assert {score["id"] for score in report["scores"]} >= PROCESSOR_IDS | SANDBOX_IDS
    (problem,) = report["problems"]
    assert problem.startswith("GPU: dcp-gpu-host failed (signal 6 (SIGABRT))")
    text = " ".join(text_of(report).split())
    assert "No GPU is offered to sandboxes" in text
    assert "Not measured: GPU: dcp-gpu-host failed" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--quick", "--quick needs --benchmark"),
        ("--probe --quick", "--quick has no meaning with --probe"),
        ("--benchmark a.js", "a FILE has no meaning with --benchmark"),
    ],
)
def test_wrong_options(arguments: str, message: str) -> None:
    assert one_message(run(*arguments.split()), 2).startswith(message)


def test_where_no_slice_can_run_there_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "wasmtime").mkdir()
    (tmp_path / "wasmtime" / "__init__.py").touch()
    (tmp_path / "wasmtime-1.2.3.dist-info").mkdir()
    message = one_message(
        run("--benchmark", "--quick", "--engine", "quickjs", environment={"PYTHONPATH": str(tmp_path)}), 1
    )
    assert message.startswith("wasmtime 1.2.3 is installed, but this build was generated for wasmtime ")
