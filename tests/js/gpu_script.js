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
const T = GPUTextureUsage;
// The texels of a layer, rows one behind the other.
async function pixels(device, texture, Type = Uint8Array, { mipLevel = 0, z = 0, texel = 4, aspect = "all" } = {}) {
  const width = Math.max(1, texture.width >> mipLevel), height = Math.max(1, texture.height >> mipLevel);
  const bytesPerRow = Math.ceil(width * texel / 256) * 256;
  const buffer = device.createBuffer({ size: bytesPerRow * height, usage: U.COPY_DST | U.MAP_READ });
  const encoder = device.createCommandEncoder();
  encoder.copyTextureToBuffer({ texture, mipLevel, origin: [0, 0, z], aspect }, { buffer, bytesPerRow }, [width,
    height]);
  device.queue.submit([encoder.finish()]);
  await buffer.mapAsync(GPUMapMode.READ);
  const rows = [];
  for (let y = 0; y < height; y++) {
    rows.push(...new Type(buffer.getMappedRange(), y * bytesPerRow, width * texel / Type.BYTES_PER_ELEMENT));
    if (y + 1 < height) { buffer.unmap(); await buffer.mapAsync(GPUMapMode.READ); }
  }
  buffer.destroy();
  return rows;
}
const canvas = (device, extra) => device.createTexture({
  size: [4, 4], format: "rgba8unorm", usage: T.RENDER_ATTACHMENT | T.COPY_SRC | T.COPY_DST | T.TEXTURE_BINDING,
    ...extra,
});
const SHADERS = `
  @vertex fn full(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
    let corner = array(vec2f(-1, -1), vec2f(3, -1), vec2f(-1, 3));
    return vec4f(corner[i], 0.5, 1);
  }
  @vertex fn at(@location(0) position: vec2f) -> @builtin(position) vec4f { return vec4f(position, 0.25, 1); }
  @fragment fn red() -> @location(0) vec4f { return vec4f(1, 0, 0, 1); }
  @fragment fn green() -> @location(0) vec4f { return vec4f(0, 1, 0, 0.5); }`;
// A pipeline over SHADERS; parts of its descriptor can be given.
function painter(device, { vertex = {}, fragment = {}, ...rest } = {}) {
  const module = device.createShaderModule({ code: SHADERS });
  return device.createRenderPipeline({
    layout: "auto", vertex: { module, entryPoint: "full", ...vertex },
    fragment: fragment === null ? undefined
      : { module, entryPoint: "red", targets: [{ format: "rgba8unorm" }], ...fragment }, ...rest,
  });
}
// Runs `draw` in a render pass over `view`, cleared to blue.
function paint(device, view, draw = () => {}, { color = {}, ...rest } = {}) {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginRenderPass({
    colorAttachments: [{ view, loadOp: "clear", storeOp: "store", clearValue: [0, 0, 1, 1], ...color }], ...rest,
  });
  draw(pass);
  pass.end();
  device.queue.submit([encoder.finish()]);
}
function bundleOf(device, record, extra = {}) {
  const encoder = device.createRenderBundleEncoder({ colorFormats: ["rgba8unorm"], ...extra });
  record(encoder);
  return encoder.finish();
}
const RED = [255, 0, 0, 255], GREEN = [0, 255, 0, 128], BLUE = [0, 0, 255, 255];
// Each pixel by the first letter of its colour.
function picture(bytes) {
  const names = new Map([[RED, "r"], [GREEN, "g"], [BLUE, "b"], [[0, 0, 0, 0], "."]].map(([c, n]) => [c.join(), n]));
  let text = "";
  for (let i = 0; i < bytes.length; i += 4) text += names.get(bytes.slice(i, i + 4).join()) ?? "?";
  return text;
}
// What a validation error scope around each step, on one device, has caught; null: nothing.
async function errors(device, steps) {
  const caught = {};
  for (const name in steps) caught[name] = await errorOf(device, () => steps[name](device));
  return caught;
}
