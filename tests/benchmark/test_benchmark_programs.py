"""Programs for GPUs: each runner of the benchmarks computes what numpy computes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import gpu_peers
import gpu_programs

import dcp_evaluator as dcp
import peers

pytestmark = pytest.mark.any_engine

SCRIPT = Path(gpu_programs.__file__).with_name("run_program.js").read_text(encoding="utf-8")
SIZES = {"f32": 64, "f16": 64, "reduction": 5000, "convolution": 64, "nbody": 128}


def data(inputs: gpu_programs.Inputs, index: int, kind: type[np.generic]) -> np.ndarray:
    return np.frombuffer(inputs[f"data{index}"], kind)  # type: ignore[arg-type]


def expected(what: str, n: int, inputs: gpu_programs.Inputs) -> float:
    if what in ("f32", "f16"):
        kind = np.float32 if what == "f32" else np.float16
        a = data(inputs, 0, kind).reshape(n, n).astype(np.int64)
        product = a @ a
        if what == "f32":
            return float(np.abs(product).sum())
        return wrapped(product.astype(np.float16).view(np.uint16).astype(np.int64).sum())
    if what == "reduction":
        return wrapped(data(inputs, 0, np.uint32).astype(np.int64).sum())
    return convolution(inputs, n) if what == "convolution" else forces(inputs)


def wrapped(total: np.integer) -> int:
    return int(np.int64(total).astype(np.int32))


def convolution(inputs: gpu_programs.Inputs, n: int) -> int:
    padded = np.pad(data(inputs, 0, np.int32).reshape(n, n).astype(np.int64), 7, mode="edge")
    weights = data(inputs, 1, np.int32).reshape(15, 15)
    return wrapped(sum(weights[y, x] * padded[y : y + n, x : x + n].sum() for y in range(15) for x in range(15)))


def forces(inputs: gpu_programs.Inputs) -> float:
    bodies = data(inputs, 0, np.float32).reshape(-1, 4).astype(np.float64)
    away = bodies[None, :, :3] - bodies[:, None, :3]
    distance = np.sqrt((away**2).sum(axis=2) + 0.01)
    return float(np.abs((away * (bodies[None, :, 3] / distance**3)[:, :, None]).sum(axis=1)).sum())


@pytest.fixture(scope="module")
def runners() -> Iterator[dict[str, peers.Peer]]:
    """An evaluator of its own: the GPU hosts of one that others share would wait on among those that they count."""
    found = gpu_peers.gpu_peers()
    with dcp.Evaluator() as evaluator:
        yield {"sandbox": peers.sandbox(evaluator), **{name: found[name] for name in (gpu_peers.NATIVE, "wgpu-py")}}


@pytest.mark.parametrize("what", SIZES)
def test_each_runner_computes_what_numpy_computes(runners: dict[str, peers.Peer], what: str) -> None:
    inputs = gpu_programs.inputs(what, SIZES[what], 2)
    found = {name: runner(SCRIPT, inputs) for name, runner in runners.items()}
    for name, answer in found.items():
        assert answer["value"] == pytest.approx(expected(what, SIZES[what], inputs), rel=1e-3), name
        assert len(answer["milliseconds"]) == 2
        assert min(answer["milliseconds"]) > 0


@pytest.mark.parametrize("what", ["new", "seen", "trip", "upload", "readback"])
def test_each_runner_measures(runners: dict[str, peers.Peer], what: str) -> None:
    """Round trips and transfers check what came back, in each round."""
    inputs = gpu_programs.inputs(what, 4096, 3)
    for runner in runners.values():
        answer = runner(SCRIPT, inputs)
        assert len(answer["milliseconds"]) == 3
        assert answer["value"] == (1 if what in ("new", "seen") else 4096)


def test_a_wrong_program_is_no_result(runners: dict[str, peers.Peer]) -> None:
    program = json.loads(str(gpu_programs.inputs("reduction", 64, 1)["program"]))
    program["dispatches"][0]["code"] = "fn main() {"
    inputs = {**gpu_programs.inputs("reduction", 64, 1), "program": json.dumps(program)}
    for name in (gpu_peers.NATIVE, "wgpu-py"):
        with pytest.raises(peers.PeerError):
            runners[name](SCRIPT, inputs)
