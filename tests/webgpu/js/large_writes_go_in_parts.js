const device = await newDevice();
const rows = 1500, images = 3, stride = 4352, offset = 12; // 4096 bytes of texels, in rows that are longer
const data = new Uint32Array((offset + stride * rows * images) / 4).map((_, i) => i);
const write = (target, size, layout = {}, y = 0, z = 0) =>
  device.queue.writeTexture({ texture: target, origin: [0, y, z] }, data,
                            { offset, bytesPerRow: stride, rowsPerImage: rows, ...layout }, size);
const layers = canvas(device, { size: [1024, rows + 2, images + 1] });
write(layers, [1024, rows, images], {}, 1, 1);
const read = device.createBuffer({ size: 4096 * (rows + 2), usage: U.COPY_DST | U.MAP_READ });
results.layers = [];
for (let z = 0; z < images; z++) {
  const encoder = device.createCommandEncoder();
  encoder.copyTextureToBuffer({ texture: layers, origin: [0, 0, z + 1] }, { buffer: read, bytesPerRow: 4096 },
                              [1024, rows + 2]);
  device.queue.submit([encoder.finish()]);
  await read.mapAsync(GPUMapMode.READ);
  const texels = new Uint32Array(read.getMappedRange());
  const row = (y) => texels.subarray((y + 1) * 1024, (y + 2) * 1024);
  const isRight = (y) => row(y).every((texel, x) => texel === (offset + stride * (z * rows + y)) / 4 + x);
  results.layers.push([0, 962, 963, 964, rows - 1].every(isRight));
  results.layers.push([-1, rows].every((y) => row(y).every((texel) => texel === 0)));
  read.unmap();
}
const small = canvas(device, { size: [16, 16, 250] });
write(small, [16, 16, 250], { bytesPerRow: 256, rowsPerImage: 300 });
const last = new Uint32Array(Uint8Array.from(await pixels(device, small, Uint8Array, { z: 249 })).buffer);
results.small = last[17] === offset / 4 + 249 * 300 * 64 + 64 + 1;
let uncaptured = 0;
device.onuncapturederror = (event) => { uncaptured++; event.preventDefault(); };
write(canvas(device, { size: [1024, rows], usage: T.TEXTURE_BINDING }), [1024, rows]);
write(layers, [1024, rows, images], { bytesPerRow: 4000 });
await device.queue.onSubmittedWorkDone();
await new Promise((resolve) => setTimeout(resolve, 50));
results.uncaptured = uncaptured;
