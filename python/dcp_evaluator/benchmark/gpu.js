// Measures one thing of the GPU: (what, seconds, matrixProduct) => { ... }, or null where the adapter cannot do it.
async (what, seconds, matrixProduct) => {
  const U = GPUBufferUsage;
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) throw new Error("the GPU host gives no adapter");
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const device = await adapter.requestDevice({
    requiredFeatures: adapter.features.has("shader-f16") ? ["shader-f16"] : [],
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
  });
  let uncaptured;
  device.onuncapturederror = ({ error }) => { uncaptured ??= error.message; };
  const buffer = (size, usage) => device.createBuffer({ size, usage });
  const submit = (encode) => {
    const encoder = device.createCommandEncoder();
    encode(encoder);
    device.queue.submit([encoder.finish()]);
  };
  // Milliseconds of each run: the first one is left out, then at least three, until the time is over.
  const times = async (run) => {
    await run();
    const found = [], begun = performance.now();
    do {
      const start = performance.now();
      await run();
      found.push(performance.now() - start);
    } while (found.length < 3 || performance.now() - begun < 1000 * seconds);
    return found.sort((x, y) => x - y);
  };
  const read = async (source, bytes, Type) => {
    const target = buffer(bytes, U.COPY_DST | U.MAP_READ);
    submit((encoder) => encoder.copyBufferToBuffer(source, 0, target, 0, bytes));
    await target.mapAsync(GPUMapMode.READ);
    const values = new Type(target.getMappedRange().slice());
    target.destroy();
    return values;
  };
  const compute = (code, constants, buffers) => {
    const module = device.createShaderModule({ code });
    const pipeline = device.createComputePipeline({ layout: "auto", compute: { module, constants } });
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    return (count, ...groups) => {
      submit((encoder) => {
        const pass = encoder.beginComputePass();
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        for (let i = 0; i < count; i++) pass.dispatchWorkgroups(...groups);
        pass.end();
      });
      return device.queue.onSubmittedWorkDone();
    };
  };

  const measures = {
    async trip() {
      const source = buffer(4, U.COPY_SRC | U.COPY_DST), target = buffer(4, U.MAP_READ | U.COPY_DST);
      let count = 0;
      const found = await times(async () => {
        device.queue.writeBuffer(source, 0, new Uint32Array([++count]));
        submit((encoder) => encoder.copyBufferToBuffer(source, 0, target, 0, 4));
        await target.mapAsync(GPUMapMode.READ);
        if (new Uint32Array(target.getMappedRange())[0] !== count) throw new Error("another value came back");
        target.unmap();
      });
      return { us: 1000 * found[found.length >> 1] };
    },

    async transfer() {
      const data = new Uint8Array(32 << 20).fill(7);
      const gpu = buffer(data.length, U.COPY_SRC | U.COPY_DST), target = buffer(data.length, U.MAP_READ | U.COPY_DST);
      const up = await times(() => {
        device.queue.writeBuffer(gpu, 0, data);
        return device.queue.onSubmittedWorkDone();
      });
      const down = await times(async () => {
        submit((encoder) => encoder.copyBufferToBuffer(gpu, 0, target, 0, data.length));
        await target.mapAsync(GPUMapMode.READ);
        if (new Uint8Array(target.getMappedRange()).at(-1) !== 7) throw new Error("another value came back");
        target.unmap();
      });
      return { up: data.length / up[0] / 1e6, down: data.length / down[0] / 1e6 };
    },

    // Reads one buffer and writes another one, larger than caches where the adapter allows it.
    async memory() {
      const size = Math.min(256 << 20, 2 ** Math.floor(Math.log2(device.limits.maxStorageBufferBindingSize)));
      const from = buffer(size, U.STORAGE | U.COPY_DST), to = buffer(size, U.STORAGE | U.COPY_SRC);
      device.queue.writeBuffer(from, size - 4, new Uint32Array([41]));
      const groups = size / 16 / 256 / 4;
      const run = compute(`
        @group(0) @binding(0) var<storage, read> source: array<vec4u>;
        @group(0) @binding(1) var<storage, read_write> target_: array<vec4u>;
        @compute @workgroup_size(256)
        fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) me: u32) {
          for (var i = 0u; i < 4; i++) {
            let at = (group.x * 4 + i) * 256 + me;
            target_[at] = source[at] + 1;
          }
        }`, {}, [from, to]);
      const found = await times(() => run(1, groups));
      const last = (await read(to, size, Uint32Array)).at(-1);
      from.destroy(), to.destroy();
      if (last !== 42) throw new Error(`the shader computed ${last} instead of 42`);
      return { rate: 2 * size / found[0] / 1e6 };
    },

    f32: () => product("alias real = f32;\n", Float32Array),
    f16: () => device.features.has("shader-f16") ? product("enable f16;\nalias real = f16;\n", Float16Array) : null,
  };

  // The largest matrices whose product takes no more than about a tenth of a second; the result is checked.
  async function product(prefix, Type) {
    const most = Math.min(4096, Math.floor(Math.sqrt(device.limits.maxStorageBufferBindingSize / 4)));
    const some = Type.from({ length: 65521 }, (_, i) => (Math.imul(i ^ (i >>> 7), 0x9e3779b1) >>> 20) % 3 - 1);
    for (let n = 256; ; n *= 2) {
      const values = new Type(n * n), bytes = values.byteLength;
      for (let i = 0; i < values.length; i += some.length) values.set(some.subarray(0, values.length - i), i);
      const a = buffer(bytes, U.STORAGE | U.COPY_DST), b = buffer(bytes, U.STORAGE | U.COPY_DST);
      const c = buffer(bytes, U.STORAGE | U.COPY_SRC);
      device.queue.writeBuffer(a, 0, values);
      device.queue.writeBuffer(b, 0, values);
      const run = compute(prefix + matrixProduct, { n }, [a, b, c]);
      await run(1, n / 64, n / 64);
      const begun = performance.now();
      await run(1, n / 64, n / 64);
      const milliseconds = performance.now() - begun;
      if (milliseconds < 12 && 2 * n <= most) { a.destroy(), b.destroy(), c.destroy(); continue; }
      const count = Math.max(1, Math.round(100 / milliseconds));
      const found = await times(() => run(count, n / 64, n / 64));
      check(values, await read(c, bytes, Type), n);
      return { n, rate: 2 * n ** 3 * count / found[0] / 1e6 };
    }
  }
  // Sums of -1, 0 and 1 are exact in any format while they stay small.
  function check(values, product, n) {
    for (let sample = 0; sample < 64; sample++) {
      const i = (sample * 7919) % n, j = (sample * 104729) % n;
      let sum = 0;
      for (let k = 0; k < n; k++) sum += values[i * n + k] * values[k * n + j];
      if (product[i * n + j] !== sum) throw new Error(`element ${i}, ${j} is ${product[i * n + j]} instead of ${sum}`);
    }
  }
  try {
    const found = await measures[what]();
    if (uncaptured) throw new Error(uncaptured);
    return found;
  } catch (error) {
    throw uncaptured ? new Error(uncaptured) : error;
  }
}
