const device = await newDevice();
const texture = canvas(device);
const format = "depth24plus-stencil8";
const depth = device.createTexture({ size: [4, 4], format, usage: T.RENDER_ATTACHMENT | T.COPY_SRC });
const attachment = (depthClearValue) => ({
  view: depth, depthClearValue, depthLoadOp: "clear", depthStoreOp: "store", stencilClearValue: 3,
  stencilLoadOp: "clear", stencilStoreOp: "store",
});
const near = painter(device, { depthStencil: { format, depthWriteEnabled: true, depthCompare: "less" } });
const at = async (depth) => {
  paint(device, texture, (pass) => { pass.setPipeline(near); pass.draw(3); },
    { depthStencilAttachment: attachment(depth) });
  return picture(await pixels(device, texture));
};
results.depth = [await at(0.75), await at(0.25)];
const face = { compare: "equal", passOp: "increment-clamp" };
const counting = painter(device, {
  depthStencil: { format, depthWriteEnabled: false, depthCompare: "always", stencilFront: face,
    stencilBack: face },
});
paint(device, texture, (pass) => {
  pass.setPipeline(counting); pass.setStencilReference(3); pass.setScissorRect(0, 0, 4, 1); pass.draw(3);
    pass.draw(3);
}, { depthStencilAttachment: attachment(1) });
results.stencil = (await pixels(device, depth, Uint8Array, { texel: 1, aspect: "stencil-only" })).join("");
const samples = canvas(device, { sampleCount: 4, usage: T.RENDER_ATTACHMENT });
const many = painter(device, { multisample: { count: 4, mask: 3 } });
paint(device, samples, (pass) => { pass.setPipeline(many); pass.draw(3); },
      { color: { resolveTarget: texture, storeOp: "discard" } });
results.resolved = (await pixels(device, texture)).slice(0, 4);
const small = device.createTexture({ size: [2, 2], format: "depth32float",
  usage: T.RENDER_ATTACHMENT | T.COPY_SRC });
const encoder = device.createCommandEncoder();
encoder.beginRenderPass({ colorAttachments: [], depthStencilAttachment: {
  view: small, depthLoadOp: "clear", depthClearValue: 0.125, depthStoreOp: "store" } }).end();
encoder.beginRenderPass({ colorAttachments: [], depthStencilAttachment: { view: small,
  depthReadOnly: true } }).end();
device.queue.submit([encoder.finish()]);
results.cleared = await pixels(device, small, Float32Array);
