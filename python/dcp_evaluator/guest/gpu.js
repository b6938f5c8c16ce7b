// Runs compute shaders over arrays: the work function of dcp.gpu_map(), and what dcp.gpu.run() calls (gpu_program.py).
// program: { code, name, features, constants, entryPoints, variables: [{ group, binding, type }], outputs, fixed,
// datum }; fixed: [variable, data] for what is the same in all calls.
// call: { sizes, data, workgroups }: of each variable its bytes and what it begins as, null or undefined for zeros;
// [x, y, z] for each entry point. Rows of one array come without a call of their own: `common` is that of all, but for
// the datum, which is for the variable `datum`.
// Returns a Uint8Array for each of the outputs.

const devices = new Map(); // by features: promise of { device, programs, free }; free: buffers for the next call

const LIMITS = [
  "maxBufferSize", "maxStorageBufferBindingSize", "maxUniformBufferBindingSize", "maxStorageBuffersPerShaderStage",
  "maxUniformBuffersPerShaderStage", "maxComputeWorkgroupStorageSize", "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX", "maxComputeWorkgroupSizeY", "maxComputeWorkgroupSizeZ",
];
const FILTERS = ["validation", "out-of-memory", "internal"];
const READ = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
const USAGES = {
  uniform: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  "read-only-storage": GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
  storage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
};

async function runOnGpu(datum, program, common) {
  const call = common ? { ...common, data: common.data.with(program.datum, datum) } : datum;
  const gpu = await open(program.features);
  if (!gpu.programs.has(program)) gpu.programs.set(program, compile(gpu.device, program));
  const compiled = await gpu.programs.get(program);
  const used = [];
  try {
    const results = await compute(gpu.device, program, compiled, call, (size, usage) => {
      used.push(takeBuffer(gpu, size, usage));
      return used.at(-1);
    });
    gpu.free.push(...used);
    return results;
  } catch (error) {
    for (const buffer of [...used, ...compiled.fixed.values()]) buffer.destroy();
    compiled.fixed.clear();
    throw error;
  }
}

/** One of those that wait; where there is none of that kind, they go to make room for it. */
function takeBuffer({ device, free }, size, usage) {
  const at = free.findIndex((buffer) => buffer.size === size && buffer.usage === usage);
  if (at >= 0) return free.splice(at, 1)[0];
  for (const buffer of free.splice(0)) buffer.destroy();
  return device.createBuffer({ size, usage });
}

async function compute(device, program, compiled, call, take) {
  const { readings, mappings } = await guarded(device, () => {
    const readings = submit(device, program, compiled, call, take);
    return { readings, mappings: Promise.allSettled(readings.map((buffer) => buffer.mapAsync(GPUMapMode.READ))) };
  });
  const failed = (await mappings).find(({ status }) => status === "rejected");
  if (failed) throw await lossOf(device) ?? failed.reason;
  const results = readings.map((buffer) => new Uint8Array(buffer.getMappedRange()).slice());
  for (const buffer of readings) buffer.unmap();
  return results;
}

/** What body() returns; throws the first error that its commands bring about. */
async function guarded(device, body) {
  for (const filter of FILTERS) device.pushErrorScope(filter);
  let result, scopes;
  try {
    result = body();
  } finally {
    scopes = FILTERS.map(() => device.popErrorScope());
  }
  const error = (await Promise.all(scopes)).find((found) => found !== null);
  if (error) throw named(error.constructor.name, error.message);
  return result;
}

function open(features) {
  const key = features.join();
  if (!devices.has(key)) {
    const opened = openDevice(features);
    devices.set(key, opened);
    const forget = () => devices.delete(key);
    opened.then(({ device }) => device.lost.then(forget), forget);
  }
  return devices.get(key);
}

async function openDevice(features) {
  const adapter = await navigator.gpu.requestAdapter();
  if (adapter === null) throw new Error("no GPU can be used here; dcp-evaluator --probe says why");
  const missing = features.filter((feature) => !adapter.features.has(feature));
  if (missing.length > 0) {
    const { description, device } = adapter.info;
    throw new Error(`the GPU (${description || device}) does not have what the shader enables: ${missing.join(", ")}`);
  }
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
  const device = await adapter.requestDevice({ requiredFeatures: features, requiredLimits });
  const lost = await lossOf(device);
  if (lost) throw lost;
  return { device, programs: new WeakMap(), free: [] };
}

async function compile(device, program) {
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ code: program.code, label: program.name });
  const error = await device.popErrorScope();
  if (error !== null) throw shaderError(program.name, error.message);

  const entryPoints = [...new Set(program.entryPoints)]; // one may run many times
  const entries = [];
  program.variables.forEach(({ group, binding, type }) => {
    (entries[group] ??= []).push({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } });
  });
  const { groupLayouts, made } = await guarded(device, () => {
    const groupLayouts = Array.from(entries, (of = []) => device.createBindGroupLayout({ entries: of }));
    const layout = device.createPipelineLayout({ bindGroupLayouts: groupLayouts });
    const made = entryPoints.map((entryPoint) =>
      device.createComputePipelineAsync({ layout, compute: { module, entryPoint, constants: program.constants } }));
    return { groupLayouts, made: Promise.allSettled(made) };
  });
  const settled = await made;
  const failed = settled.find(({ status }) => status === "rejected");
  if (failed) throw await lossOf(device) ?? named("GPUPipelineError", `${program.name}: ${failed.reason.message}`);
  const pipelines = program.entryPoints.map((name) => settled[entryPoints.indexOf(name)].value);
  return { groupLayouts, pipelines, fixed: new Map() };
}

/** Returns the buffers that the outputs are copied to. */
function submit(device, program, compiled, call, take) {
  const encoder = device.createCommandEncoder();
  if (compiled.fixed.size === 0) {
    for (const [i, data] of program.fixed) {
      const buffer = device.createBuffer({ size: call.sizes[i], usage: USAGES[program.variables[i].type] });
      device.queue.writeBuffer(buffer, 0, padded(data));
      compiled.fixed.set(i, buffer);
    }
  }
  const buffers = program.variables.map(({ type }, i) => {
    if (compiled.fixed.has(i)) return compiled.fixed.get(i);
    const buffer = take(call.sizes[i], USAGES[type]);
    if (call.data[i] == null) encoder.clearBuffer(buffer);
    else device.queue.writeBuffer(buffer, 0, padded(call.data[i]));
    return buffer;
  });
  const groups = compiled.groupLayouts.map((layout, group) => device.createBindGroup({
    layout,
    entries: program.variables.flatMap((variable, i) =>
      variable.group === group ? [{ binding: variable.binding, resource: { buffer: buffers[i] } }] : []),
  }));
  const pass = encoder.beginComputePass();
  groups.forEach((group, index) => pass.setBindGroup(index, group));
  compiled.pipelines.forEach((pipeline, i) => {
    pass.setPipeline(pipeline);
    pass.dispatchWorkgroups(...call.workgroups[i]);
  });
  pass.end();
  const readings = program.outputs.map((i) => {
    const reading = take(call.sizes[i], READ);
    encoder.copyBufferToBuffer(buffers[i], 0, reading, 0, call.sizes[i]);
    return reading;
  });
  device.queue.submit([encoder.finish()]);
  return readings;
}

/** Writes to buffers go in words of four bytes. */
function padded(data) {
  const { buffer, byteOffset, byteLength } = ArrayBuffer.isView(data) ? data : new Uint8Array(data);
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  if (bytes.byteLength % 4 === 0) return bytes;
  const longer = new Uint8Array((bytes.byteLength + 3) & ~3);
  longer.set(bytes);
  return longer;
}

/** Null where it is not lost. */
async function lossOf(device) {
  const lost = await Promise.race([device.lost, null]);
  return lost && named("GPUDeviceLostError", `the GPU was lost: ${lost.message}`);
}

/** wgpu-native's message has the place, the lines of the shader and what is wrong in them. */
function shaderError(name, message) {
  const [told] = message.replace(/^GPUDevice\.createShaderModule: (Shader ('.*?' )?\w+ error: )?/, "").split("\n\n");
  const [frame, place] = /^ *┌─ .*:(\d+:\d+)\n/m.exec(told) ?? ["", ""];
  return named("WgslError", `${name}${place && ":"}${place}: ${told.replace(frame, "").trimEnd()}`);
}

/** Without a stack: it would show the lines of this file. */
function named(name, message) {
  return Object.assign(new Error(message), { name, stack: "" });
}

runOnGpu
