const device = await newDevice();
const texture = canvas(device);
const painted = async (draw, options) => {
  paint(device, texture, draw, options);
  return picture(await pixels(device, texture));
};
results.cleared = await painted();
const red = painter(device);
results.red = await painted((pass) => { pass.setPipeline(red); pass.draw(3); });
results.scissor = await painted((pass) => {
  pass.setPipeline(red); pass.setScissorRect(1, 0, 2, 2); pass.draw(3);
});
results.viewport = await painted((pass) => {
  pass.setPipeline(red); pass.setViewport(0, 2, 4, 2, 0, 1); pass.draw(3);
});
results.loaded = await painted(() => {}, { color: { loadOp: "load" } });
const blend = { color: { srcFactor: "zero", dstFactor: "constant" }, alpha: { srcFactor: "zero",
  dstFactor: "one" } };
const blended = painter(device, { fragment: { targets: [{ format: "rgba8unorm", blend }] } });
results.blended = await painted((pass) => {
  pass.setPipeline(blended); pass.setBlendConstant({ r: 0, g: 0, b: 0.2, a: 0 }); pass.draw(3);
}).then(() => pixels(device, texture)).then((bytes) => bytes.slice(0, 4));
const masked = painter(device, { fragment: { targets: [{ format: "rgba8unorm",
  writeMask: GPUColorWrite.ALPHA }] } });
results.masked = await painted((pass) => { pass.setPipeline(masked); pass.draw(3); },
  { color: { clearValue: [0, 0, 1, 0] } });
const async = await device.createRenderPipelineAsync({
  layout: "auto", vertex: { module: device.createShaderModule({ code: SHADERS }), entryPoint: "full" },
  fragment: { module: device.createShaderModule({ code: SHADERS }), entryPoint: "green",
    targets: [{ format: "rgba8unorm" }] },
});
results.async = await painted((pass) => { pass.setPipeline(async); pass.draw(3); });
const views = [null, { view: texture.createView(), loadOp: "clear", storeOp: "store" }];
const encoder = device.createCommandEncoder();
const pass = encoder.beginRenderPass({ label: "two", colorAttachments: views });
pass.setPipeline(painter(device, { fragment: { targets: [null, { format: "rgba8unorm" }],
  module: device.createShaderModule({
  code: "@fragment fn second() -> @location(1) vec4f { return vec4f(1, 0, 0, 1); }" }),
    entryPoint: "second" } }));
pass.draw(3);
pass.end();
device.queue.submit([encoder.finish({ label: "done" })]);
results.second = picture(await pixels(device, texture));
