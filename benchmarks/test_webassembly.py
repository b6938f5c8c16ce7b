"""WebAssembly against Node: kernels that run long, and calls across the border."""

from __future__ import annotations

import hashlib
import statistics
from pathlib import Path

import pytest
import wasmtime

import peers
from conftest import on
from dcp_evaluator.benchmark import processor
from npm_packages import npm_packages

_KERNELS = (Path(__file__).parent / "kernels", Path(processor.__file__).parent)

# Rounds before the clock runs let a peer that compiles in steps reach its last one.
_KERNEL = """async ({ bytes, argument, rounds }) => {
  const { run } = (await WebAssembly.instantiate(bytes)).instance.exports;
  const milliseconds = [];
  let value;
  for (let round = -3; round < rounds; round++) {
    const begun = performance.now();
    value = run(argument);
    if (round >= 0) milliseconds.push(performance.now() - begun);
  }
  return { value, milliseconds };
}"""

_CROSSING = """async ({ bytes, direction, count, rounds }) => {
  const imports = { host: { add: (a, b) => (a + b) | 0 } };
  const { add, loop } = (await WebAssembly.instantiate(bytes, imports)).instance.exports;
  const calls = (count) => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum = add(sum, i);
    return sum;
  };
  const run = direction === "export" ? calls : loop;
  const milliseconds = [];
  let value;
  for (let round = -3; round < rounds; round++) {
    const begun = performance.now();
    value = run(count);
    if (round >= 0) milliseconds.push(performance.now() - begun);
  }
  return { value, milliseconds };
}"""


def _sha256_word(count: int) -> int:
    digest = hashlib.sha256(bytes(31 * i & 255 for i in range(count))).digest()
    return int.from_bytes(digest[:4], "big", signed=True)


def _module(name: str) -> bytes:
    """Those that ``dcp-evaluator --benchmark`` runs as well lie in the package."""
    file = next(folder / f"{name}.wat" for folder in _KERNELS if (folder / f"{name}.wat").exists())
    return bytes(wasmtime.wat2wasm(file.read_text()))


@pytest.mark.parametrize(
    ("kernel", "argument", "expected"),
    [
        ("matrix_product", 256, 100659197.0),
        ("matrix_product_simd", 384, None),
        ("sha256", 1 << 20, _sha256_word(1 << 20)),
        pytest.param("mandelbrot", 400, None, marks=pytest.mark.full),
        pytest.param("sort", 500_000, None, marks=pytest.mark.full),
    ],
)
def test_kernel(benchmark, measure, evaluator, kernel, argument, expected):
    inputs = {"bytes": _module(kernel), "argument": argument, "rounds": 9}
    found = benchmark.pedantic(lambda: peers.compare(peers.sandbox(evaluator), peers.node, _KERNEL, inputs), rounds=1)
    assert expected is None or found.value == expected
    assert found.value != -1
    measure(f"{kernel}, sandbox", found.ours, "ms", f"Node: {found.theirs:.2f}")
    measure(f"{kernel}, ratio to Node's speed", found.ratio, "", ">= 0.9")


@pytest.mark.parametrize("direction", ["export", "import"])
def test_calls_across_the_border(benchmark, measure, engine, engine_evaluator, direction):
    count = 1_000_000
    inputs = {"bytes": _module("crossing"), "direction": direction, "count": count, "rounds": 5}
    ours = peers.sandbox(engine_evaluator)
    found = benchmark.pedantic(lambda: peers.compare(ours, peers.node, _CROSSING, inputs), rounds=1)
    ours_rate, node_rate = (count / milliseconds / 1e3 for milliseconds in (found.ours, found.theirs))
    measure(f"calls of an {direction}, 2 x i32{on(engine)}", ours_rate, "million/s", f">= 5; Node: {node_rate:.1f}")


_COMPILE = """async ({ bytes }) => {
  const begun = performance.now();
  const module = await WebAssembly.compile(bytes);
  const milliseconds = [performance.now() - begun];
  return { value: WebAssembly.Module.exports(module).length, milliseconds };
}"""


def test_second_start_of_a_large_module(benchmark, measure, evaluator):
    """Python itself as pyodide has it, 10 MB; the second sandbox of an evaluator finds it compiled."""
    module = (npm_packages("webassembly") / "pyodide/pyodide.asm.wasm").read_bytes()
    run = peers.sandbox(evaluator)

    def start() -> float:
        return float(run(_COMPILE, {"bytes": module})["milliseconds"][0])

    start()  # compiles it, unless the cache on disk has it
    times = benchmark.pedantic(lambda: [start() for _ in range(15)], rounds=1)
    measure("second start of a 10 MB module, median", statistics.median(times), "ms", "<= 5")
