// async ({ what, ...inputs }) => what the program found: the programs that speed.py and faults.py run in sandboxes.
// Results come back whole, and Python compares them with numpy's.
async ({ what, ...inputs }) => {
  const U = GPUBufferUsage;
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) throw new Error("the GPU host gives no adapter");
  const requiredFeatures = adapter.features.has("shader-f16") ? ["shader-f16"] : [];
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const requiredLimits = { maxBufferSize, maxStorageBufferBindingSize };
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
  let uncaptured;
  device.onuncapturederror = (event) => { event.preventDefault(); uncaptured ??= event.error.message; };
  const { queue } = device;
  const buffer = (size, usage) => device.createBuffer({ size, usage });
  const filled = (values) => {
    const made = buffer(values.byteLength, U.STORAGE | U.COPY_DST);
    queue.writeBuffer(made, 0, values);
    return made;
  };
  const submit = (encode) => {
    const encoder = device.createCommandEncoder();
    encode(encoder);
    queue.submit([encoder.finish()]);
  };
  const read = async (source, Type) => {
    const target = buffer(source.size, U.COPY_DST | U.MAP_READ);
    submit((encoder) => encoder.copyBufferToBuffer(source, 0, target, 0, source.size));
    await target.mapAsync(GPUMapMode.READ);
    const values = new Type(target.getMappedRange().slice());
    target.destroy();
    return values;
  };
  const timed = async (run) => {
    const begun = performance.now();
    await run();
    return performance.now() - begun;
  };
  // (count, groups): submits that many dispatches at once.
  const compute = (code, constants, buffers) => {
    const module = device.createShaderModule({ code });
    const pipeline = device.createComputePipeline({ layout: "auto", compute: { module, constants } });
    const entries = buffers.map((bound, binding) => ({ binding, resource: { buffer: bound } }));
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    return (count, groups) => submit((encoder) => {
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      for (let i = 0; i < count; i++) pass.dispatchWorkgroups(...groups);
      pass.end();
    });
  };

  // Each invocation of a workgroup of 64 takes `rounds` steps of xorshift; all workgroups compute the same.
  const spinner = (rounds) => {
    const seeds = filled(Uint32Array.from({ length: 64 }, (_, i) => i + 1));
    const found = buffer(65 * 4, U.STORAGE | U.COPY_SRC);
    const run = compute(`
      struct Found { values: array<u32, 64>, groups: atomic<u32> }
      @group(0) @binding(0) var<storage, read> seeds: array<u32>;
      @group(0) @binding(1) var<storage, read_write> found: Found;
      override rounds: u32 = 1;
      @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) me: u32) {
        var x = seeds[me];
        for (var i = 0u; i < rounds; i++) { x ^= x << 13u; x ^= x >> 17u; x ^= x << 5u; }
        found.values[me] = x;
        if (me == 0) { atomicAdd(&found.groups, 1u); }
      }`, { rounds }, [seeds, found]);
    return { found, run: (groups) => run(1, groups) };
  };
  // Null where `done` is fulfilled, else why the device was lost. Promises of a lost device are rejected.
  const lossOr = (done) => {
    const lost = device.lost.then(({ reason, message }) => ({ reason, message }));
    return Promise.race([lost, done.then(() => null, () => lost)]);
  };

  const programs = {
    info: () => ({ device: adapter.info.device, f16: adapter.features.has("shader-f16"),
      most: Math.floor(Math.sqrt(maxStorageBufferBindingSize / 4)) }),

    // Times of submissions of `count` products each, until `seconds` are over, and the product.
    async product({ a, b, n, code, count, seconds, begins }) {
      const c = buffer(a.byteLength, U.STORAGE | U.COPY_SRC);
      const multiply = compute(code, { n }, [filled(a), filled(b), c]);
      const run = () => timed(() => { multiply(count, [n / 64, n / 64]); return queue.onSubmittedWorkDone(); });
      await run();
      if (begins) work.emit("begins", null);
      const milliseconds = [], begun = performance.now();
      do milliseconds.push(await run());
      while (performance.now() - begun < 1000 * seconds);
      return { milliseconds, c: await read(c, a.constructor) };
    },

    async transfer({ bytes, rounds }) {
      const gpu = buffer(bytes.byteLength, U.COPY_SRC | U.COPY_DST);
      const target = buffer(bytes.byteLength, U.MAP_READ | U.COPY_DST);
      const up = [], down = [];
      let back;
      for (let i = 0; i < rounds; i++) {
        bytes[0] = i;
        up.push(await timed(() => {
          queue.writeBuffer(gpu, 0, bytes);
          queue.submit([]);
          return queue.onSubmittedWorkDone();
        }));
        down.push(await timed(async () => {
          submit((encoder) => encoder.copyBufferToBuffer(gpu, 0, target, 0, bytes.byteLength));
          await target.mapAsync(GPUMapMode.READ);
          if (i + 1 === rounds) back = new Uint8Array(target.getMappedRange().slice());
          target.unmap();
        }));
      }
      return { up, down, back };
    },

    async trip({ rounds }) {
      const source = buffer(4, U.COPY_SRC | U.COPY_DST), target = buffer(4, U.MAP_READ | U.COPY_DST);
      const milliseconds = [], values = new Uint32Array(rounds);
      for (let i = 0; i < rounds; i++) {
        milliseconds.push(await timed(async () => {
          queue.writeBuffer(source, 0, new Uint32Array([i * 7919]));
          submit((encoder) => encoder.copyBufferToBuffer(source, 0, target, 0, 4));
          await target.mapAsync(GPUMapMode.READ);
          [values[i]] = new Uint32Array(target.getMappedRange());
          target.unmap();
        }));
      }
      return { milliseconds, values };
    },

    // `lost`: why the device was lost, else null, and then `values`.
    async spin({ groups, rounds }) {
      const { found, run } = spinner(rounds);
      let lost;
      const milliseconds = await timed(async () => {
        run(groups);
        lost = await lossOr(queue.onSubmittedWorkDone());
      });
      return { milliseconds, lost, values: lost ? null : await read(found, Uint32Array) };
    },

    // Loses its device in the middle of a submission; then another device computes.
    async survive({ groups, rounds }) {
      spinner(rounds).run(groups);
      const waiting = queue.onSubmittedWorkDone();
      waiting.catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 300));
      work.emit("begins", null);
      const lost = await lossOr(waiting) ?? { reason: "the submission was done", message: "nothing" };
      const begun = performance.now();
      const again = await (await navigator.gpu.requestAdapter()).requestDevice();
      const made = again.createBuffer({ size: 64, usage: U.COPY_SRC | U.COPY_DST });
      const target = again.createBuffer({ size: 64, usage: U.MAP_READ | U.COPY_DST });
      again.queue.writeBuffer(made, 0, Uint32Array.from({ length: 16 }, (_, i) => i * i));
      const encoder = again.createCommandEncoder();
      encoder.copyBufferToBuffer(made, 0, target, 0, 64);
      again.queue.submit([encoder.finish()]);
      await target.mapAsync(GPUMapMode.READ);
      const values = new Uint32Array(target.getMappedRange().slice());
      return { lost, values, milliseconds: performance.now() - begun };
    },

    // Buffers of `size` bytes until one is refused; `most` at the most.
    async fill({ size, most }) {
      const kept = [];
      for (let i = 0; i < most; i++) {
        device.pushErrorScope("out-of-memory");
        const made = buffer(size, U.STORAGE | U.COPY_DST | U.COPY_SRC);
        const error = await device.popErrorScope();
        if (error !== null) return { made: kept.length, error: error.message };
        queue.writeBuffer(made, 0, new Uint32Array([i]));
        kept.push(made);
      }
      await queue.onSubmittedWorkDone();
      return { made: kept.length, error: null };
    },
  };
  const found = await programs[what](inputs);
  if (uncaptured) throw new Error(uncaptured);
  return found;
}
