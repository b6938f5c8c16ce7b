// The first result of a program that computes: milliseconds since it began, part by part.
async (seed) => {
  const times = [performance.now()];
  const part = () => times.push(performance.now());
  const adapter = await navigator.gpu.requestAdapter();
  part();
  const device = await adapter.requestDevice();
  part();
  // Nobody has compiled a shader with this number in it.
  const code = `@group(0) @binding(0) var<storage, read_write> x: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) i: vec3u) { x[i.x] = i.x * 3u + ${seed}u; }`;
  const pipeline = await device.createComputePipelineAsync({
    layout: "auto", compute: { module: device.createShaderModule({ code }) },
  });
  part();
  const { STORAGE, COPY_SRC, MAP_READ, COPY_DST } = GPUBufferUsage;
  const buffer = device.createBuffer({ size: 4096, usage: STORAGE | COPY_SRC });
  const result = device.createBuffer({ size: 4096, usage: MAP_READ | COPY_DST });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }],
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(16);
  pass.end();
  encoder.copyBufferToBuffer(buffer, 0, result, 0, 4096);
  device.queue.submit([encoder.finish()]);
  await result.mapAsync(GPUMapMode.READ);
  const value = new Uint32Array(result.getMappedRange())[5];
  part();
  if (value !== 15 + seed) throw new Error(`${value} came back`);
  const [adapterTime, deviceTime, pipelineTime, resultTime] = times.slice(1).map((time, i) => time - times[i]);
  return { adapterTime, deviceTime, pipelineTime, resultTime, total: times[4] - times[0] };
}
