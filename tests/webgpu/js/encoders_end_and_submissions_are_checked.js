const device = await newDevice();
const pipeline = device.createComputePipeline({
  layout: "auto", compute: { module: device.createShaderModule({ code: DOUBLE }) } });
const data = storage(device, new Float32Array([1, 2, 3, 4]));
const encoder = device.createCommandEncoder();
const pass = encoder.beginComputePass();
pass.end();
const errors = {
  endTwice: () => pass.end(),
  dispatchAfterEnd: () => pass.dispatchWorkgroups(1),
};
const commands = encoder.finish();
errors.finishTwice = () => encoder.finish();
errors.passAfterFinish = () => encoder.beginComputePass();
errors.copyAfterFinish = () => encoder.copyBufferToBuffer(data, data, 4);
errors.openPass = () => {
  const open = device.createCommandEncoder();
  open.beginComputePass();
  open.finish();
};
errors.outside = () => {
  const copy = device.createCommandEncoder();
  copy.copyBufferToBuffer(data, 100, data, 0, 8);
  device.queue.submit([copy.finish()]);
};
device.queue.submit([commands]);
errors.submitTwice = () => device.queue.submit([commands]);
errors.sameTwice = () => {
  const one = device.createCommandEncoder().finish();
  device.queue.submit([one, one]);
};
const used = encodeDouble(device, pipeline, data);
data.destroy();
errors.destroyed = () => device.queue.submit([used]);
const other = await newDevice();
errors.otherDevice = () => device.queue.submit([other.createCommandEncoder().finish()]);
const mapped = device.createBuffer({ size: 16, usage: U.COPY_SRC | U.COPY_DST, mappedAtCreation: true });
errors.mapped = () => {
  const copy = device.createCommandEncoder();
  copy.clearBuffer(mapped);
  device.queue.submit([copy.finish()]);
};
results.errors = {};
for (const name in errors) results.errors[name] = (await errorOf(device, errors[name]))?.slice(0, 18) ?? null;
results.alive = await errorOf(device, () => device.queue.submit([]));
