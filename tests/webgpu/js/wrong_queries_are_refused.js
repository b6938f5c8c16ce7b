const device = await newDevice();
const texture = canvas(device);
const querySet = set(device, "occlusion");
const drawn = (draw) => () => paint(device, texture, draw, { occlusionQuerySet: querySet });
const buffer = device.createBuffer({ size: 256, usage: U.QUERY_RESOLVE });
const resolve = (...args) => () => {
  const encoder = device.createCommandEncoder();
  encoder.resolveQuerySet(...args);
  device.queue.submit([encoder.finish()]);
};
const begin = (...indices) => (pass) => { for (const index of indices) pass.beginOcclusionQuery(index); };
const whole = (...indices) => (pass) => { for (const index of indices) { pass.beginOcclusionQuery(index);
  pass.endOcclusionQuery(); } };
const timed = { timestampWrites: { querySet, beginningOfPassWriteIndex: 0 } };
const destroyed = set(device, "occlusion");
destroyed.destroy();
destroyed.destroy();
results.wrong = await errors(device, {
  many: () => set(device, "occlusion", 5000),
  far: drawn(whole(9)), noSet: () => paint(device, texture, whole(0)), twice: drawn(whole(0, 0)),
    nested: drawn(begin(0, 1)), open: drawn(begin(0)),
  end: drawn((pass) => pass.endOcclusionQuery()), outside: resolve(querySet, 3, 4, buffer, 0),
  most: resolve(querySet, 4294967295, 4294967295, buffer, 0), odd: resolve(querySet, 0, 1, buffer, 8),
  huge: resolve(querySet, 0, 1, buffer, 2 ** 50), destroyed: resolve(destroyed, 0, 1, buffer, 0),
  writes: () => paint(device, texture, () => {}, timed), compute: () => {
    const encoder = device.createCommandEncoder(); encoder.beginComputePass(timed).end(); encoder.finish(); },
});
const timing = await newDevice({ requiredFeatures: ["timestamp-query"] });
const stamps = set(timing, "timestamp");
const written = (writes) => () => paint(timing, canvas(timing), () => {},
  { timestampWrites: { querySet: stamps, ...writes } });
results.timing = await errors(timing, {
  same: written({ beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 0 }), neither: written({}),
    far: written({ endOfPassWriteIndex: 4 }),
  most: written({ endOfPassWriteIndex: 4294967295 }),
  kind: () => paint(timing, canvas(timing), whole(0), { occlusionQuerySet: stamps }),
});
results.types = [() => set(device, "statistics"), () => set(device, "timestamp"),
                 () => device.createQuerySet({ type: "occlusion" }),
                 () => paint(device, texture, () => {}, { timestampWrites: {} })].map(thrown);
