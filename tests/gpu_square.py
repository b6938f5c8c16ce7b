"""A work function of DCP that squares a number on the GPU."""

SQUARE_ON_GPU = """async (x) => {
  progress();
  const device = await (await navigator.gpu.requestAdapter()).requestDevice();
  const shader = "@group(0) @binding(0) var<storage, read_write> v: array<u32>;"
    + "@compute @workgroup_size(1) fn main() { v[0] = v[0] * v[0]; }";
  const module = device.createShaderModule({ code: shader });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module, entryPoint: "main" } });
  const buffer = device.createBuffer({ size: 4, usage: 128 | 4 | 8 });
  const copy = device.createBuffer({ size: 4, usage: 1 | 8 });
  device.queue.writeBuffer(buffer, 0, Uint32Array.of(x));
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }] });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline); pass.setBindGroup(0, group); pass.dispatchWorkgroups(1); pass.end();
  encoder.copyBufferToBuffer(buffer, 0, copy, 0, 4);
  device.queue.submit([encoder.finish()]);
  await copy.mapAsync(1);
  return new Uint32Array(copy.getMappedRange())[0];
}"""
