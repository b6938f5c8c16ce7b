"""The engine v8: plain JavaScript against plain Node, commands for the GPU, slices against those of quickjs."""

from __future__ import annotations

import math
import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dcp_evaluator as dcp
import peers

_KERNELS = Path(__file__).parent / "kernels"
_KERNEL = """async ({ source, name, rounds }) => {
  const kernel = (0, eval)(source)[name];
  const milliseconds = [];
  let value;
  for (let round = -5; round < rounds; round++) {
    const begun = performance.now();
    value = await kernel();
    if (round >= 0) milliseconds.push(performance.now() - begun);
  }
  return { value, milliseconds };
}"""

_ENCODE = """async (count) => {
  const device = await (await navigator.gpu.requestAdapter()).requestDevice();
  const code = "@group(0) @binding(0) var<storage, read_write> d: array<u32>;"
    + "@compute @workgroup_size(1) fn main() { d[0] = 1; }";
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
  const buffer = device.createBuffer({ size: 4, usage: GPUBufferUsage.STORAGE });
  const entries = [{ binding: 0, resource: { buffer } }];
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  const encode = async (rounds, executed) => {
    const times = [];
    for (let round = 0; round < rounds; round++) {
      progress();
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      const begun = performance.now();
      for (let i = 0; i < count; i++) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(1);
      }
      times.push((performance.now() - begun) / count * 1e3);
      pass.end();
      const commands = encoder.finish();
      if (executed) device.queue.submit([commands]);
      await device.queue.onSubmittedWorkDone();
    }
    return times;
  };
  const [first] = await encode(1, false);
  await encode(40, true);
  return { first, encoded: await encode(40, false), executed: await encode(40, true) };
}"""


@pytest.fixture(scope="module")
def v8() -> Iterator[dcp.Evaluator]:
    with dcp.Evaluator(engine="v8") as evaluator:
        yield evaluator


@pytest.fixture(scope="module")
def quickjs() -> Iterator[dcp.Evaluator]:
    with dcp.Evaluator(engine="quickjs") as evaluator:
        yield evaluator


@pytest.mark.parametrize(("file", "what"), [("javascript.js", "JavaScript"), ("heap.js", "large heaps")])
def test_kernels_against_node(benchmark, measure, v8, full, file, what):
    """Both run the same V8 with one thread."""
    source = (_KERNELS / file).read_text()
    names = re.findall(r"^  (?:async )?(\w+)\(\) \{", source, re.MULTILINE)

    def run(name: str) -> float:
        inputs = {"source": source, "name": name, "rounds": 11 if full else 5}
        return peers.compare(peers.sandbox(v8), peers.node_of_v8, _KERNEL, inputs, passes=5 if full else 2).ratio

    ratios = benchmark.pedantic(lambda: {name: run(name) for name in names}, rounds=1)
    for name, ratio in ratios.items():
        measure(f"{name}, ratio to Node's speed", ratio, "", "")
    mean = math.exp(statistics.fmean(math.log(ratio) for ratio in ratios.values()))
    measure(f"{len(ratios)} kernels of {what}, geometric mean of ratios", mean, "", goal=1)


def test_encoding_commands(benchmark, measure, v8):
    """What the sandbox's thread does for them. V8 compiles the client in that thread, hence a first time, and then 40
    rounds that are not measured. In half of those that are, the GPU has executed the pass of the round before."""

    def run() -> dict[str, Any]:
        return dcp.compute_for([2000], _ENCODE).local_exec(1, evaluator=v8)[0]

    times = benchmark.pedantic(run, rounds=1)
    name = "setPipeline + setBindGroup + dispatchWorkgroups"
    measure(f"{name}, encoding, median", statistics.median(times["encoded"]), "us", "<= 0.25")
    measure("the same in passes that are executed, median", statistics.median(times["executed"]), "us", "")
    measure("the same, the first 2,000 times", times["first"], "us", "")


# By name: how many slices, and what each carries in and out.
_LOADS = {
    "trivial slices": (20_000, None),
    "slices of 4 KiB": (10_000, 4 << 10),
    "slices of 64 KiB": (1000, 64 << 10),
    "slices of 1 MiB": (128, 1 << 20),
    "slices of 64 MiB": (2, 64 << 20),
}
_QUICK = ("trivial slices", "slices of 64 KiB")
_PAIRS = 9


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in _QUICK else pytest.mark.full) for name in _LOADS]
)
def test_slices_against_quickjs(benchmark, measure, v8, quickjs, name):
    """In pairs, one engine after the other, so that a busy machine slows both."""
    count, size = _LOADS[name]
    inputs = range(count) if size is None else dcp.shared_empty((count, size), np.uint8)

    def seconds(evaluator: dcp.Evaluator) -> float:
        begun = time.perf_counter()
        for _ in dcp.compute_for(inputs, "(x) => x").local_exec(1, evaluator=evaluator):
            pass
        return time.perf_counter() - begun

    def ratios() -> list[float]:
        return [seconds(quickjs) / seconds(v8) for _ in range(_PAIRS)]

    seconds(v8), seconds(quickjs)
    found = benchmark.pedantic(ratios, rounds=1)
    quartiles = tuple(np.quantile(found, (0.25, 0.75)))
    measure(f"{name}, ratio to the rate of quickjs", float(np.median(found)), "", ">= 1", spread=quartiles)
