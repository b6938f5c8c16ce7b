"""Compiling WebAssembly: the first time, and where the cache on disk has it."""

from __future__ import annotations

import statistics

import pytest

import dcp_evaluator as dcp
import peers
from npm_packages import npm_packages

_COMPILE = """async ({ bytes }) => {
  const begun = performance.now();
  const module = await WebAssembly.compile(bytes);
  return { value: WebAssembly.Module.exports(module).length, milliseconds: [performance.now() - begun] };
}"""


@pytest.mark.full
def test_first_and_next_compilation(benchmark, measure, monkeypatch, tmp_path):
    """Python itself as pyodide has it, 10 MB: nothing kept; then a new evaluator, which finds it on disk; and Node."""
    module = (npm_packages("webassembly") / "pyodide/pyodide.asm.wasm").read_bytes()
    monkeypatch.setenv("DCP_EVALUATOR_CACHE", str(tmp_path))

    def compile_in_new_evaluator() -> float:
        with dcp.Evaluator(engine="quickjs") as evaluator:
            return float(peers.sandbox(evaluator)(_COMPILE, {"bytes": module})["milliseconds"][0])

    first = benchmark.pedantic(compile_in_new_evaluator, rounds=1)
    found = statistics.median(compile_in_new_evaluator() for _ in range(5))
    node = statistics.median(peers.node(_COMPILE, {"bytes": module})["milliseconds"][0] for _ in range(3))
    measure("compiling 10 MB of WebAssembly, the first time", first, "ms", f"Node, first tier only: {node:.0f}")
    measure("the same in a new evaluator, from the cache on disk", found, "ms")
