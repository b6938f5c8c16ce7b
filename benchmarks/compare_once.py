"""One run of the measures of compare.py, with the ``dcp_evaluator`` that the interpreter finds: milliseconds as JSON.

Uses nothing of the package but what every version has, and the same scripts for all versions: those of this folder.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gpu_programs
import numpy as np
from wasmtime import wat2wasm

import dcp_evaluator as dcp

_HERE = Path(__file__).parent
_PACKAGE = _HERE.parent / "python" / "dcp_evaluator" / "benchmark"
_KERNELS = ("numbers", "integers", "objects", "strings", "sorting")
_GPU = {"f32": 256, "reduction": 1 << 18, "nbody": 1024, "new": 0, "seen": 0}
_GPU_COSTS = ("encode", "bind groups", "round trips")

_JAVASCRIPT = """(kernel) => {
  const run = KERNELS[kernel], milliseconds = [];
  for (let round = 0; round < 12; round++) {
    const begun = performance.now();
    run();
    milliseconds.push(performance.now() - begun);
  }
  return { milliseconds };
}"""
_WEBASSEMBLY = """async ([bytes, name, argument]) => {
  const { exports } = (await WebAssembly.instantiate(bytes, { host: { add: (a, b) => (a + b) | 0 } })).instance;
  const milliseconds = [];
  for (let round = 0; round < 7; round++) {
    const begun = performance.now();
    exports[name](argument);
    milliseconds.push(performance.now() - begun);
  }
  return { milliseconds };
}"""


def measures(evaluator: dcp.Evaluator) -> dict[str, Callable[[], float]]:
    """What gives the milliseconds of each measure, by name."""

    def run(source: str, datum: Any, *arguments: Any) -> Any:
        return dcp.compute_for([datum], source, *arguments).local_exec(1, on_error="stop", evaluator=evaluator)[0]

    def best(source: str, datum: Any) -> float:
        return float(min(run(source, datum)["milliseconds"]))

    javascript = _JAVASCRIPT.replace("KERNELS", (_PACKAGE / "kernels.js").read_text(encoding="utf-8"))
    gpu = (_HERE / "run_program.js").read_text(encoding="utf-8")
    costs = (_HERE / "gpu_costs.js").read_text(encoding="utf-8")

    return {
        "sandbox to first result": lambda: _starts(evaluator),
        "10,000 trivial slices": lambda: _slices(evaluator),
        "arrays of 1 MiB in and out": lambda: _arrays(evaluator),
        **{f"JavaScript, {name}": lambda name=name: best(javascript, name) for name in _KERNELS},
        "WebAssembly, f32": lambda: best(_WEBASSEMBLY, _module(_PACKAGE / "matrix_product_simd.wat", "run", 256)),
        "WebAssembly, sha256": lambda: best(_WEBASSEMBLY, _module(_PACKAGE / "sha256.wat", "run", 1 << 20)),
        "WebAssembly, imports called": lambda: best(
            _WEBASSEMBLY, _module(_HERE / "kernels" / "crossing.wat", "loop", 200_000)
        ),
        **{
            f"GPU, {name}": lambda name=name, n=n: best(gpu, gpu_programs.inputs(name, n, 9))
            for name, n in _GPU.items()
        },
        **{f"GPU, {name}": lambda name=name: best(costs, name) for name in _GPU_COSTS},
    }


def _module(file: Path, name: str, argument: int) -> list[Any]:
    return [bytes(wat2wasm(file.read_text(encoding="utf-8"))), name, argument]


def _starts(evaluator: dcp.Evaluator) -> float:
    times = []
    for _ in range(12):
        time.sleep(0.04)
        begun = time.perf_counter()
        results = dcp.compute_for([1], "(x) => x").local_exec(1, on_error="stop", evaluator=evaluator)
        assert results[0] == 1
        times.append(1000 * (time.perf_counter() - begun))
        results.wait()
    return statistics.median(times)


def _slices(evaluator: dcp.Evaluator) -> float:
    """The best of five: two processes in turns are slower by half whenever the scheduler puts them on one CPU."""
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        dcp.compute_for(range(10_000), "(x) => x + 1").local_exec(1, on_error="stop", evaluator=evaluator).wait()
        times.append(1000 * (time.perf_counter() - begun))
    return min(times)


def _arrays(evaluator: dcp.Evaluator) -> float:
    rows = dcp.shared_empty((64, 1 << 18), np.float32)
    rows[:] = 1
    begun = time.perf_counter()
    for result in dcp.compute_for(rows, "(x) => x").local_exec(1, on_error="stop", evaluator=evaluator):
        assert result[-1] == 1
    return 1000 * (time.perf_counter() - begun)


def main(only: str) -> None:
    with dcp.Evaluator() as evaluator:
        dcp.compute_for([0], "(x) => x").local_exec(1, on_error="stop", evaluator=evaluator).wait()
        chosen = {name: measure for name, measure in measures(evaluator).items() if only in name}
        print(json.dumps({name: measure() for name, measure in chosen.items()}))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
