const device = await newDevice();
const buffer = (usage) => device.createBuffer({ size: 256, usage });
const pipeline = device.createComputePipeline({
  layout: "auto", compute: { module: device.createShaderModule({ code: DOUBLE }) } });
const bound = (resource) => device.createBindGroup({ layout: pipeline.getBindGroupLayout(0),
  entries: [{ binding: 0, resource: { buffer: resource } }] });
const encoded = (record) => { const encoder = device.createCommandEncoder(); record(encoder);
  return encoder.finish(); };
const uses = {
  copied: [buffer(U.COPY_SRC), (b) => encoded((e) => e.copyBufferToBuffer(b, buffer(U.COPY_DST)))],
  cleared: [buffer(U.COPY_DST), (b) => encoded((e) => e.clearBuffer(b))],
  bound: [buffer(U.STORAGE), (b) => encodeDouble(device, pipeline, b)],
  indirect: [buffer(U.INDIRECT), (b) => encoded((e) => { const pass = e.beginComputePass();
    pass.setPipeline(pipeline); pass.setBindGroup(0, bound(buffer(U.STORAGE)));
    pass.dispatchWorkgroupsIndirect(b, 0); pass.end(); })],
  drawnOn: [canvas(device), (t) => encoded((e) => e.beginRenderPass({ colorAttachments: [
    { view: t, loadOp: "clear", storeOp: "store" }] }).end())],
  imageCopied: [canvas(device), (t) => encoded((e) => e.copyTextureToTexture({ texture: t },
    { texture: canvas(device) }, [4, 4]))],
  resolved: [device.createQuerySet({ type: "occlusion", count: 4 }),
    (q) => encoded((e) => e.resolveQuerySet(q, 0, 4, buffer(U.QUERY_RESOLVE), 0))],
};
results.submitted = {}, results.later = {};
for (const name in uses) {
  const [object, encode] = uses[name];
  results.later[name] = await errorOf(device, () => {
    device.queue.submit([encode(object)]);
    const commands = encode(object);
    object.destroy();
    object.destroy();
    uses[name].push(commands);
  });
  results.submitted[name] = await errorOf(device, () => device.queue.submit([uses[name][2]]));
}
const gone = device.createBuffer({ size: 8, usage: U.COPY_DST });
gone.destroy();
results.written = await errorOf(device, () => device.queue.writeBuffer(gone, 0, new Uint8Array(4)));
const texture = canvas(device);
texture.destroy();
results.imageWritten = await errorOf(device, () =>
  device.queue.writeTexture({ texture }, new Uint8Array(64), { bytesPerRow: 16 }, [4, 4]));
results.attributes = [gone.size, texture.width, texture.format];
