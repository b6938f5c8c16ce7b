const device = await newDevice();
const depth = (state) => () => painter(device, { depthStencil: { format: "depth24plus", ...state } });
const target = (state) => () => painter(device, { fragment: { targets: [{ format: "rgba8unorm",
  ...state }] } });
const attribute = { format: "float32x2", offset: 0, shaderLocation: 0 };
const vertex = (layout) => () => painter(device, { vertex: { entryPoint: "at", buffers: [{ arrayStride: 8,
  attributes: [attribute], ...layout }] } });
results.wrong = await errors(device, {
  noWrite: depth({ depthCompare: "less" }), noCompare: depth({ depthWriteEnabled: true }),
  noDepth: depth({ format: "stencil8", depthWriteEnabled: true, depthCompare: "less" }),
  color: depth({ format: "rgba8unorm", depthWriteEnabled: true, depthCompare: "less" }),
  compare: depth({ format: "stencil8", depthCompare: "less" }),
  mask: target({ writeMask: 16 }), format: target({ format: "depth24plus" }),
  blend: target({ format: "rgba8uint", blend: { color: {}, alpha: {} } }),
  dual: target({ blend: { color: { srcFactor: "src1" }, alpha: {} } }),
  stride: vertex({ arrayStride: 7 }), huge: vertex({ arrayStride: 2 ** 52 }),
    twice: vertex({ attributes: [attribute, attribute] }),
  bgra: vertex({ attributes: [{ ...attribute, format: "unorm8x4-bgra" }] }),
    missing: vertex({ attributes: [] }),
  buffers: () => painter(device, { vertex: { buffers: Array(20).fill({ arrayStride: 4, attributes: [] }) } }),
  entry: () => painter(device, { vertex: { entryPoint: "none" } }), nothing: () => painter(device,
    { fragment: null }),
  many: () => painter(device, { fragment: { targets: Array(9).fill({ format: "rgba8unorm" }) } }),
  samples: () => painter(device, { multisample: { count: 3 } }),
  strip: () => painter(device, { primitive: { stripIndexFormat: "uint16" } }),
  layout: () => painter(device).getBindGroupLayout(9),
});
const module = device.createShaderModule({ code: SHADERS });
const async = (descriptor) => device.createRenderPipelineAsync({ layout: "auto", vertex: { module,
  entryPoint: "full" }, ...descriptor })
  .then(() => "made", (error) => [error.constructor.name, error.reason]);
device.pushErrorScope("validation");
results.async = [await async({}), await async({ depthStencil: { format: "depth24plus" } })];
results.scope = await device.popErrorScope();
results.types = [
  () => device.createRenderPipeline({ layout: "auto" }),
    () => device.createRenderPipeline({ vertex: { module } }),
  target({ blend: { color: {} } }), target({ format: "r16unorm" }),
    vertex({ attributes: [{ format: "float32" }] }),
  vertex({ stepMode: "none" }), () => painter(device, { primitive: { topology: "quads" } }),
  () => painter(device, { multisample: { mask: -1 } }),
  () => painter(device, { depthStencil: { format: "depth24plus", depthBias: 2 ** 31 } }),
].map(thrown);
