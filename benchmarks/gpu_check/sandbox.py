"""Runs the programs of programs.js in sandboxes, and knows their GPU hosts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dcp_evaluator as dcp
from dcp_evaluator.benchmark.peak import peak_gflops
from dcp_evaluator.probe.machine import machine

from .processes import children
from .step import DoesNotApplyError, Settings, StepFailedError

_PROGRAMS = Path(__file__).with_name("programs.js").read_text(encoding="utf-8")


def evaluator(settings: Settings, **options: Any) -> dcp.Evaluator:
    """One whose sandboxes get the adapter that is measured; ``options``: others of GpuOptions."""
    devices = None if settings.device is None else [settings.device]
    return dcp.Evaluator(gpu=dcp.GpuOptions(devices=devices, **options))


def run(
    evaluator: dcp.Evaluator, *inputs: dict[str, Any], begins: Callable[[], None] | None = None
) -> list[dict[str, Any]]:
    """What each program found, each in a sandbox of its own. ``begins`` is called for each that says so."""
    job = dcp.compute_for(list(inputs), _PROGRAMS)
    if begins is not None:
        job.work.on("begins", lambda _: begins())
    try:
        return list(job.local_exec(len(inputs), retries=0, evaluator=evaluator))
    except dcp.SliceError as error:
        raise StepFailedError(f"{error.name}: {error.message}") from None


def adapter(settings: Settings) -> dict[str, Any]:
    """The adapter that is measured, as a sealed host describes it. Raises DoesNotApplyError without one."""
    offered = [each for each in settings.found("sealed").get("adapters", []) if each.get("backend") == "vulkan"]
    index = settings.device or 0
    if index >= len(offered):
        raise DoesNotApplyError(f"a sealed host has no adapter {index}")
    return dict(offered[index])


def on_paper(settings: Settings) -> float | None:
    """f32 GFLOP/s of its data sheet, None where it is not known or the adapter is no GPU."""
    described = adapter(settings)
    return None if described["type"] == "cpu" else peak_gflops(described, machine())


def gpu_hosts() -> list[int]:
    """The GPU hosts among this process's children that run."""
    return children("dcp-gpu-host")
