const device = await newDevice();
const texture = canvas(device, { size: [4, 1] });
const filled = (values, usage) => {
  const buffer = device.createBuffer({ size: values.byteLength, usage: usage | U.COPY_DST });
  device.queue.writeBuffer(buffer, 0, values);
  return buffer;
};
const buffers = [null, { arrayStride: 8, attributes: [{ format: "float32x2", offset: 0, shaderLocation: 0 }] }];
const primitive = { topology: "point-list" };
const bare = painter(device, {
  vertex: { entryPoint: "at", buffers: [{ arrayStride: 8, attributes: [] }, buffers[1]] }, primitive,
});
const points = painter(device, { vertex: { entryPoint: "at", buffers }, primitive });
// The middle of each pixel.
const vertices = filled(new Float32Array([-0.75, 0, -0.25, 0, 0.25, 0, 0.75, 0]), U.VERTEX);
const indices = filled(new Uint16Array([3, 1, 0, 0]), U.INDEX);
const counts = filled(new Uint32Array([0, 1, 1, 2, 0, 2, 1, 0, 0, 0]), U.INDIRECT);
const drawn = async (draw) => {
  paint(device, texture, (pass) => { pass.setPipeline(points); pass.setVertexBuffer(1, vertices); draw(pass);
    });
  return picture(await pixels(device, texture));
};
results.some = await drawn((pass) => pass.draw(2, 1, 1));
const elsewhere = filled(new Float32Array([0.75, 0, 0.75, 0, 0.75, 0, 0.75, 0]), U.VERTEX);
results.bare = await drawn((pass) => {
  pass.setPipeline(bare); pass.setVertexBuffer(0, elsewhere); pass.draw(2, 1, 1);
});
results.offset = await drawn((pass) => { pass.setVertexBuffer(1, vertices, 8, 8); pass.draw(1); });
results.indexed = await drawn((pass) => { pass.setIndexBuffer(indices, "uint16", 0, 4); pass.drawIndexed(2); });
results.base = await drawn((pass) => { pass.setIndexBuffer(indices, "uint16"); pass.drawIndexed(1, 1, 1, -1);
  });
results.indirect = await drawn((pass) => pass.drawIndirect(counts, 4));
results.indexedIndirect = await drawn((pass) => { pass.setIndexBuffer(indices, "uint16");
  pass.drawIndexedIndirect(counts, 20); });
results.nothing = await drawn((pass) => {
  pass.setVertexBuffer(0, null); pass.setVertexBuffer(2, vertices, 0, 0); pass.draw(0);
});
