// GPU, GPUAdapter, GPUDevice: negotiation, error scopes, uncaptured errors, loss (WebGPU, sections 4 and 22).
(function (runtime) {
  "use strict";

  const { gpu, ops, primordials, events, DOMException } = runtime;
  const { ArrayPrototypePush, MathMax, MathMin, ObjectFreeze, ObjectGetOwnPropertyDescriptor, PromiseResolve, RangeError,
          SafeMap, SafeSet, TypeError, WeakRef, WeakRefPrototypeDeref, apply, makePromise } = primordials;
  const { classes, commands, hooks, newState, wire, wrap } = gpu;
  const { popErrorScope, pushErrorScope } = commands;

  const operationError = (message) => new DOMException(message, "OperationError");

  // --- Limits and features ---

  /** The default limits of the specification, section 3.6.2. */
  const defaultLimits = ObjectFreeze({
    __proto__: null, maxTextureDimension1D: 8192, maxTextureDimension2D: 8192, maxTextureDimension3D: 2048,
    maxTextureArrayLayers: 256, maxBindGroups: 4, maxBindGroupsPlusVertexBuffers: 24, maxImmediateSize: 64,
    maxBindingsPerBindGroup: 1000, maxDynamicUniformBuffersPerPipelineLayout: 8,
    maxDynamicStorageBuffersPerPipelineLayout: 4, maxSampledTexturesPerShaderStage: 16, maxSamplersPerShaderStage: 16,
    maxStorageBuffersPerShaderStage: 8, maxStorageBuffersInVertexStage: 8, maxStorageBuffersInFragmentStage: 8,
    maxStorageTexturesPerShaderStage: 4, maxStorageTexturesInVertexStage: 4, maxStorageTexturesInFragmentStage: 4,
    maxUniformBuffersPerShaderStage: 12, maxUniformBufferBindingSize: 65536, maxStorageBufferBindingSize: 134217728,
    minUniformBufferOffsetAlignment: 256, minStorageBufferOffsetAlignment: 256, maxVertexBuffers: 8,
    maxBufferSize: 268435456, maxVertexAttributes: 16, maxVertexBufferArrayStride: 2048,
    maxInterStageShaderVariables: 16, maxColorAttachments: 8, maxColorAttachmentBytesPerSample: 32,
    maxComputeWorkgroupStorageSize: 16384, maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupSizeX: 256,
    maxComputeWorkgroupSizeY: 256, maxComputeWorkgroupSizeZ: 64, maxComputeWorkgroupsPerDimension: 65535,
  });
  /** Limits where less is better. */
  const isAlignment = (name) =>
    name === "minUniformBufferOffsetAlignment" || name === "minStorageBufferOffsetAlignment";
  const isPowerOfTwo = (value) => value > 0 && value < 0x100000000 && (value & (value - 1)) === 0;

  function setOf(values) {
    const set = new SafeSet();
    for (let i = 0; i < values.length; i++) set.add(values[i]);
    return set;
  }
  // Every adapter of wgpu-native has it, and none lists it.
  const CORE = "core-features-and-limits";

  /** The limits of a device: what was asked for, or the default where that is better. Throws OperationError. */
  function negotiate(supported, required) {
    const limits = { __proto__: null };
    for (let i = 0; i < gpu.limitNames.length; i++) {
      const name = gpu.limitNames[i];
      limits[name] = (isAlignment(name) ? MathMax : MathMin)(defaultLimits[name], supported[name]);
    }
    for (let i = 0; i < required.length; i++) {
      const name = required[i][0];
      const value = required[i][1];
      if (value === undefined) continue;
      if (limits[name] === undefined) throw operationError(`requiredLimits: there is no limit "${name}"`);
      const alignment = isAlignment(name);
      if (alignment ? value < supported[name] : value > supported[name]) {
        throw operationError(`requiredLimits: ${name} of ${value} is asked for, the adapter's is ${supported[name]}`);
      }
      if (alignment && !isPowerOfTwo(value)) throw operationError(`requiredLimits: ${name} must be a power of 2`);
      limits[name] = (alignment ? MathMin : MathMax)(limits[name], value);
    }
    raiseStages(limits, "maxStorageBuffersPerShaderStage", "maxStorageBuffersInVertexStage",
                "maxStorageBuffersInFragmentStage");
    raiseStages(limits, "maxStorageTexturesPerShaderStage", "maxStorageTexturesInVertexStage",
                "maxStorageTexturesInFragmentStage");
    return limits;
  }

  /** A device with core features has one limit for all stages: the largest of those asked for. */
  function raiseStages(limits, any, vertex, fragment) {
    limits[any] = limits[vertex] = limits[fragment] = MathMax(limits[any], limits[vertex], limits[fragment]);
  }

  // --- GPU ---

  // What naga, wgpu-native's compiler, accepts after "requires".
  const languageFeatures = [
    "readonly_and_readwrite_storage_textures", "packed_4x8_integer_dot_product", "pointer_composite_access",
  ];
  let told = false;

  function noAdapter(reason) {
    if (!told) runtime.consoleSink("info", `WebGPU: no adapter: ${reason}`);
    told = true;
    return null;
  }

  function fillAdapter(adapter, reply) {
    const { vendor, architecture, device, description, subgroupMinSize, subgroupMaxSize, isFallbackAdapter } = reply;
    adapter.facts = {
      __proto__: null, vendor, architecture, device, description, subgroupMinSize, subgroupMaxSize, isFallbackAdapter,
    };
    adapter.info = wrap(classes.GPUAdapterInfo, adapter.facts);
    adapter.supported = setOf(reply.features);
    adapter.supported.add(CORE);
    adapter.features = wrap(classes.GPUSupportedFeatures, adapter.supported);
    adapter.supportedLimits = reply.limits;
    adapter.limits = wrap(classes.GPUSupportedLimits, adapter.supportedLimits);
    adapter.consumed = false;
    adapter.host = wire.host;
    return adapter;
  }

  hooks.GPU_requestAdapter = (self, options) => {
    if (options.featureLevel !== "core" && options.featureLevel !== "compatibility") return PromiseResolve(null);
    const reason = wire.connect();
    if (reason !== null) return PromiseResolve(noAdapter(reason));
    const { promise, resolve } = makePromise();
    const adapter = newState(null, "");
    const request = wire.request((reply) => {
      if (!reply.found) return resolve(noAdapter("the GPU host finds none that fits"));
      resolve(wrap(classes.GPUAdapter, fillAdapter(adapter, reply)));
    }, (reason) => resolve(noAdapter(reason)));
    const { powerPreference = null, forceFallbackAdapter } = options;
    commands.requestAdapter(adapter.id, request, powerPreference, forceFallbackAdapter);
    wire.flush();
    return promise;
  };

  // No canvas here: the format that costs nothing on most systems.
  hooks.GPU_getPreferredCanvasFormat = () => "bgra8unorm";

  // --- GPUAdapter ---

  hooks.GPUAdapter_requestDevice = (adapter, descriptor) => {
    const { requiredFeatures } = descriptor;
    for (let i = 0; i < requiredFeatures.length; i++) {
      if (!adapter.supported.has(requiredFeatures[i])) {
        throw new TypeError(`requiredFeatures: the adapter does not support "${requiredFeatures[i]}"`);
      }
    }
    if (adapter.consumed) throw operationError("the adapter has given a device already: request another adapter");
    const limits = negotiate(adapter.supportedLimits, descriptor.requiredLimits);
    adapter.consumed = true;
    const features = setOf(requiredFeatures);
    features.add(CORE);
    const device = newDevice(adapter, features, limits, descriptor);
    const { promise, resolve } = makePromise();
    const done = () => resolve(device.wrapper);
    collectDevices(() => {
      if (wire.connected && adapter.host === wire.host) return sendRequestDevice(adapter, device, done);
      // An adapter of a host that has ended, or ends now, gives a device that is lost.
      lose(device, "unknown", "the adapter's GPU host has ended");
      done();
    });
    return promise;
  };

  function sendRequestDevice(adapter, device, done) {
    const request = wire.request(({ made, message }) => {
      if (!made) lose(device, "unknown", message);
      done();
    }, done);
    const asked = [];
    for (const name of device.enabled) if (name !== CORE) ArrayPrototypePush(asked, name);
    const { id, queueState, label, limitValues } = device;
    commands.requestDevice(adapter, id, queueState.id, request, label, asked, limitValues);
    wire.flush();
  }

  // --- GPUDevice ---

  const devices = new SafeMap(); // id -> WeakRef of its state

  // Jobs that make a device for each slice seldom destroy it. It is small here, and large in the host, which has no more
  // than so many for a sandbox: garbage is collected for their sake, and the host hears of it before `then` is called.
  const MADE_UNTIL_COLLECTED = 16;
  let collectedAt = MADE_UNTIL_COLLECTED;

  function collectDevices(then) {
    if (devices.size < collectedAt || !wire.connected) return then();
    ops.collectGarbage();
    wire.ping(() => {
      for (const id of devices.keys()) deviceWithId(id);
      collectedAt = devices.size + MADE_UNTIL_COLLECTED;
      then();
    });
  }

  function newDevice(adapter, features, limits, descriptor) {
    const device = newState(null, descriptor.label);
    const lost = makePromise();
    device.device = device;
    device.gone = false;
    device.scopes = 0; // of errors, that are open
    device.enabled = features;
    device.features = wrap(classes.GPUSupportedFeatures, features);
    device.limits = wrap(classes.GPUSupportedLimits, limits);
    device.limitValues = limits;
    device.adapterInfo = wrap(classes.GPUAdapterInfo, adapter.facts);
    device.queueState = newState(device, descriptor.defaultQueue.label);
    device.queue = wrap(classes.GPUQueue, device.queueState);
    device.lost = lost.promise;
    device.resolveLost = lost.resolve;
    device.mapped = new SafeSet(); // the states of buffers that are mapped, or will be
    device.wrapper = wrap(classes.GPUDevice, device);
    devices.set(device.id, new WeakRef(device));
    return device;
  }

  function lose(device, reason, message) {
    if (device.gone) return;
    device.gone = true;
    devices.delete(device.id);
    for (const buffer of device.mapped) gpu.unmap(buffer, "the device is lost");
    device.resolveLost(wrap(classes.GPUDeviceLostInfo, { __proto__: null, reason, message }));
  }

  const deviceWithId = (id) => {
    const reference = devices.get(id);
    const device = reference === undefined ? undefined : WeakRefPrototypeDeref(reference);
    if (device === undefined) devices.delete(id);
    return device;
  };

  wire.events.deviceLost = ({ device: id, message }) => {
    const device = deviceWithId(id);
    if (device !== undefined) lose(device, "unknown", message);
  };

  wire.events.hostLost = (reason) => {
    for (const id of devices.keys()) {
      const device = deviceWithId(id);
      if (device !== undefined) lose(device, "unknown", reason);
    }
  };

  hooks.GPUDevice_destroy = (device) => {
    if (device.gone) return;
    for (const buffer of device.mapped) gpu.unmap(buffer);
    commands.destroyDevice(device);
    lose(device, "destroyed", "device.destroy() was called");
  };

  // --- Errors ---

  /** `filter`: that of the scopes which want such an error. */
  function makeError(filter, message) {
    if (filter === "validation") return new classes.GPUValidationError(message);
    if (filter === "out-of-memory") return new classes.GPUOutOfMemoryError(message);
    return new classes.GPUInternalError(message);
  }

  const DEEPEST_SCOPES = 1 << 20;

  hooks.GPUDevice_pushErrorScope = (device, filter) => {
    if (device.gone) return;
    if (device.scopes === DEEPEST_SCOPES) throw new RangeError(`pushErrorScope: ${DEEPEST_SCOPES} scopes are open`);
    ++device.scopes;
    pushErrorScope(device, filter);
  };

  hooks.GPUDevice_popErrorScope = (device) => {
    if (device.gone) return PromiseResolve(null);
    if (device.scopes > 0) --device.scopes;
    const { promise, resolve, reject } = makePromise();
    wire.ask(popErrorScope, device, ({ status, filter, message }) => {
      if (status === "nothing") resolve(null);
      else if (status === "caught") resolve(makeError(filter, message));
      else reject(operationError("popErrorScope: there is no error scope"));
    }, () => resolve(null));
    return promise;
  };

  wire.events.uncapturedError = ({ device: id, filter, message }) => {
    const device = deviceWithId(id);
    if (device === undefined) return tellUncaptured(filter, message); // nobody can hear its events any more
    const init = { __proto__: null, error: makeError(filter, message), cancelable: true };
    const event = new classes.GPUUncapturedErrorEvent("uncapturederror", init);
    if (events.fire(device.wrapper, event)) tellUncaptured(filter, message);
  };

  const errorNames = {
    __proto__: null, validation: "GPUValidationError", "out-of-memory": "GPUOutOfMemoryError",
  };

  runtime.onUncapturedGpuError = () => {}; // (name, message)

  function tellUncaptured(filter, message) {
    runtime.consoleSink("warn", `WebGPU: uncaptured error: ${message}`);
    runtime.onUncapturedGpuError(errorNames[filter] ?? "GPUInternalError", message);
  }

  /**
   * True where the GPU has done all that it was told, and all errors have come; false: then() will be called when that is
   * so, unless new commands come.
   */
  runtime.settleGpu = (then) => {
    if (!wire.connected || wire.position() === wire.settled) return true;
    let waiting = 1;
    const done = () => {
      if (--waiting === 0) then();
    };
    for (const id of devices.keys()) {
      const device = deviceWithId(id);
      if (device === undefined) continue;
      ++waiting;
      wire.ask(commands.onSubmittedWorkDone, device.queueState, done, done);
    }
    wire.ping(done);
    wire.settled = wire.position();
    return false;
  };

  const handlers = { __proto__: null };
  events.defineEventHandler(handlers, "uncapturederror");
  const onuncapturederror = ObjectGetOwnPropertyDescriptor(handlers, "onuncapturederror");
  hooks.get_GPUDevice_onuncapturederror = (device) => apply(onuncapturederror.get, device.wrapper, []);
  hooks.set_GPUDevice_onuncapturederror = (device, wrapper, value) => apply(onuncapturederror.set, wrapper, [value]);

  gpu.languageFeatures = () => wrap(classes.WGSLLanguageFeatures, setOf(languageFeatures));
  gpu.operationError = operationError;
});
