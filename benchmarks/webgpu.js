// One program for both runtimes: prints the medians of a few WebGPU costs as JSON.
const deno = "Deno" in globalThis;
const U = GPUBufferUsage;
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
async function milliseconds(rounds, run) {
  const times = [];
  for (let i = 0; i < rounds; i++) {
    const begun = performance.now();
    await run(i);
    times.push(performance.now() - begun);
  }
  return median(times);
}

async function roundTrip(device) {
  const source = device.createBuffer({ size: 4, usage: U.COPY_SRC | U.COPY_DST });
  const target = device.createBuffer({ size: 4, usage: U.MAP_READ | U.COPY_DST });
  return milliseconds(deno ? 100 : 1000, async (i) => {
    device.queue.writeBuffer(source, 0, new Uint32Array([i]));
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(source, 0, target, 0, 4);
    device.queue.submit([encoder.finish()]);
    await target.mapAsync(GPUMapMode.READ);
    if (new Uint32Array(target.getMappedRange())[0] !== i) throw new Error("wrong value");
    target.unmap();
  });
}

async function transfers(device) {
  const data = new Uint8Array(64 << 20).fill(7);
  const buffer = device.createBuffer({ size: data.length, usage: U.COPY_DST | U.COPY_SRC });
  const target = device.createBuffer({ size: data.length, usage: U.COPY_DST | U.MAP_READ });
  const write = await milliseconds(7, async () => {
    device.queue.writeBuffer(buffer, 0, data);
    await device.queue.onSubmittedWorkDone();
  });
  const read = await milliseconds(7, async () => {
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, target, 0, data.length);
    device.queue.submit([encoder.finish()]);
    await target.mapAsync(GPUMapMode.READ);
    if (new Uint8Array(target.getMappedRange()).at(-1) !== 7) throw new Error("wrong value");
    target.unmap();
  });
  return { write: data.length / write / 1e6, read: data.length / read / 1e6 };
}

async function creation(device) {
  const layout = device.createBindGroupLayout({
    entries: [{ binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: "storage" } }],
  });
  const count = 2000;
  const whole = await milliseconds(5, () => {
    for (let i = 0; i < count; i++) {
      const buffer = device.createBuffer({ size: 256, usage: U.STORAGE });
      device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer } }] });
    }
  });
  return whole * 1000 / count;
}

async function encoding(device) {
  const code = `@group(0) @binding(0) var<storage, read_write> x: array<u32>;
    @compute @workgroup_size(1) fn main() { x[0] = 1u; }`;
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
  const buffer = device.createBuffer({ size: 256, usage: U.STORAGE });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }],
  });
  const count = 20000;
  const encode = [], complete = [];
  for (let round = 0; round < 5; round++) {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    const begun = performance.now();
    for (let i = 0; i < count; i++) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(0);
    }
    encode.push(performance.now() - begun);
    pass.end();
    encoder.finish();
    await device.queue.onSubmittedWorkDone();
    complete.push(performance.now() - begun);
  }
  return { encode: median(encode) * 1000 / count, complete: median(complete) * 1000 / count };
}

(async () => {
  const adapter = await navigator.gpu.requestAdapter();
  const device = await adapter.requestDevice();
  const trip = await roundTrip(device);
  const { write, read } = await transfers(device);
  const create = await creation(device);
  return { trip, write, read, create, ...await encoding(device) };
})().then((costs) => (deno ? console.log : print)(JSON.stringify(costs)));
