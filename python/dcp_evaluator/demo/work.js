// The work function: decodes one band of the picture with WebAssembly, filters it on the GPU or in JavaScript.
// band: { packed: Uint8Array, rows }; task: { wasm, wgsl, weights, width, mostRows, gpu }.
async function filterBand(band, task) {
  const { width, weights } = task;
  const radius = (weights.length - 1) / 2;

  // What the next slice in this sandbox uses again.
  const tools = (globalThis.tools ??= await setUp());
  const pixels = decode(band.packed, band.rows + 2 * radius);
  progress(0.3);
  const filtered = tools.gpu ? await filterOnGpu(pixels) : filterInJavaScript(pixels);
  progress(1);
  return filtered;

  async function setUp() {
    const { instance } = await WebAssembly.instantiate(task.wasm);
    const adapter = task.gpu ? await navigator.gpu?.requestAdapter() : null;
    const gpu = adapter ? await setUpGpu(await adapter.requestDevice()) : null;
    const name = adapter ? adapter.info.description || adapter.info.device || "unnamed adapter" : null;
    work.emit("adapter", name);
    console.log(`a sandbox is set up; it filters ${name ? `on ${name}` : "in JavaScript"}`);
    return { decoder: instance.exports, gpu };
  }

  // The pixels as a view of the module's memory: [packed bytes, padded to 4][rows * width float32].
  function decode(packed, rows) {
    const { memory, decode: unpack } = tools.decoder;
    const target = (packed.byteLength + 3) & ~3;
    const missing = target + rows * width * 4 - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65536));
    new Uint8Array(memory.buffer).set(packed);
    const end = unpack(0, target, rows, width);
    if (end !== packed.byteLength) throw new RangeError(`the band has ${packed.byteLength} bytes, decoding took ${end}`);
    return new Float32Array(memory.buffer, target, rows * width);
  }

  async function setUpGpu(device) {
    const bytes = (task.mostRows + 2 * radius) * width * 4;
    const { STORAGE, UNIFORM, COPY_DST, COPY_SRC, MAP_READ } = GPUBufferUsage;
    const buffer = (size, usage) => device.createBuffer({ size, usage });
    const gpu = {
      device,
      shape: buffer(16, UNIFORM | COPY_DST),
      weights: buffer(weights.byteLength, STORAGE | COPY_DST),
      source: buffer(bytes, STORAGE | COPY_DST),
      between: buffer(bytes, STORAGE),
      target: buffer(bytes, STORAGE | COPY_SRC),
      readback: buffer(bytes, MAP_READ | COPY_DST),
    };
    device.queue.writeBuffer(gpu.weights, 0, weights);

    const types = ["uniform", "read-only-storage", "read-only-storage", "storage"];
    const groupLayout = device.createBindGroupLayout({
      entries: types.map((type, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } })),
    });
    const layout = device.createPipelineLayout({ bindGroupLayouts: [groupLayout] });
    const module = device.createShaderModule({ code: task.wgsl });
    const pass = async (entryPoint, from, to) => ({
      pipeline: await device.createComputePipelineAsync({ layout, compute: { module, entryPoint } }),
      group: device.createBindGroup({
        layout: groupLayout,
        entries: [gpu.shape, gpu.weights, from, to].map((buffer, binding) => ({ binding, resource: { buffer } })),
      }),
    });
    gpu.alongX = await pass("along_x", gpu.source, gpu.between);
    gpu.alongY = await pass("along_y", gpu.between, gpu.target);
    return gpu;
  }

  async function filterOnGpu(pixels) {
    const { device, shape, source, target, readback, alongX, alongY } = tools.gpu;
    const bytes = band.rows * width * 4;
    device.queue.writeBuffer(shape, 0, new Uint32Array([width, band.rows, radius, 0]));
    device.queue.writeBuffer(source, 0, pixels);
    const encoder = device.createCommandEncoder();
    for (const [step, rows] of [[alongX, band.rows + 2 * radius], [alongY, band.rows]]) {
      const pass = encoder.beginComputePass();
      pass.setPipeline(step.pipeline);
      pass.setBindGroup(0, step.group);
      pass.dispatchWorkgroups(Math.ceil(width / 64), rows);
      pass.end();
    }
    encoder.copyBufferToBuffer(target, 0, readback, 0, bytes);
    device.queue.submit([encoder.finish()]);
    await readback.mapAsync(GPUMapMode.READ, 0, bytes);
    const filtered = new Float32Array(readback.getMappedRange(0, bytes)).slice();
    readback.unmap();
    return filtered;
  }

  function filterInJavaScript(pixels) {
    const between = new Float32Array(pixels.length);
    const line = new Float32Array(width + 2 * radius);
    for (let start = 0; start < pixels.length; start += width) {
      line.fill(pixels[start], 0, radius);
      line.set(pixels.subarray(start, start + width), radius);
      line.fill(pixels[start + width - 1], radius + width);
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k] * line[x + k];
        between[start + x] = sum;
      }
    }
    const filtered = new Float32Array(band.rows * width);
    for (let i = 0; i < filtered.length; i++) {
      let sum = 0;
      for (let k = 0, at = i; k < weights.length; k++, at += width) sum += weights[k] * between[at];
      filtered[i] = sum;
    }
    return filtered;
  }
}
