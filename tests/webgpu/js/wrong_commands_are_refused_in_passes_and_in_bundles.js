const device = await newDevice();
const texture = canvas(device);
const buffer = (usage, size = 24) => device.createBuffer({ size, usage });
const vertices = buffer(U.VERTEX), indices = buffer(U.INDEX, 16), counts = buffer(U.INDIRECT, 64);
const buffers = [{ arrayStride: 8, attributes: [{ format: "float32x2", offset: 0, shaderLocation: 0 }] }];
const at = painter(device, { vertex: { entryPoint: "at", buffers } }), full = painter(device);
const bound = (...args) => (e) => { e.setPipeline(at); e.setVertexBuffer(...args); e.draw(3); };
const indexed = (set, ...args) => (e) => { e.setPipeline(full); if (set) e.setIndexBuffer(...set);
  e.drawIndexed(...args); };
const indirect = (...args) => (e) => { e.setPipeline(full); e.drawIndirect(...args); };
const empty = device.createBindGroup({ layout: device.createBindGroupLayout({ entries: [] }), entries: [] });
const samples = painter(device, { multisample: { count: 4 } });
const deep = painter(device, { depthStencil: { format: "depth24plus", depthWriteEnabled: true,
  depthCompare: "less" } });
const commands = {
  noPipeline: (e) => e.draw(3), noVertices: (e) => { e.setPipeline(at); e.draw(3); }, unset: bound(0, null),
    zero: bound(0, vertices, 0, 0),
  slot: bound(4000, vertices), odd: bound(0, vertices, 2), far: bound(0, vertices, 1000), end: bound(0,
    vertices, 24),
  huge: bound(0, vertices, 2 ** 52, 2 ** 52), usage: bound(0, indices), nullOffset: bound(0, null, 8),
  short: (e) => { e.setPipeline(at); e.setVertexBuffer(0, vertices); e.draw(4); },
  noIndices: indexed(null, 3), zeroIndices: indexed([indices, "uint16", 0, 0], 3), most: indexed([indices,
    "uint32"], 4294967295),
  first: indexed([indices, "uint32"], 1, 1, 4294967295), indexUsage: indexed([vertices, "uint16"], 3),
  oddIndirect: indirect(counts, 2), farIndirect: indirect(counts, 60), hugeIndirect: indirect(counts,
    2 ** 53 - 4),
  indirectUsage: indirect(indices, 0), group: (e) => e.setBindGroup(9, empty),
    offsets: (e) => e.setBindGroup(0, empty, [256]),
  pop: (e) => e.popDebugGroup(), open: (e) => e.pushDebugGroup("open"), immediates: (e) => e.setImmediates(0,
    new Uint8Array(8)),
  samples: (e) => e.setPipeline(samples), deep: (e) => e.setPipeline(deep),
};
const inPass = {}, inBundle = {};
for (const name in commands) {
  inPass[name] = () => paint(device, texture, commands[name]);
  inBundle[name] = () => bundleOf(device, commands[name]);
}
results.inPass = await errors(device, inPass);
results.inBundle = await errors(device, inBundle);
const bundle = (extra) => () => bundleOf(device, () => {}, extra);
results.bundles = await errors(device, {
  none: bundle({ colorFormats: [] }), nulls: bundle({ colorFormats: [null] }),
    many: bundle({ colorFormats: Array(9).fill("r8unorm") }),
  format: bundle({ colorFormats: ["depth24plus"] }), depth: bundle({ depthStencilFormat: "r8unorm" }),
    samples: bundle({ sampleCount: 3 }),
  other: () => paint(device, texture, (pass) => pass.executeBundles([bundleOf(device, () => {},
    { colorFormats: ["r8unorm"] })])),
  ended: () => { const encoder = device.createRenderBundleEncoder({ colorFormats: ["r8unorm"] });
    encoder.finish(); encoder.draw(3); },
  destroyed: () => { const gone = buffer(U.VERTEX); const made = bundleOf(device, (e) => e.setVertexBuffer(0,
    gone)); gone.destroy();
                     paint(device, texture, (pass) => pass.executeBundles([made])); },
});
results.state = await errors(device, {
  viewport: () => paint(device, texture, (pass) => pass.setViewport(0, 0, -4, 4, 0, 1)),
    depths: () => paint(device, texture, (pass) => pass.setViewport(0, 0, 4, 4, 1, 0)),
  scissor: () => paint(device, texture, (pass) => pass.setScissorRect(1, 0, 4294967295, 4)),
  locked: () => { const e = device.createCommandEncoder();
    const pass = e.beginRenderPass({ colorAttachments: [{ view: texture, loadOp: "clear",
    storeOp: "store" }] });
                  e.pushDebugGroup("x"); pass.end(); e.finish(); },
  endTwice: () => paint(device, texture, (pass) => pass.end()),
});
results.types = [];
paint(device, texture, (pass) => {
  results.types = [() => pass.draw(), () => pass.draw(-1), () => pass.setViewport(NaN, 0, 1, 1, 0, 1),
    () => pass.setIndexBuffer(indices, "uint8"), () => pass.setVertexBuffer(0, 5),
                   () => pass.executeBundles([{}]), () => pass.setBlendConstant([1]),
                     () => pass.setStencilReference(-1)].map(thrown);
});
results.still = await errorOf(device, () => paint(device, texture));
