const device = await newDevice();
const code = `
  struct Places { at: array<u32, 8> }
  @group(0) @binding(0) var<storage, read> places: Places;
  @group(0) @binding(1) var<storage, read_write> part: array<u32>;
  @group(0) @binding(2) var<storage, read_write> seen: array<u32>;
  @compute @workgroup_size(8) fn main(@builtin(local_invocation_index) i: u32) {
    seen[i] = part[places.at[i]];
    part[places.at[i]] = 0xBADu;
  }`;
const pipeline = device.createComputePipeline({
  layout: "auto", compute: { module: device.createShaderModule({ code }) },
});
const secret = 0x5EC2E7;
const around = Array.from({ length: 64 }, () => storage(device, new Uint32Array(64).fill(secret)));
const bound = storage(device, new Uint32Array(192).fill(secret)); // only its middle, which is zero, is bound
device.queue.writeBuffer(bound, 256, new Uint32Array(64));
const places = storage(device, Uint32Array.from([64, 100, 128, 1000, 16384, 2 ** 24, 2 ** 30, 2 ** 32 - 1]));
const seen = storage(device, new Uint32Array(8));
const group = device.createBindGroup({
  layout: pipeline.getBindGroupLayout(0),
  entries: [
    { binding: 0, resource: { buffer: places } },
    { binding: 1, resource: { buffer: bound, offset: 256, size: 256 } },
    { binding: 2, resource: { buffer: seen } },
  ],
});
const encoder = device.createCommandEncoder();
const pass = encoder.beginComputePass();
pass.setPipeline(pipeline); pass.setBindGroup(0, group); pass.dispatchWorkgroups(1); pass.end();
results.error = await errorOf(device, () => device.queue.submit([encoder.finish()]));
const untouched = (values) => values.every((value) => value === secret);
const contents = await Promise.all(around.map((buffer) => read(device, buffer, Uint32Array)));
results.around = contents.every(untouched);
const whole = await read(device, bound, Uint32Array);
results.rest = untouched(whole.slice(0, 64)) && untouched(whole.slice(128));
results.seen = (await read(device, seen, Uint32Array)).some((value) => value === secret);
