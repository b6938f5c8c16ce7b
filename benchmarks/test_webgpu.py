"""Round trips to the GPU."""

from __future__ import annotations

import numpy as np
import pytest

import dcp_evaluator as dcp

_ROUND_TRIPS = """async (count) => {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return null;
  const device = await adapter.requestDevice();
  const source = device.createBuffer({ size: 4, usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
  const readback = device.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const milliseconds = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const begun = performance.now();
    device.queue.writeBuffer(source, 0, new Uint32Array([i]));
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(source, 0, readback, 0, 4);
    device.queue.submit([encoder.finish()]);
    await readback.mapAsync(GPUMapMode.READ);
    const [value] = new Uint32Array(readback.getMappedRange());
    readback.unmap();
    milliseconds[i] = performance.now() - begun;
    if (value !== i) throw new Error(`${value} came back instead of ${i}`);
  }
  return { milliseconds, adapter: adapter.info.device || adapter.info.description };
}"""


def test_submit_and_map(benchmark, measure, evaluator):
    def run():
        return dcp.compute_for([500], _ROUND_TRIPS).local_exec(1, evaluator=evaluator)[0]

    answer = benchmark.pedantic(run, rounds=3)
    if answer is None:
        pytest.fail("there is no GPU adapter: install a Vulkan driver (Debian: mesa-vulkan-drivers)")
    median = float(np.median(answer["milliseconds"]))
    measure(f"submit + mapAsync of 4 bytes, median, {answer['adapter']}", median, "ms", "<= 1")
