// Shader modules, asynchronous pipelines, and the encoder methods whose arguments have overloads.
(function (runtime) {
  "use strict";

  const { gpu, primordials, webidl } = runtime;
  const { ArrayBufferIsView, DataViewPrototypeGetByteOffset, ObjectFreeze, PromiseResolve, RangeError, TypeError,
          TypedArrayPrototypeGetByteOffset, TypedArrayPrototypeGetLength, TypedArrayPrototypeGetSymbolToStringTag,
          Uint8Array, makePromise } = primordials;
  const { classes, closed, commands, hooks, newState, operationError, take, wire, wrap } = gpu;
  const { toSequence, toU32, toU64 } = gpu.idl;

  // --- Shader modules ---

  hooks.GPUDevice_createShaderModule = (device, descriptor) => {
    const module = newState(device, descriptor.label);
    if (!device.gone) commands.createShaderModule(device, module.id, descriptor.label, descriptor.code);
    return wrap(classes.GPUShaderModule, module);
  };

  function wrapMessages({ messages }) {
    for (let i = 0; i < messages.length; i++) {
      messages[i].type = "error";
      messages[i] = wrap(classes.GPUCompilationMessage, messages[i]);
    }
    return messages;
  }

  const makeInfo = (messages) =>
    wrap(classes.GPUCompilationInfo, { __proto__: null, messages: ObjectFreeze(messages) });

  hooks.GPUShaderModule_getCompilationInfo = (module) => {
    if (module.device.gone) return PromiseResolve(makeInfo([]));
    const { promise, resolve } = makePromise();
    const answer = (reply) => resolve(makeInfo(wrapMessages(reply)));
    wire.ask(commands.getCompilationInfo, module, answer, () => resolve(makeInfo([])));
    return promise;
  };

  // --- Pipelines ---

  const createAsync = (device, descriptor, Class, command) => {
    const state = newState(device, descriptor.label);
    const pipeline = wrap(Class, state);
    if (device.gone) return PromiseResolve(pipeline);
    const { promise, resolve, reject } = makePromise();
    const request = wire.request(({ status, message }) => {
      if (status === "made" || device.gone) resolve(pipeline);
      else reject(new classes.GPUPipelineError(message, { __proto__: null, reason: status }));
    }, () => resolve(pipeline));
    command(device, state.id, request, descriptor);
    wire.flush();
    return promise;
  };

  hooks.GPUDevice_createComputePipelineAsync = (device, descriptor) =>
    createAsync(device, descriptor, classes.GPUComputePipeline, commands.createComputePipelineAsync);
  hooks.GPUDevice_createRenderPipelineAsync = (device, descriptor) =>
    createAsync(device, descriptor, classes.GPURenderPipeline, commands.createRenderPipelineAsync);

  // --- Encoders ---

  // (source, destination, size) or (source, sourceOffset, destination, destinationOffset, size)
  hooks.GPUCommandEncoder_copyBufferToBuffer = (encoder, args) => {
    const name = "GPUCommandEncoder.copyBufferToBuffer";
    const short = args.length < 4;
    const source = take.GPUBuffer(args[0], `${name}: source`);
    const sourceOffset = short ? 0 : toU64(args[1], `${name}: sourceOffset`);
    const destination = take.GPUBuffer(args[short ? 1 : 2], `${name}: destination`);
    const destinationOffset = short ? 0 : toU64(args[3], `${name}: destinationOffset`);
    const given = args[short ? 2 : 4];
    // Without a size, the rest of the source; an offset behind its end is the host's to refuse.
    const rest = sourceOffset <= source.size ? source.size - sourceOffset : source.size;
    const size = given === undefined ? rest : toU64(given, `${name}: size`);
    if (!encoder.open) return closed(encoder.device, name);
    commands.GPUCommandEncoder_copyBufferToBuffer(encoder, source, sourceOffset, destination, destinationOffset, size);
  };

  // (index, bindGroup, offsets = []) or (index, bindGroup, Uint32Array, start, length)
  const toOffset = (item, name) => toU32(item, `${name}: dynamicOffsets`);
  const noOffsets = ObjectFreeze([]);
  const setBindGroup = (encoder, args, name, command) => {
    const { length, 0: first, 1: second, 2: third } = args;
    if (length === 4) throw new TypeError(`${name}: dynamicOffsetsDataLength is missing`);
    const index = toU32(first, name);
    const group = second === null || second === undefined ? null : take.GPUBindGroup(second, name);
    const offsets = length > 4 ? offsetsOfArray(args, name)
      : third === undefined ? noOffsets : toSequence(third, toOffset, name);
    if (!encoder.open) return closed(encoder.device, name);
    command(encoder, index, group, offsets);
  };

  hooks.GPUComputePassEncoder_setBindGroup = (pass, args) =>
    setBindGroup(pass, args, "GPUComputePassEncoder.setBindGroup", commands.GPUComputePassEncoder_setBindGroup);
  hooks.GPURenderPassEncoder_setBindGroup = (pass, args) =>
    setBindGroup(pass, args, "GPURenderPassEncoder.setBindGroup", commands.GPURenderPassEncoder_setBindGroup);
  hooks.GPURenderBundleEncoder_setBindGroup = (bundle, args) =>
    setBindGroup(bundle, args, "GPURenderBundleEncoder.setBindGroup", commands.GPURenderBundleEncoder_setBindGroup);

  function offsetsOfArray(args, name) {
    const data = args[2];
    if (!webidl.isObject(data) || TypedArrayPrototypeGetSymbolToStringTag(data) !== "Uint32Array") {
      throw new TypeError(`${name}: dynamicOffsetsData is not a Uint32Array`);
    }
    const start = toU64(args[3], `${name}: dynamicOffsetsDataStart`);
    const length = toU32(args[4], `${name}: dynamicOffsetsDataLength`);
    if (start + length > TypedArrayPrototypeGetLength(data)) {
      throw new RangeError(`${name}: the range is outside of dynamicOffsetsData`);
    }
    const offsets = [];
    for (let i = 0; i < length; i++) offsets[i] = data[start + i];
    return offsets;
  }

  function bytesOf(source, start, length) {
    if (!ArrayBufferIsView(source)) return new Uint8Array(source, start, length);
    const isDataView = TypedArrayPrototypeGetSymbolToStringTag(source) === undefined;
    const from = isDataView ? DataViewPrototypeGetByteOffset(source) : TypedArrayPrototypeGetByteOffset(source);
    return new Uint8Array(webidl.viewBuffer(source), from + start, length);
  }

  const setImmediates = (pass, name, command, rangeOffset, data, dataOffset, dataSize) => {
    const { start, length } = gpu.sourceRange(data, dataOffset, dataSize, name);
    if (pass.device.gone) return;
    const { limitValues } = pass.device;
    if (rangeOffset + length > limitValues.maxImmediateSize) {
      throw operationError(`${name}: the range is outside of maxImmediateSize, ${limitValues.maxImmediateSize} bytes`);
    }
    command(pass, rangeOffset, bytesOf(data, start, length));
  };

  hooks.GPUComputePassEncoder_setImmediates = (pass, rangeOffset, data, dataOffset, dataSize) =>
    setImmediates(pass, "GPUComputePassEncoder.setImmediates", commands.GPUComputePassEncoder_setImmediates,
                  rangeOffset, data, dataOffset, dataSize);
  hooks.GPURenderPassEncoder_setImmediates = (pass, rangeOffset, data, dataOffset, dataSize) =>
    setImmediates(pass, "GPURenderPassEncoder.setImmediates", commands.GPURenderPassEncoder_setImmediates,
                  rangeOffset, data, dataOffset, dataSize);
  hooks.GPURenderBundleEncoder_setImmediates = (bundle, rangeOffset, data, dataOffset, dataSize) =>
    setImmediates(bundle, "GPURenderBundleEncoder.setImmediates", commands.GPURenderBundleEncoder_setImmediates,
                  rangeOffset, data, dataOffset, dataSize);
});
