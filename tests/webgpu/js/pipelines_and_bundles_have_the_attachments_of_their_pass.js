const device = await newDevice();
const target = (format, extra) =>
  device.createTexture({ size: [4, 4], format, usage: T.RENDER_ATTACHMENT | T.TEXTURE_BINDING, ...extra });
const colour = (format = "rgba8unorm", extra = {}) =>
  ({ view: target(format, extra), loadOp: "clear", storeOp: "store" });
const depth = (format, extra = { depthLoadOp: "clear", depthClearValue: 1, depthStoreOp: "store" }, of = {}) =>
  ({ view: target(format, of), ...extra });
const both = { depthLoadOp: "clear", depthClearValue: 1, depthStoreOp: "store",
  stencilLoadOp: "clear", stencilStoreOp: "store" };
const passes = {
  plain: { colorAttachments: [colour()] },
  tail: { colorAttachments: [colour(), null, null] },
  two: { colorAttachments: [colour(), colour("r8unorm")] },
  gap: { colorAttachments: [colour(), null, colour("r8unorm")] },
  samples: { colorAttachments: [colour("rgba8unorm", { sampleCount: 4 })] },
  depth: { colorAttachments: [colour()], depthStencilAttachment: depth("depth24plus") },
  readOnly: { colorAttachments: [colour()],
    depthStencilAttachment: depth("depth24plus", { depthReadOnly: true }) },
  stencil: { colorAttachments: [colour()], depthStencilAttachment: depth("depth24plus-stencil8", both) },
};
const write = (format) => ({ format, depthWriteEnabled: true, depthCompare: "less" });
const readDepth = { format: "depth24plus", depthWriteEnabled: false, depthCompare: "less" };
const layouts = {
  plain: { colorFormats: ["rgba8unorm"] },
  two: { colorFormats: ["rgba8unorm", "r8unorm"] },
  gap: { colorFormats: ["rgba8unorm", null, "r8unorm"] },
  samples: { colorFormats: ["rgba8unorm"], sampleCount: 4 },
  depth: { colorFormats: ["rgba8unorm"], depthStencilFormat: "depth24plus" },
  readOnly: { colorFormats: ["rgba8unorm"], depthStencilFormat: "depth24plus", depthReadOnly: true },
  stencil: { colorFormats: ["rgba8unorm"], depthStencilFormat: "depth24plus-stencil8" },
  tail: { colorFormats: ["rgba8unorm", null] },
};
const code = SHADERS + `struct Two { @location(0) a: vec4f, @location(1) b: vec4f }
  struct Gap { @location(0) a: vec4f, @location(2) b: vec4f }
  @fragment fn two() -> Two { return Two(vec4f(), vec4f()); }
  @fragment fn gap() -> Gap { return Gap(vec4f(), vec4f()); }`;
const module = device.createShaderModule({ code });
const pipeline = (entryPoint, targets, rest = {}) => device.createRenderPipeline({
  layout: "auto", vertex: { module, entryPoint: "full" }, fragment: { module, entryPoint, targets }, ...rest });
const rgba = { format: "rgba8unorm" }, r = { format: "r8unorm" };
const pipelines = {
  plain: pipeline("red", [rgba]), tail: pipeline("red", [rgba, null]),
  two: pipeline("two", [rgba, r]), gap: pipeline("gap", [rgba, null, r]),
  samples: pipeline("red", [rgba], { multisample: { count: 4 } }),
  depth: pipeline("red", [rgba], { depthStencil: write("depth24plus") }),
  readOnly: pipeline("red", [rgba], { depthStencil: readDepth }),
  stencil: pipeline("red", [rgba], { depthStencil: write("depth24plus-stencil8") }),
};
const draw = (name) => (encoder) => { encoder.setPipeline(pipelines[name]); encoder.draw(3); };
const inPass = (descriptor, record) => errorOf(device, () => {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginRenderPass(descriptor);
  record(pass);
  pass.end();
  device.queue.submit([encoder.finish()]);
});
results.drawn = {}, results.executed = {}, results.recorded = {};
for (const pass in passes) {
  results.drawn[pass] = [];
  for (const name in pipelines) {
    if (await inPass(passes[pass], draw(name)) === null) results.drawn[pass].push(name);
  }
  results.executed[pass] = [];
  for (const name in layouts) {
    const bundle = bundleOf(device, () => {}, layouts[name]);
    const error = await inPass(passes[pass], (e) => e.executeBundles([bundle]));
    if (error === null) results.executed[pass].push(name);
  }
}
for (const layout in layouts) {
  results.recorded[layout] = [];
  for (const name in pipelines) {
    const error = await errorOf(device, () => bundleOf(device, draw(name), layouts[layout]));
    if (error === null) results.recorded[layout].push(name);
  }
}
