const device = await newDevice();
const texture = canvas(device);
const volume = device.createTexture({ size: [4, 4, 4], dimension: "3d", format: "rgba8unorm",
  usage: T.RENDER_ATTACHMENT });
const depth = device.createTexture({ size: [4, 4], format: "depth24plus", usage: T.RENDER_ATTACHMENT });
const onto = (view, options) => () => paint(device, view, () => {}, options);
const clears = { depthLoadOp: "clear", depthStoreOp: "store" };
const depthOf = (attachment) => onto(texture, { depthStencilAttachment: { view: depth, ...attachment } });
const foreign = canvas(await newDevice());
results.wrong = await errors(device, {
  none: onto(texture, { colorAttachments: [] }), many: onto(texture, { colorAttachments: Array(9).fill(null) }),
  sizes: onto(texture, { colorAttachments: [texture, canvas(device, { size: [8, 8] })].map((view) => ({ view,
    loadOp: "clear", storeOp: "store" })) }),
  slice: onto(texture, { color: { depthSlice: 1 } }), mostSlice: onto(volume,
    { color: { depthSlice: 4294967295 } }),
  noSlice: onto(volume), farSlice: onto(volume, { color: { depthSlice: 9 } }), resolve: onto(texture,
    { color: { resolveTarget: texture } }),
  asColor: onto(depth), asDepth: onto(texture, { depthStencilAttachment: { view: texture, depthClearValue: 1,
    ...clears } }),
  noClear: depthOf(clears), farClear: depthOf({ depthClearValue: 5, ...clears }), noOps: depthOf({}),
  readOnly: depthOf({ depthReadOnly: true, ...clears }), foreign: onto(foreign),
  resolveInto: onto(canvas(device, { sampleCount: 4, usage: T.RENDER_ATTACHMENT }),
    { color: { resolveTarget: volume } }),
  resolveFrom: onto(volume, { color: { depthSlice: 1, resolveTarget: volume } }),
});
results.right = await errors(device, { slice: onto(volume, { color: { depthSlice: 3 } }),
  readOnly: depthOf({ depthReadOnly: true }) });
// An error comes with finish(), not with the command.
device.pushErrorScope("validation");
const encoder = device.createCommandEncoder();
const pass = encoder.beginRenderPass({ colorAttachments: [{ view: foreign, loadOp: "clear",
  storeOp: "store" }] });
pass.setStencilReference(1);
pass.end();
results.before = await device.popErrorScope();
results.late = await errorOf(device, () => { results.buffer = String(encoder.finish()); });
const view = { view: texture, loadOp: "clear", storeOp: "store" };
results.types = [
  () => encoder.beginRenderPass({}), () => encoder.beginRenderPass({ colorAttachments: [{ ...view,
    loadOp: undefined }] }),
  () => encoder.beginRenderPass({ colorAttachments: [{ ...view, view: null }] }),
    () => encoder.beginRenderPass({ colorAttachments: [{ ...view, clearValue: [1, 2, 3] }] }),
  () => encoder.beginRenderPass({ colorAttachments: [{ ...view, clearValue: { r: 1, g: 1, b: 1 } }] }),
    () => encoder.beginRenderPass({ colorAttachments: 5 }),
].map(thrown);
