"""Runs a script that uses WebGPU in a fresh sandbox, with what such scripts share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cli_driver import run_script

PRELUDE = """
const results = {};
const U = GPUBufferUsage;
const nameOf = (error) => error.constructor.name === "DOMException" ? error.name : error.constructor.name;
const thrown = (run) => { try { run(); return "nothing"; } catch (error) { return nameOf(error); } };
const rejected = (promise) => promise.then(() => "nothing", nameOf);
async function newDevice(descriptor) {
  const adapter = await navigator.gpu.requestAdapter();
  if (adapter === null) throw new Error("no adapter");
  return adapter.requestDevice(descriptor);
}
async function errorOf(device, run, filter = "validation") {
  device.pushErrorScope(filter);
  run();
  const error = await device.popErrorScope();
  return error === null ? null : `${error.constructor.name}: ${error.message}`;
}
async function read(device, buffer, Type = Float32Array) {
  const target = device.createBuffer({ size: buffer.size, usage: U.MAP_READ | U.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, target);
  device.queue.submit([encoder.finish()]);
  await target.mapAsync(GPUMapMode.READ);
  const values = [...new Type(target.getMappedRange())];
  target.destroy();
  return values;
}
function storage(device, values) {
  const buffer = device.createBuffer({
    size: values.byteLength, usage: U.STORAGE | U.COPY_SRC | U.COPY_DST, mappedAtCreation: true,
  });
  new values.constructor(buffer.getMappedRange()).set(values);
  buffer.unmap();
  return buffer;
}
const DOUBLE = `
  @group(0) @binding(0) var<storage, read_write> data: array<f32>;
  override factor: f32 = 2.0;
  @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x < arrayLength(&data)) { data[id.x] *= factor; }
  }`;
function encodeDouble(device, pipeline, buffer) {
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }],
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(Math.ceil(buffer.size / 16));
  pass.end();
  return encoder.finish();
}
"""


def run(tmp_path: Path, body: str) -> dict[str, Any]:
    """The object ``results`` after ``body``, the body of an async function."""
    script = PRELUDE + "(async () => {" + body + "\n})().then(() => print(JSON.stringify(results)), (error) => {\n"
    done = run_script(tmp_path, script + "print(`${error}\\n${error.stack}`); });")
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1] if done.stdout else ""
    assert last.startswith("{"), done.stdout + done.stderr
    found: dict[str, Any] = json.loads(last)
    return found | {"stderr": done.stderr}
