"""Runs the measures of ``dcp-evaluator --benchmark`` and gives the report."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ..gpu.options import GpuOptions
from ..jobs.compute_for import compute_for
from ..probe.gpu import gpu_adapters
from ..probe.machine import machine
from ..settings import installation
from ..settings.settings import Settings
from . import gpu as gpu_measures
from . import processor, sandboxes
from .engines import Engine, engines
from .peak import peak_gflops
from .references import references
from .report import show
from .scores import Run, Step

SCHEMA_VERSION = 1
"""As that of the probe's report; the schema is ``schemas/benchmark-1.json`` of the package."""
_INTERRUPTED = 130
_MACHINE = ("os", "kernel", "cpu", "architecture", "cpus_usable", "cores", "memory_mib")
"""What of the machine goes into a result: nothing that names the machine or who uses it."""
_ADAPTER = ("index", "device", "type", "description", "offered", "refusal")


def run_benchmark(settings: Settings, gpu: GpuOptions | None = None, *, quick: bool, as_json: bool) -> int:
    """Prints the scores. Returns 0, or 130 after Ctrl-C, where it prints what is done.

    Raises DcpError where no slice can run. A part that cannot be measured is told, and the others go on.
    """
    load = os.getloadavg()[0]
    available = engines(settings)
    _check(available[0])
    adapters = gpu_adapters(settings, gpu)
    run = Run()
    terminal = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=terminal, transient=True, disable=not terminal.is_terminal,
    )  # fmt: skip
    with progress:
        run.execute(_steps(available, adapters, run, quick=quick), progress)
    if adapters["error"]:
        run.problems.append(f"GPU: {adapters['error']}")
    report = _report(run, available, adapters["adapters"], quick=quick) | {"load_before": load}
    if as_json:
        print(json.dumps(report, indent=2))
    else:
        show(report, references(), Console())
    return 0 if run.complete else _INTERRUPTED


def described_machine() -> dict[str, Any]:
    """The machine as results name it."""
    described = machine()
    return {name: described[name] for name in _MACHINE}


def _check(engine: Engine) -> None:
    """A first slice: raises DcpError where none can run."""
    with engine.evaluator() as evaluator:
        compute_for([0], "(x) => x").local_exec(1, on_error="stop", evaluator=evaluator).wait()


def _steps(available: list[Engine], adapters: dict[str, Any], run: Run, *, quick: bool) -> list[Step]:
    offered = [adapter for adapter in adapters["adapters"] if adapter["offered"]]
    return [
        *processor.steps(available, run, seconds=0.1 if quick else 0.5, most_cores=8 if quick else 256),
        *sandboxes.steps(available[0], quick=quick),
        *gpu_measures.steps(available[0].settings, offered, seconds=0.2 if quick else 2.0),
    ]


def _report(run: Run, available: list[Engine], adapters: list[dict[str, Any]], *, quick: bool) -> dict[str, Any]:
    here = machine()
    return {
        "schema": {"name": "dcp-evaluator-benchmark", "version": SCHEMA_VERSION},
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "quick": quick,
        "complete": run.complete,
        "version": installation.VERSION,
        "machine": {name: here[name] for name in _MACHINE},
        "engines": [{"name": engine.name, "version": engine.version} for engine in available],
        "gpus": [
            {**{name: adapter[name] for name in _ADAPTER}, "peak_gflops": peak_gflops(adapter, here)}
            for adapter in adapters
            if adapter["index"] is not None
        ],
        "scores": [score.as_json() for score in run.scores],
        "cores": run.cores,
        "problems": run.problems,
    }
