// Compute: every command that it needs, in a valid order. A seed for gpu_decoder_fuzz.
async () => {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "low-power" });
  const device = await adapter.requestDevice({ label: "seed" });
  const U = GPUBufferUsage;
  const data = device.createBuffer({ label: "data", size: 64, usage: U.STORAGE | U.COPY_SRC | U.COPY_DST, mappedAtCreation: true });
  new Float32Array(data.getMappedRange()).fill(1);
  data.unmap();
  const target = device.createBuffer({ size: 64, usage: U.MAP_READ | U.COPY_DST });
  const counts = device.createBuffer({ size: 12, usage: U.INDIRECT | U.COPY_DST });
  device.queue.writeBuffer(counts, 0, new Uint32Array([1, 1, 1]));
  const module = device.createShaderModule({ code: `
    override factor: f32 = 2.0;
    @group(0) @binding(0) var<storage, read_write> data: array<f32>;
    @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) { data[id.x] *= factor; }` });
  await module.getCompilationInfo();
  const layout = device.createBindGroupLayout({
    entries: [{ binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: "storage" } }],
  });
  const compute = { module, entryPoint: "main", constants: { factor: 3 } };
  const pipeline = device.createComputePipeline({ layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }), compute });
  const other = await device.createComputePipelineAsync({ layout: "auto", compute: { module } });
  const group = device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer: data, size: 32 } }] });
  const whole = device.createBindGroup({ layout: other.getBindGroupLayout(0), entries: [{ binding: 0, resource: data }] });
  const encoder = device.createCommandEncoder();
  encoder.pushDebugGroup("group");
  encoder.clearBuffer(data, 32, 16);
  const pass = encoder.beginComputePass({ label: "pass" });
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(2);
  pass.insertDebugMarker("between");
  pass.setPipeline(other);
  pass.setBindGroup(0, whole, []);
  pass.dispatchWorkgroupsIndirect(counts, 0);
  pass.end();
  encoder.copyBufferToBuffer(data, 0, target, 0, 64);
  encoder.popDebugGroup();
  device.pushErrorScope("validation");
  const bad = device.createBuffer({ size: 4, usage: 0 });
  await device.popErrorScope();
  device.queue.submit([encoder.finish()]);
  await device.queue.onSubmittedWorkDone();
  await target.mapAsync(GPUMapMode.READ);
  target.unmap();
  bad.destroy();
  data.destroy();
  device.destroy();
  await (await (await navigator.gpu.requestAdapter()).requestDevice()).queue.onSubmittedWorkDone();
}
