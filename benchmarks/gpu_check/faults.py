"""What happens when it goes wrong: a shader of many seconds, one beyond --gpu-timeout, a host that is killed."""

from __future__ import annotations

import os
import signal
import time
from functools import cache
from typing import Any

import numpy as np

import dcp_evaluator as dcp

from .sandbox import adapter, evaluator, gpu_hosts, run
from .step import Outcome, Settings, StepFailedError

_ROUNDS = 20_000  # of a loop; llvmpipe ends those of 65,535
_LONG_SECONDS = 15.0
_QUICK_SECONDS = 1.0
_CALIBRATED_MS = 1500.0
_MOST_GROUPS = 65_535
_TIMEOUT = 3.0
_PATIENCE = 5.0
"""Seconds after the timeout until the sandbox must know."""


def long_shader(settings: Settings) -> Outcome:
    """One submission of 15 s under the default --gpu-timeout of 60: does the driver let it end?"""
    adapter(settings)
    wanted = _QUICK_SECONDS if settings.quick else _LONG_SECONDS
    with evaluator(settings) as sandboxes:
        per_ms = _groups_per_millisecond(sandboxes, settings)
        inputs = _spin(1000 * wanted * per_ms)
        (found,) = run(sandboxes, inputs)
        begun = time.perf_counter()
        _short(sandboxes)
        again = time.perf_counter() - begun
    seconds = found["milliseconds"] / 1000
    data = {"seconds": seconds, "lost": found["lost"], "groups_per_ms": per_ms, "seconds_to_work_again": again}
    if found["lost"] is not None:
        lines = [
            f"a submission of {wanted:g} s lost its device after {seconds:.1f} s: {found['lost']['message']}",
            f"a watchdog of the driver is shorter than --gpu-timeout; the next sandbox computed, in {again:.1f} s",
        ]
        return Outcome(lines, data)
    _check(found, inputs)
    line = f"a submission of {seconds:.1f} s ran to its end, with the right result: no watchdog of the driver ended it"
    return Outcome([line], data)


def timeout(settings: Settings) -> Outcome:
    """The same shader, 30 times as long as --gpu-timeout allows."""
    adapter(settings)
    limit = 0.5 if settings.quick else _TIMEOUT
    with evaluator(settings, timeout=limit) as sandboxes:
        per_ms = _known_rate(sandboxes, settings)
        (found,) = run(sandboxes, _spin(30_000 * limit * per_ms))
        _short(sandboxes)
    seconds = found["milliseconds"] / 1000
    data = {"limit": limit, "seconds": seconds, "lost": found["lost"]}
    lines = [f"with --gpu-timeout {limit:g} the device was lost after {seconds:.1f} s; the next sandbox computed"]
    if found["lost"] is None:
        raise StepFailedError(f"the submission ended by itself after {seconds:.1f} s", Outcome([], data))
    lines.append(f"the sandbox was told: {found['lost']['message']}")
    if seconds > limit + _PATIENCE:
        raise StepFailedError(f"it took {seconds:.1f} s instead of {limit:g} s", Outcome(lines, data))
    return Outcome(lines, data)


def killed_host(settings: Settings) -> Outcome:
    """SIGKILL of a host while the GPU works for it; then a new host for the same sandbox."""
    adapter(settings)
    killed: list[int] = []

    def kill() -> None:
        for host in gpu_hosts():
            os.kill(host, signal.SIGKILL)
            killed.append(host)

    with evaluator(settings) as sandboxes:
        per_ms = _known_rate(sandboxes, settings)
        (found,) = run(sandboxes, {**_spin(10_000 * per_ms), "what": "survive"}, begins=kill)
    seconds = found["milliseconds"] / 1000
    data = {"killed": len(killed), "lost": found["lost"], "seconds": seconds}
    lines = [
        f"hosts killed while they worked: {len(killed)}; the sandbox was told: {found['lost']['message']}",
        f"a new host computed {seconds:.2f} s later",
    ]
    if not np.array_equal(found["values"], np.arange(16, dtype=np.uint32) ** 2):
        raise StepFailedError("the new host computed something else", Outcome(lines, data))
    if found["lost"]["reason"] != "unknown":
        raise StepFailedError(f"the device was not lost: {found['lost']['reason']}", Outcome(lines, data))
    return Outcome(lines, data)


def _known_rate(sandboxes: dcp.Evaluator, settings: Settings) -> float:
    """As the long shader's step has found it."""
    return settings.found("long-shader").get("groups_per_ms") or _groups_per_millisecond(sandboxes, settings)


def _groups_per_millisecond(sandboxes: dcp.Evaluator, settings: Settings) -> float:
    """How much of the spinning shader the adapter does, from submissions that are four times as long each."""
    groups, enough = 16.0, _CALIBRATED_MS / (8 if settings.quick else 1)
    while True:
        inputs = _spin(groups)
        (found,) = run(sandboxes, inputs)
        _check(found, inputs)
        if found["milliseconds"] >= enough:
            return float(groups / found["milliseconds"])
        groups *= 4


def _spin(groups: float) -> dict[str, Any]:
    """About that many workgroups, in two dimensions."""
    across = min(max(1, round(groups)), _MOST_GROUPS)
    down = min(max(1, round(groups / across)), _MOST_GROUPS)
    return {"what": "spin", "groups": [across, down], "rounds": _ROUNDS}


def _short(sandboxes: dcp.Evaluator) -> None:
    """A new sandbox, with a host of its own, computes."""
    inputs = _spin(1)
    (found,) = run(sandboxes, inputs)
    _check(found, inputs)


def _check(found: dict[str, Any], inputs: dict[str, Any]) -> None:
    if found["lost"] is not None:
        raise StepFailedError(f"a short shader lost its device: {found['lost']['message']}")
    across, down = inputs["groups"]
    expected = np.append(_spun(), np.uint32(across * down))
    if not np.array_equal(found["values"], expected):
        raise StepFailedError("the shader computed other numbers than numpy")


@cache
def _spun() -> np.ndarray:
    x = np.arange(1, 65, dtype=np.uint32)
    for _ in range(_ROUNDS):
        x ^= x << np.uint32(13)
        x ^= x >> np.uint32(17)
        x ^= x << np.uint32(5)
    return x
