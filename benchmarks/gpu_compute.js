// async ({ what, n, rounds, matrixProduct }) => ({ value, milliseconds }): one GPU computation, whose result is the value.
// Runs in sandboxes and in the programs that they are compared with. null: the adapter cannot do it.
async ({ what, n, rounds, matrixProduct }) => {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return { value: "no adapter", milliseconds: [1] };
  const f16 = adapter.features.has("shader-f16");
  const device = await adapter.requestDevice({ requiredFeatures: f16 ? ["shader-f16"] : [] });
  const U = GPUBufferUsage;
  const filled = (values, usage) => {
    const buffer = device.createBuffer({ size: values.byteLength, usage: usage | U.COPY_DST });
    device.queue.writeBuffer(buffer, 0, values);
    return buffer;
  };
  const empty = (size) => device.createBuffer({ size, usage: U.STORAGE | U.COPY_SRC | U.COPY_DST });
  const read = async (source, size, Type) => {
    const target = device.createBuffer({ size, usage: U.COPY_DST | U.MAP_READ });
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(source, 0, target, 0, size);
    device.queue.submit([encoder.finish()]);
    await target.mapAsync(GPUMapMode.READ);
    return new Type(target.getMappedRange().slice(0));
  };
  const prepare = (code, constants, buffers) => {
    const module = device.createShaderModule({ code });
    const pipeline = device.createComputePipeline({
      layout: "auto", compute: { module, entryPoint: "main", constants },
    });
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    return (pass, ...groups) => {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...groups);
    };
  };
  const time = async (encode, after = () => device.queue.onSubmittedWorkDone()) => {
    const milliseconds = [];
    for (let round = -1; round < rounds; round++) {
      const begun = performance.now();
      const encoder = device.createCommandEncoder(), pass = encoder.beginComputePass();
      encode(pass);
      pass.end();
      device.queue.submit([encoder.finish()]);
      await after();
      if (round >= 0) milliseconds.push(performance.now() - begun);
    }
    return milliseconds;
  };

  const computations = {
    f32: () => product("alias real = f32;\n", Float32Array),
    f16: () => f16 ? product("enable f16;\nalias real = f16;\n", Uint16Array, [0xbc00, 0, 0x3c00]) : null,

    // Sum of n numbers: a tree in each workgroup, then one workgroup over their sums.
    async reduction() {
      const data = filled(Uint32Array.from({ length: n }, (_, i) => i % 11), U.STORAGE), sums = empty(1024), sum = empty(4);
      const code = `
        @group(0) @binding(0) var<storage, read> data: array<u32>;
        @group(0) @binding(1) var<storage, read_write> sums: array<u32>;
        var<workgroup> part: array<u32, 256>;
        @compute @workgroup_size(256) fn main(@builtin(local_invocation_index) me: u32,
            @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
          var sum = 0u;
          for (var i = group.x * 256 + me; i < arrayLength(&data); i += groups.x * 256) { sum += data[i]; }
          part[me] = sum;
          for (var half = 128u; half > 0; half /= 2) {
            workgroupBarrier();
            if (me < half) { part[me] += part[me + half]; }
          }
          if (me == 0) { sums[group.x] = part[0]; }
        }`;
      const first = prepare(code, {}, [data, sums]), second = prepare(code, {}, [sums, sum]);
      const milliseconds = await time((pass) => { first(pass, 256); second(pass, 1); });
      return { value: (await read(sum, 4, Uint32Array))[0], milliseconds };
    },

    // 15 x 15 weights over an n x n picture of integers, from storage buffers.
    async convolution() {
      const picture = filled(Int32Array.from({ length: n * n }, (_, i) => (i * 7919) % 255), U.STORAGE);
      const weights = filled(Int32Array.from({ length: 225 }, (_, i) => i % 5), U.STORAGE), result = empty(4 * n * n);
      const run = prepare(`
        override n: i32 = 16;
        @group(0) @binding(0) var<storage, read> picture: array<i32>;
        @group(0) @binding(1) var<storage, read> weights: array<i32>;
        @group(0) @binding(2) var<storage, read_write> result: array<i32>;
        @compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
          let at = vec2i(id.xy);
          var sum = 0;
          for (var y = -7; y <= 7; y++) {
            for (var x = -7; x <= 7; x++) {
              let from_ = clamp(at + vec2i(x, y), vec2i(0), vec2i(n - 1));
              sum += picture[from_.y * n + from_.x] * weights[(y + 7) * 15 + x + 7];
            }
          }
          result[at.y * n + at.x] = sum;
        }`, { n }, [picture, weights, result]);
      const milliseconds = await time((pass) => run(pass, n / 8, n / 8));
      return { value: (await read(result, 4 * n * n, Int32Array)).reduce((sum, x) => (sum + x) | 0, 0), milliseconds };
    },

    // One step of n bodies, each with all others, through tiles in workgroup memory.
    async nbody() {
      const bodies = filled(Float32Array.from({ length: 4 * n }, (_, i) => ((i * 7919) % 1009) / 1009), U.STORAGE);
      const forces = empty(16 * n);
      const run = prepare(`
        @group(0) @binding(0) var<storage, read> bodies: array<vec4f>;
        @group(0) @binding(1) var<storage, read_write> forces: array<vec4f>;
        var<workgroup> tile: array<vec4f, 64>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u,
            @builtin(local_invocation_index) me: u32) {
          let mine = bodies[id.x];
          var force = vec3f();
          for (var start = 0u; start < arrayLength(&bodies); start += 64) {
            tile[me] = bodies[start + me];
            workgroupBarrier();
            for (var j = 0u; j < 64; j++) {
              let away = tile[j].xyz - mine.xyz;
              let inverse = inverseSqrt(dot(away, away) + 0.01);
              force += away * (tile[j].w * inverse * inverse * inverse);
            }
            workgroupBarrier();
          }
          forces[id.x] = vec4f(force, 0);
        }`, {}, [bodies, forces]);
      const milliseconds = await time((pass) => run(pass, n / 64));
      const found = await read(forces, 16 * n, Float32Array);
      return { value: Math.round(found.reduce((sum, x) => sum + Math.abs(x), 0) / n), milliseconds };
    },

    // A shader that no cache has seen, from its text to the end of its first run; then the same text again.
    async pipeline() {
      const target = empty(4), cold = [], cached = [];
      for (let round = 0; round < rounds; round++) {
        const code = `@group(0) @binding(0) var<storage, read_write> x: array<u32>;
          @compute @workgroup_size(1) fn main() {
            for (var i = 0u; i < ${1000 + Math.floor(1e6 * Math.random())}u; i++) { x[0] = x[0] * 3u + (i ^ 5u); }
            x[0] = 1u;
          }`.replace("i++", "i += 900u");
        for (const times of [cold, cached]) {
          const begun = performance.now();
          const run = prepare(code, {}, [target]);
          const encoder = device.createCommandEncoder(), pass = encoder.beginComputePass();
          run(pass, 1);
          pass.end();
          device.queue.submit([encoder.finish()]);
          await device.queue.onSubmittedWorkDone();
          times.push(performance.now() - begun);
        }
      }
      return { value: (await read(target, 4, Uint32Array))[0], milliseconds: n ? cached : cold };
    },
  };

  // Entries of -1, 0 and 1, as `coded`: their sums are exact in each format.
  async function product(prefix, Type, coded = [-1, 0, 1]) {
    const values = Type.from({ length: n * n }, (_, i) => coded[(Math.imul(i ^ (i >>> 7), 0x9e3779b1) >>> 20) % 3]);
    const a = filled(values, U.STORAGE), b = filled(values, U.STORAGE), c = empty(values.byteLength);
    const run = prepare(prefix + matrixProduct, { n }, [a, b, c]);
    const milliseconds = await time((pass) => run(pass, n / 64, n / 64));
    return { value: (await read(c, values.byteLength, Type)).reduce((sum, x) => sum + x, 0), milliseconds };
  }
  return (await computations[what]()) ?? { value: "missing", milliseconds: [1] };
}
