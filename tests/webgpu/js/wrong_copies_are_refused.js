const device = await newDevice();
const texture = canvas(device);
const buffer = device.createBuffer({ size: 4096, usage: U.COPY_SRC | U.COPY_DST });
const bytes = new Uint8Array(64);
const write = (layout, size = [4, 4], where = {}, data = bytes) => () =>
  device.queue.writeTexture({ texture, ...where }, data, layout, size);
const encoded = (record) => () => { const encoder = device.createCommandEncoder(); record(encoder);
  encoder.finish(); };
const other = await newDevice();
results.wrong = await errors(device, {
  noRow: write({}), zeroRow: write({ bytesPerRow: 0 }), shortRow: write({ bytesPerRow: 8 }),
  mostRow: write({ bytesPerRow: 4294967295 }), zeroRows: write({ bytesPerRow: 16, rowsPerImage: 0 }),
  short: write({ bytesPerRow: 16 }, [4, 4], {}, new Uint8Array(60)), offset: write({ offset: 65,
    bytesPerRow: 16 }),
  outside: write({ bytesPerRow: 20 }, [5, 3]), mip: write({ bytesPerRow: 16 }, [4, 4],
    { mipLevel: 4294967295 }),
  origin: write({ bytesPerRow: 16 }, [4, 4], { origin: [4294967295, 4294967295, 4294967295] }),
  other: write({ bytesPerRow: 16 }, [4, 4], { texture: canvas(other) }),
  row: encoded((e) => e.copyBufferToTexture({ buffer, bytesPerRow: 16 }, { texture }, [4, 4])),
  zero: encoded((e) => e.copyTextureToBuffer({ texture }, { buffer, bytesPerRow: 0 }, [4, 4])),
  far: encoded((e) => e.copyBufferToTexture({ buffer, bytesPerRow: 256, offset: 2 ** 50 }, { texture }, [4,
    4])),
  aspect: encoded((e) => e.copyTextureToBuffer({ texture, aspect: "stencil-only" }, { buffer }, [1, 1])),
  itself: encoded((e) => e.copyTextureToTexture({ texture }, { texture }, [4, 4])),
  formats: encoded((e) => e.copyTextureToTexture({ texture }, { texture: canvas(device,
    { format: "r8unorm" }) }, [1])),
});
results.types = [
  () => device.queue.writeTexture({ texture }, [1], {}, [1]), () => device.queue.writeTexture({ texture },
    bytes, {}),
  () => device.queue.writeTexture({ texture: buffer }, bytes, {}, [1]), write({ offset: -1 }), write({}, []),
  () => device.createCommandEncoder().copyTextureToTexture({ texture }, {}, [1]),
  () => device.createCommandEncoder().copyBufferToTexture({ buffer: texture }, { texture }, [1]),
].map(thrown);
results.untouched = (await pixels(device, texture)).every((byte) => byte === 0);
