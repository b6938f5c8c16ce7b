const device = await newDevice();
const usage = T.COPY_DST | T.COPY_SRC;
const volume = device.createTexture({ size: [4, 4, 3], format: "r8uint", usage, dimension: "3d" });
const layers = device.createTexture({ size: [8, 8, 2], format: "r8uint", usage, mipLevelCount: 2 });
const buffer = device.createBuffer({ size: 4, usage: U.COPY_SRC | U.COPY_DST });
const copies = {
  width: [volume, { bytesPerRow: 0, rowsPerImage: 2 }, [0, 2, 2]],
  height: [volume, { bytesPerRow: 256, rowsPerImage: 0 }, [2, 0, 2]],
  both: [volume, { bytesPerRow: 0, rowsPerImage: 0 }, [0, 0, 3]],
  depth: [volume, { bytesPerRow: 256, rowsPerImage: 2 }, [2, 2, 0]],
  layers: [layers, { bytesPerRow: 0, rowsPerImage: 8 }, [0, 8, 2]],
  level: [layers, { bytesPerRow: 0, rowsPerImage: 4 }, [0, 4, 2], { mipLevel: 1 }],
  edge: [volume, { bytesPerRow: 0, rowsPerImage: 4 }, [0, 4, 1], { origin: [4, 0, 2] }],
  wrongRow: [volume, { bytesPerRow: 0, rowsPerImage: 2 }, [1, 1, 1]],
  wrongImage: [volume, { bytesPerRow: 256, rowsPerImage: 0 }, [1, 1, 2]],
  wrongHeight: [volume, { bytesPerRow: 0, rowsPerImage: 5 }, [0, 5, 1]],
  wrongDepth: [volume, { bytesPerRow: 0, rowsPerImage: 4 }, [0, 4, 4]],
  wrongOrigin: [volume, { bytesPerRow: 0, rowsPerImage: 4 }, [0, 1, 1], { origin: [5, 0, 0] }],
  wrongSum: [volume, { bytesPerRow: 0, rowsPerImage: 4 }, [0, 4, 1], { origin: [0, 2 ** 32 - 4, 0] }],
  wrongLevel: [layers, { bytesPerRow: 0, rowsPerImage: 8 }, [0, 5, 1], { mipLevel: 1 }],
  noLevel: [layers, { bytesPerRow: 0, rowsPerImage: 8 }, [0, 1, 1], { mipLevel: 2 }],
  wrongOffset: [volume, { bytesPerRow: 0, rowsPerImage: 4, offset: 8 }, [0, 1, 1]],
};
const encoded = (record) => {
  const encoder = device.createCommandEncoder();
  record(encoder);
  device.queue.submit([encoder.finish()]);
};
results.caught = { write: {}, upload: {}, download: {} };
for (const [name, [texture, layout, size, extra]] of Object.entries(copies)) {
  const whole = { texture, ...extra };
  Object.assign(results.caught.write, await errors(device, {
    [name]: () => device.queue.writeTexture(whole, new Uint8Array(0), layout, size) }));
  Object.assign(results.caught.upload, await errors(device, {
    [name]: () => encoded((encoder) => encoder.copyBufferToTexture({ buffer, ...layout }, whole, size)) }));
  Object.assign(results.caught.download, await errors(device, {
    [name]: () => encoded((encoder) => encoder.copyTextureToBuffer(whole, { buffer, ...layout }, size)) }));
}
