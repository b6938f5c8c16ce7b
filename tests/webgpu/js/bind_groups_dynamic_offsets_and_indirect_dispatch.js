const device = await newDevice();
const code = `
  @group(0) @binding(3) var<uniform> added: vec4u;
  @group(1) @binding(0) var<storage, read_write> data: array<u32>;
  @compute @workgroup_size(1) fn main(@builtin(workgroup_id) id: vec3u) { data[id.x] += added.x; }`;
const C = GPUShaderStage.COMPUTE;
const layout = (binding, buffer) =>
  device.createBindGroupLayout({ entries: [{ binding, visibility: C, buffer }] });
const uniforms = layout(3, { type: "uniform", hasDynamicOffset: true, minBindingSize: 16 });
const stores = layout(0, { type: "storage" });
const pipeline = device.createComputePipeline({
  layout: device.createPipelineLayout({ bindGroupLayouts: [uniforms, stores] }),
  compute: { module: device.createShaderModule({ code }) },
});
const uniform = device.createBuffer({ size: 512, usage: U.UNIFORM | U.COPY_DST });
device.queue.writeBuffer(uniform, 0, new Uint32Array([1]));
device.queue.writeBuffer(uniform, 256, new Uint32Array([10]));
const counts = device.createBuffer({ size: 16, usage: U.INDIRECT | U.COPY_DST });
device.queue.writeBuffer(counts, 4, new Uint32Array([3, 1, 1]));
const data = storage(device, new Uint32Array(8));
const first = device.createBindGroup({
  layout: uniforms, entries: [{ binding: 3, resource: { buffer: uniform, size: 16 } }],
});
const second = device.createBindGroup({ layout: stores, entries: [{ binding: 0, resource: data }] });
const encoder = device.createCommandEncoder();
const pass = encoder.beginComputePass({ label: "pass" });
pass.pushDebugGroup("group");
pass.setPipeline(pipeline);
pass.setBindGroup(0, first, [0]);
pass.setBindGroup(1, second);
pass.dispatchWorkgroups(2);
pass.setBindGroup(0, first, new Uint32Array([0, 256]), 1, 1);
pass.dispatchWorkgroupsIndirect(counts, 4);
pass.insertDebugMarker("marker");
pass.popDebugGroup();
results.errors = [
  thrown(() => pass.setBindGroup(0, first, new Uint32Array(2), 1, 2)), thrown(() => pass.setBindGroup(0, {})),
  thrown(() => pass.setBindGroup(0, first, [], 0)), thrown(() => pass.setBindGroup(0)),
];
pass.end();
device.queue.submit([encoder.finish()]);
results.data = await read(device, data, Uint32Array);
