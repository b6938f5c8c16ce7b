const thrown = (run) => { try { run(); return null; } catch (error) { return error.name; } };
const U = GPUBufferUsage, T = GPUTextureUsage;
const open = async () => (await navigator.gpu.requestAdapter()).requestDevice();
const device = await open();
const failed = async (run, of = device) => {
  of.pushErrorScope("validation");
  run();
  return (await of.popErrorScope()) !== null;
};
const newBuffer = (usage = U.COPY_DST | U.COPY_SRC, size = 256) => device.createBuffer({ size, usage });
const newTexture = (usage = T.COPY_DST | T.COPY_SRC | T.RENDER_ATTACHMENT | T.TEXTURE_BINDING) =>
  device.createTexture({ size: [16, 16], format: "rgba8unorm", usage });
const WGSL = `@group(0) @binding(0) var<storage, read_write> data: array<f32>;
  @compute @workgroup_size(1) fn main() { data[0] = data[0] + 1; }
  @vertex fn vertex() -> @builtin(position) vec4f { return vec4f(0); }
  @fragment fn fragment() -> @location(0) vec4f { return vec4f(1); }`;
const newModule = () => device.createShaderModule({ code: WGSL });
const newPipeline = (module = newModule()) =>
  device.createComputePipeline({ layout: "auto", compute: { module, entryPoint: "main" } });
const newGroup = (pipeline, buffer) => device.createBindGroup({ layout: pipeline.getBindGroupLayout(0),
  entries: [{ binding: 0, resource: { buffer } }] });
const submit = (record) => {
  const encoder = device.createCommandEncoder();
  record(encoder);
  device.queue.submit([encoder.finish()]);
};
const compute = (pipeline, group) => submit((encoder) => {
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(1);
  pass.end();
});
const attachment = (view) => ({ colorAttachments: [{ view, loadOp: "clear", storeOp: "store" }] });
const collect = async () => {
  for (let i = 0; i < 4; i++) { new Uint8Array(4 << 20); await device.queue.onSubmittedWorkDone(); }
};
// The device still computes: 41 + 1.
const right = async () => {
  const data = newBuffer(U.STORAGE | U.COPY_SRC | U.COPY_DST, 4), out = newBuffer(U.MAP_READ | U.COPY_DST, 4);
  const pipeline = newPipeline();
  device.queue.writeBuffer(data, 0, new Float32Array([41]));
  compute(pipeline, newGroup(pipeline, data));
  submit((encoder) => encoder.copyBufferToBuffer(data, 0, out, 0, 4));
  await out.mapAsync(GPUMapMode.READ);
  return new Float32Array(out.getMappedRange())[0];
};
