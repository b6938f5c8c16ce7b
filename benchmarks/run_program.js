// async (inputs) => ({ value, milliseconds }): runs a program of gpu_programs.py, in sandboxes and in the programs that
// they are compared with.
async ({ program, rounds, measure, ...data }) => {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return { value: "no adapter", milliseconds: [1] };
  const { buffers: described, dispatches, result } = JSON.parse(program);
  const f16 = dispatches.some(({ code }) => code.includes("enable f16"));
  if (f16 && !adapter.features.has("shader-f16")) return { value: "missing", milliseconds: [1] };
  const device = await adapter.requestDevice({ requiredFeatures: f16 ? ["shader-f16"] : [] });
  const { queue } = device, U = GPUBufferUsage;
  const buffers = described.map(({ size, data: name }) => {
    const buffer = device.createBuffer({ size, usage: U.STORAGE | U.COPY_SRC | U.COPY_DST });
    if (name) queue.writeBuffer(buffer, 0, data[name]);
    return buffer;
  });
  const submit = (encode) => {
    const encoder = device.createCommandEncoder();
    encode(encoder);
    queue.submit([encoder.finish()]);
  };

  const prepare = ({ code, constants, buffers: bound, groups }) => {
    const module = device.createShaderModule({ code });
    const pipeline = device.createComputePipeline({
      layout: "auto", compute: { module, entryPoint: "main", constants },
    });
    const entries = bound.map((index, binding) => ({ binding, resource: { buffer: buffers[index] } }));
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    return (pass) => {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...groups);
    };
  };
  const run = (steps) => {
    submit((encoder) => {
      const pass = encoder.beginComputePass();
      for (const step of steps) step(pass);
      pass.end();
    });
    return queue.onSubmittedWorkDone();
  };
  const times = async (round) => {
    const milliseconds = [];
    for (let i = -1; i < rounds; i++) {
      const begun = performance.now();
      await round(i);
      if (i >= 0) milliseconds.push(performance.now() - begun);
    }
    return milliseconds;
  };
  const copied = async (from, to, size, read) => {
    submit((encoder) => encoder.copyBufferToBuffer(from, 0, to, 0, size));
    await to.mapAsync(GPUMapMode.READ);
    const value = read(to.getMappedRange());
    to.unmap();
    return value;
  };
  const target = device.createBuffer({ size: described[0].size, usage: U.COPY_DST | U.MAP_READ });

  const measures = {
    async run() {
      const steps = dispatches.map(prepare);
      return times(() => run(steps));
    },
    async new() {
      const unseen = [], seen = [];
      for (let round = 0; round < rounds; round++) {
        const [{ code, ...rest }] = dispatches;
        const seeded = code.replaceAll("SEED", 1000 + Math.floor(1e6 * Math.random()));
        for (const found of [unseen, seen]) {
          const begun = performance.now();
          await run([prepare({ code: seeded, ...rest })]);
          found.push(performance.now() - begun);
        }
      }
      return measure === "new" ? unseen : seen;
    },
    seen: () => measures.new(),
    trip: () => times(async (i) => {
      queue.writeBuffer(buffers[0], 0, new Uint32Array([i]));
      const value = await copied(buffers[0], target, 4, (range) => new Int32Array(range)[0]);
      if (value !== i) throw new Error(`${value} came back instead of ${i}`);
    }),
    upload() {
      const bytes = new Uint8Array(described[0].size).fill(7);
      return times(() => {
        queue.writeBuffer(buffers[0], 0, bytes);
        queue.submit([]);  // else some leave the write until there is one
        return queue.onSubmittedWorkDone();
      });
    },
    async readback() {
      const { size } = described[0];
      queue.writeBuffer(buffers[0], 0, new Uint8Array(size).fill(7));
      return times(async () => {
        const last = await copied(buffers[0], target, size, (range) => new Uint8Array(range).at(-1));
        if (last !== 7) throw new Error(`${last} came back instead of 7`);
      });
    },
  };
  const milliseconds = await measures[measure]();
  if (!dispatches.length) return { value: described[0].size, milliseconds };
  const Type = { u32: Uint32Array, i32: Int32Array, u16: Uint16Array, f32: Float32Array }[result.type];
  const whole = device.createBuffer({ size: result.size, usage: U.COPY_DST | U.MAP_READ });
  const values = await copied(buffers[result.buffer], whole, result.size, (range) => new Type(range.slice(0)));
  const value = result.type === "f32"
    ? Number(values.reduce((sum, x) => sum + Math.abs(x), 0).toPrecision(4))
    : values.reduce((sum, x) => (sum + x) | 0, 0);
  return { value, milliseconds };
}
