"""Computations, pipelines, round trips and transfers on the GPU: ours and those of the peers, in turns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gpu_peers
import gpu_programs
import pytest
import swiftshader

import dcp_evaluator as dcp
import peers
from dcp_evaluator.benchmark.peak import peak_gflops
from dcp_evaluator.probe.gpu import gpu_adapters
from dcp_evaluator.probe.machine import machine
from dcp_evaluator.settings.settings import Settings

_SCRIPT = Path(__file__).with_name("run_program.js").read_text(encoding="utf-8")
_SIZES = {"f32": 256, "f16": 256, "reduction": 1 << 20, "convolution": 128, "nbody": 2048}
_BYTES = 64 << 20
_OTHERS = {
    "new": ("shader text to first result, new", 4), "seen": ("shader text to first result, seen before", 4),
    "trip": ("writeBuffer, submit, map of 4 B", 4), "upload": ("upload of 64 MiB", _BYTES),
    "readback": ("copy, map and read of 64 MiB", _BYTES),
}  # fmt: skip
_MEASURES = (*_SIZES, *_OTHERS)
_DAWN = "Node + Dawn"
# wgpu-py takes a second to start: a quick run is without it, and has Dawn for round trips only.
_QUICK = ("f32", "trip", "upload", "readback")


@pytest.fixture(scope="module")
def others(left_out) -> dict[str, peers.Peer]:
    """The peers that run on this machine's adapter."""
    probe, found = gpu_programs.inputs("trip", 4, 1), gpu_peers.gpu_peers()
    for name, peer in list(found.items()):
        if reason := gpu_peers.refusal(peer, _SCRIPT, probe):
            left_out(f"{name} on this machine's GPU adapter", reason)
            del found[name]
    return found


@pytest.fixture(scope="module")
def on_paper() -> str:
    """What the adapter could do at most, where it is known."""
    adapter = next((adapter for adapter in gpu_adapters(Settings())["adapters"] if adapter["offered"]), None)
    peak = adapter and peak_gflops(adapter, machine())
    return f"f32 on paper: {peak:.0f}" if peak else ""


@pytest.mark.parametrize("what", _MEASURES)
def test_against_peers(benchmark, measure, evaluator, full, others, on_paper, what):
    """On an adapter in software these sizes take milliseconds; a GPU needs --full, which makes them larger."""
    if not full and what not in _QUICK:
        pytest.skip("with --full")
    n, inputs = _inputs(what, full)
    sandbox = peers.sandbox(evaluator)
    ours = sandbox(_SCRIPT, inputs)
    if ours["value"] == "no adapter":
        pytest.fail("there is no GPU adapter: install a Vulkan driver (Debian: mesa-vulkan-drivers)")
    if ours["value"] == "missing":
        pytest.skip("the adapter has no shader-f16")
    times = sorted(ours["milliseconds"])
    value, unit = _in_units(what, n, times[len(times) // 2])
    spread = sorted(_in_units(what, n, time)[0] for time in (times[1], times[-2]))
    size = f", n = {n}" if what in _SIZES else ""
    measure(f"{_name(what)}{size}", value, unit, on_paper if unit == "GFLOP/s" else "", spread=(spread[0], spread[1]))
    chosen = {name: peer for name, peer in others.items() if full or "py" not in name}
    _compare(benchmark, measure, (sandbox, chosen), inputs, full, _name(what))


@pytest.fixture(scope="module")
def on_swiftshader() -> Iterator[dcp.Evaluator]:
    """An evaluator whose GPU hosts have SwiftShader, and no other driver; so have the peers."""
    if not gpu_peers.has_dawn():
        pytest.skip("Dawn is not installed: make bench-peers")
    environment = swiftshader.environment()
    if environment is None:
        pytest.skip("SwiftShader is not installed: make bench-peers")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with dcp.Evaluator() as evaluator:
            yield evaluator


@pytest.mark.parametrize("what", _MEASURES)
def test_against_dawn_on_swiftshader(benchmark, measure, on_swiftshader, full, what):
    """Dawn refuses the adapters of some drivers, as Mesa 22's llvmpipe; all take SwiftShader."""
    if not full and what != "trip":
        pytest.skip("with --full")
    _, inputs = _inputs(what, full)
    sandbox = peers.sandbox(on_swiftshader)
    if sandbox(_SCRIPT, inputs)["value"] == "missing":
        pytest.skip("SwiftShader has no shader-f16")
    dawn = {_DAWN: gpu_peers.gpu_peers()[_DAWN]}
    _compare(benchmark, measure, (sandbox, dawn), inputs, full, f"{_name(what)}, on SwiftShader")


def _inputs(what: str, full: bool) -> tuple[int, gpu_programs.Inputs]:
    n = _SIZES[what] * (2 if full else 1) if what in _SIZES else _OTHERS[what][1]
    few = 15 if full else 7
    return n, gpu_programs.inputs(what, n, 10 * few if what == "trip" else few)


def _name(what: str) -> str:
    return f"GPU, {_OTHERS[what][0] if what in _OTHERS else what}"


def _in_units(what: str, n: int, milliseconds: float) -> tuple[float, str]:
    if what in _SIZES:
        return gpu_programs.work(what, n) / milliseconds, gpu_programs.UNITS[what]
    if what in ("upload", "readback"):
        return n / 1e6 / milliseconds, "GB/s"
    return (1e3 * milliseconds, "us") if what == "trip" else (milliseconds, "ms")


def _compare(
    benchmark, measure, runners: tuple[peers.Peer, dict[str, peers.Peer]], inputs: dict[str, Any], full: bool, name: str
) -> None:
    sandbox, chosen = runners

    def run() -> dict[str, peers.Comparison]:
        return {key: peers.compare(sandbox, peer, _SCRIPT, inputs, 5 if full else 3) for key, peer in chosen.items()}

    for peer, found in benchmark.pedantic(run, rounds=1).items():
        measure(f"{name}, speed / {peer}'s", found.ratio, "x", spread=(found.low, found.high), peer=peer)
