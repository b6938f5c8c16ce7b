const device = await newDevice();
const code = `struct Given { a: u32, b: vec2u } var<immediate> given: Given;
  @group(0) @binding(0) var<storage, read_write> data: array<u32>;
  @compute @workgroup_size(1) fn main(@builtin(workgroup_id) id: vec3u) {
    data[4 * id.x] = given.a; data[4 * id.x + 1] = given.b.x; data[4 * id.x + 2] = given.b.y; }`;
const layout = device.createBindGroupLayout({
  entries: [{ binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: "storage" } }] });
const pipeline = device.createComputePipeline({
  layout: device.createPipelineLayout({ bindGroupLayouts: [layout], immediateSize: 16 }),
  compute: { module: device.createShaderModule({ code }) } });
const data = storage(device, new Uint32Array(8));
const group = device.createBindGroup({ layout, entries: [{ binding: 0, resource: data }] });
const record = (set) => {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  set(pass);
  pass.dispatchWorkgroups(2);
  pass.end();
  device.queue.submit([encoder.finish()]);
};
results.error = await errorOf(device, () => record((pass) => {
  pass.setImmediates(0, new Uint32Array([7, 0]));
  pass.setImmediates(8, new Uint32Array([1, 8, 9]), 1);
  pass.setImmediates(8, new DataView(new Uint32Array([0, 10, 0]).buffer, 4), 0, 4);
  pass.setImmediates(0, new ArrayBuffer(0));
}));
results.data = await read(device, data, Uint32Array);
results.wrong = await errors(device, {
  odd: () => record((pass) => {
    pass.setImmediates(0, new Uint32Array(4));
    pass.setImmediates(2, new Uint32Array(1));
  }),
});
const encoder = device.createCommandEncoder();
const pass = encoder.beginComputePass();
const bytes = new Uint8Array(device.limits.maxImmediateSize + 4);
const set = (...args) => thrown(() => pass.setImmediates(...args));
results.thrown = [set(0, bytes), set(4, bytes, 4), set(0, bytes, 0, 3), set(0, bytes, 70), set(0, [1]), set(0),
  set(-1, bytes), set(4, bytes, 8)];
