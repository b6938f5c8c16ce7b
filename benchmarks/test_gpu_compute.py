"""Computations on the GPU, ours and those of the peers on the same adapter, in turns."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

import peers

_SCRIPT = Path(__file__).with_name("gpu_compute.js").read_text(encoding="utf-8")
_MATRIX_PRODUCT = files("dcp_evaluator.benchmark").joinpath("matrix_product.wgsl").read_text(encoding="utf-8")


def _work(what: str, n: int) -> tuple[float, str]:
    """What one run computes, in units of 1e6 a millisecond."""
    return {
        "f32": (2 * n**3 / 1e6, "GFLOP/s"),
        "f16": (2 * n**3 / 1e6, "GFLOP/s"),
        "reduction": (4 * n / 1e6, "GB/s"),
        "convolution": (2 * 225 * n * n / 1e6, "Gop/s"),
        "nbody": (20 * n * n / 1e6, "GFLOP/s"),  # 20 a pair, as is the custom
    }[what]


_SIZES = {"f32": 256, "f16": 256, "reduction": 1 << 20, "convolution": 256, "nbody": 2048}


@pytest.mark.parametrize("what", _SIZES)
def test_computation(benchmark, measure, evaluator, full, what):
    """On an adapter in software these sizes take milliseconds; a GPU needs --full, which makes them larger."""
    n = _SIZES[what] * (2 if full else 1)
    ours, found = _compare(benchmark, evaluator, full, {"what": what, "n": n})
    if ours["value"] == "missing":
        pytest.skip(f"the adapter has no {what}")
    work, unit = _work(what, n)
    times = sorted(ours["milliseconds"])
    measure(f"GPU, {what}, n = {n}", work / times[len(times) // 2], unit, spread=(work / times[-2], work / times[1]))
    _report(measure, f"GPU, {what}", found)


@pytest.mark.parametrize("again", [0, 1], ids=["cold", "cached"])
def test_pipeline(benchmark, measure, evaluator, full, again):
    ours, found = _compare(benchmark, evaluator, full, {"what": "pipeline", "n": again})
    times = sorted(ours["milliseconds"])
    name = "GPU, shader text to first result, " + ("seen before" if again else "new")
    measure(name, times[len(times) // 2], "ms", spread=(times[1], times[-2]))
    _report(measure, name, found)


def _compare(benchmark, evaluator, full, inputs):
    """What we found in a first run, and the comparisons by peer."""
    inputs |= {"rounds": 15 if full else 7, "matrixProduct": _MATRIX_PRODUCT}
    sandbox = peers.sandbox(evaluator)
    ours = sandbox(_SCRIPT, inputs)
    if ours["value"] == "no adapter":
        pytest.fail("there is no GPU adapter: install a Vulkan driver (Debian: mesa-vulkan-drivers)")
    # A peer that finds no adapter here has nothing to be compared with: Dawn refuses some that wgpu-native takes.
    others = {name: peer for name, peer in peers.gpu_peers().items() if peer(_SCRIPT, inputs)["value"] == ours["value"]}

    def run():
        return {name: peers.compare(sandbox, peer, _SCRIPT, inputs, 5 if full else 3) for name, peer in others.items()}

    return ours, benchmark.pedantic(run, rounds=1)


def _report(measure, name, found):
    for peer, comparison in found.items():
        spread = (comparison.low, comparison.high)
        measure(f"{name}, speed / {peer}'s", comparison.ratio, "x", spread=spread, peer=peer)
