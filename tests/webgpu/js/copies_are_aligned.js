const device = await newDevice();
const both = U.COPY_SRC | U.COPY_DST;
const buffer = device.createBuffer({ size: 4096, usage: both });
const other = device.createBuffer({ size: 4096, usage: both });
const source = device.createBuffer({ size: 64, usage: U.COPY_SRC });
const target = device.createBuffer({ size: 64, usage: U.COPY_DST });
const texture = (format, extra) =>
  device.createTexture({ size: [4, 4], format, usage: T.COPY_SRC | T.COPY_DST, ...extra });
const encoded = (record) => () => { const encoder = device.createCommandEncoder(); record(encoder);
  encoder.finish(); };
const copy = (...args) => encoded((e) => e.copyBufferToBuffer(...args));
const out = (layout, size = [4, 4], of = texture("rg32uint")) =>
  encoded((e) => e.copyTextureToBuffer({ texture: of }, { buffer, ...layout }, size));
const image = (from, to, size) => encoded((e) => e.copyTextureToTexture(from, to, size));
const clear = (...args) => encoded((e) => e.clearBuffer(...args));
results.right = await errors(device, {
  copy: copy(buffer, 4, other, 8, 12), nothing: copy(buffer, 4096, other, 4096, 0), whole: copy(buffer, other),
  out: out({ bytesPerRow: 256, offset: 8 }), oneRow: out({}, [4, 1]),
  rows: out({ bytesPerRow: 256, rowsPerImage: 9 }),
  clear: clear(buffer, 4, 8), clearAll: clear(buffer), clearNothing: clear(buffer, 4096, 0),
  srgb: image({ texture: texture("rgba8unorm") }, { texture: texture("rgba8unorm-srgb") }, [4, 4]),
});
results.wrong = await errors(device, {
  from: copy(buffer, 2, other, 0, 4), to: copy(buffer, 0, other, 2, 4), size: copy(buffer, 0, other, 0, 6),
  behind: copy(buffer, 4092, other, 0, 8), itself: copy(buffer, 0, buffer, 8, 4),
  usage: copy(target, 0, buffer, 0, 4), targetUsage: copy(buffer, 0, source, 0, 4),
  huge: copy(buffer, 0, other, 0, 2 ** 53 - 4), row: out({ bytesPerRow: 128 }), texel: out({ bytesPerRow: 256,
    offset: 4 }), noRow: out({}), fewRows: out({ bytesPerRow: 256, rowsPerImage: 3 }),
  behindTexels: out({ bytesPerRow: 1024, offset: 1024 }), clearOffset: clear(buffer, 2, 4),
  clearSize: clear(buffer, 0, 2), clearBehind: clear(buffer, 4096, 4), clearUsage: clear(source),
  samples: image({ texture: texture("rgba8unorm") }, { texture: texture("rgba8unorm",
    { sampleCount: 4, usage: T.COPY_DST | T.RENDER_ATTACHMENT }) }, [4, 4]),
  format: image({ texture: texture("rgba8unorm") }, { texture: texture("rgba8uint") }, [4, 4]),
  outside: image({ texture: texture("r8unorm"), origin: [1, 0] }, { texture: texture("r8unorm") }, [4, 4]),
});
