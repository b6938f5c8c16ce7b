// GPUBuffer: its map state, and the ArrayBuffers over mapped memory (WebGPU, section 5.2).
//
// A mapping is a block of the heap that the sandbox shares with its GPU host. The host copies the buffer's contents
// there before a mapping begins, and back after one for writing.
(function (runtime) {
  "use strict";

  const { ops, gpu, primordials, DOMException } = runtime;
  const { ArrayBuffer, ArrayPrototypePush, MathMax, PromisePrototypeThen, PromiseReject, RangeError,
          makePromise } = primordials;
  const { classes, commands, hooks, injectError, newId, operationError, register, secret, wire } = gpu;

  const READ = 1, WRITE = 2; // GPUMapMode
  const MAP_READ = 1, MAP_WRITE = 2; // GPUBufferUsage

  /** Memory for a mapping of `size` bytes; null where there is no room. Without a host, the bytes go nowhere. */
  function newMapping(mode, offset, size, zeroed) {
    if (!wire.connected) return { __proto__: null, mode, offset, size, block: -1, host: 0, ranges: [] };
    const block = ops.gpuAllocate(size, zeroed, wire.position());
    return block < 0 ? null : { __proto__: null, mode, offset, size, block, host: wire.host, ranges: [] };
  }

  const ofThisHost = (mapping) => wire.connected && mapping.host === wire.host;

  function detachRanges(mapping) {
    const { ranges } = mapping;
    for (let i = 0; i < ranges.length; i++) ops.gpuDetach(ranges[i].view);
    mapping.ranges = [];
  }

  function endMapping(buffer) {
    if (buffer.mapState === "unmapped") return null;
    const { mapping } = buffer;
    buffer.mapping = null;
    buffer.mapState = "unmapped";
    buffer.device.mapped.delete(buffer);
    if (mapping !== null) detachRanges(mapping);
    return mapping;
  }

  /** Ends a mapAsync() that is under way. */
  function abort(buffer, message) {
    const { pendingMap } = buffer;
    if (!pendingMap) return;
    buffer.pendingMap = null;
    wire.cancel(pendingMap.request);
    pendingMap.reject(new DOMException(message, "AbortError"));
  }

  /** Ends a mapping: what was written goes to the host, unless the device is gone. `reason` is why mapAsync() fails. */
  gpu.unmap = (buffer, reason = "the buffer was unmapped before it was mapped") => {
    const wasMapped = buffer.mapState === "mapped";
    const mapping = endMapping(buffer);
    abort(buffer, reason);
    if (mapping === null || !ofThisHost(mapping)) return;
    if (!buffer.device.gone) {
      commands.unmapBuffer(buffer, wasMapped && mapping.mode === WRITE, mapping.block);
    }
    // The host may still be writing to, or reading from, the block.
    ops.gpuReleaseAfter(mapping.block, wire.position());
  };

  // Most buffers are never mapped: `mapping`, `pendingMap` and `destroyed` come when they are needed.
  gpu.keepShapes(["id", "device", "label", "size", "usage", "mapState"]);
  gpu.plans.GPUDevice_createBuffer.made = (device, id, label = "", size, usage) => {
    const buffer = register({ __proto__: null, id, device, label, size, usage, mapState: "unmapped" });
    return new classes.GPUBuffer(secret, buffer);
  };
  gpu.recordCalls(classes.GPUDevice, "createBuffer", gpu.plans.GPUDevice_createBuffer);
  hooks.GPUDevice_createBuffer = (device, descriptor) => {
    const { size, usage, mappedAtCreation } = descriptor;
    if (mappedAtCreation && size % 4 !== 0) throw new RangeError("createBuffer: a mapped size is a multiple of 4");
    const buffer = register({
      __proto__: null, id: newId(), device, label: descriptor.label, size, usage, mapState: "unmapped",
    });
    if (mappedAtCreation) {
      buffer.mapping = newMapping(WRITE, 0, size, true);
      if (buffer.mapping === null) throw new RangeError(`createBuffer: no memory to map ${size} bytes`);
      buffer.mapState = "mapped";
      device.mapped.add(buffer);
    }
    commands.GPUDevice_createBuffer(device, buffer.id, descriptor);
    return new classes.GPUBuffer(secret, buffer);
  };

  /** Why a range cannot be mapped; null: it can. */
  function whyNotMap(buffer, mode, offset, size) {
    if (mode !== READ && mode !== WRITE) return "mode is neither GPUMapMode.READ nor GPUMapMode.WRITE";
    const usage = mode === READ ? MAP_READ : MAP_WRITE;
    if ((buffer.usage & usage) === 0) return `the buffer's usage lacks ${mode === READ ? "MAP_READ" : "MAP_WRITE"}`;
    if (buffer.destroyed) return "the buffer is destroyed";
    if (offset % 8 !== 0) return "offset is not a multiple of 8";
    if (size % 4 !== 0) return "size is not a multiple of 4";
    return offset + size > buffer.size ? "the range is outside of the buffer" : null;
  }

  /** Raises the validation error of a mapping that cannot be; the error of its promise. */
  function mapError(buffer, reason) {
    const message = `GPUBuffer.mapAsync: ${reason}`;
    injectError(buffer.device, "validation", message);
    return operationError(message);
  }

  function beginMap(buffer, mapping) {
    const pending = makePromise();
    buffer.mapState = "pending";
    buffer.mapping = mapping;
    buffer.pendingMap = pending;
    buffer.device.mapped.add(buffer);
    return pending;
  }

  /** It is the device timeline that refuses: until it has come there, which an error scope tells, the map is pending. */
  function refuseMap(buffer, reason) {
    const { device } = buffer;
    const error = mapError(buffer, reason);
    const pending = beginMap(buffer, null);
    hooks.GPUDevice_pushErrorScope(device, "validation");
    PromisePrototypeThen(hooks.GPUDevice_popErrorScope(device), () => {
      if (buffer.pendingMap !== pending) return;
      buffer.pendingMap = null;
      endMapping(buffer);
      pending.reject(error);
    });
    return pending.promise;
  }

  hooks.GPUBuffer_mapAsync = (buffer, mode, offset, size = MathMax(0, buffer.size - offset)) => {
    if (buffer.mapState !== "unmapped") return PromiseReject(mapError(buffer, `the buffer is ${buffer.mapState}`));
    if (buffer.device.gone) return PromiseReject(new DOMException("the device is lost", "AbortError"));
    const reason = whyNotMap(buffer, mode, offset, size);
    if (reason !== null) return refuseMap(buffer, reason);
    const mapping = newMapping(mode, offset, size, false);
    if (mapping === null) return PromiseReject(operationError(`GPUBuffer.mapAsync: no memory to map ${size} bytes`));
    const pending = beginMap(buffer, mapping);
    sendMap(buffer, mapping, pending);
    return pending.promise;
  };

  function sendMap(buffer, mapping, pending) {
    const request = wire.request((reply) => finishMap(buffer, pending, reply), () => {});
    pending.request = request;
    commands.mapBuffer(buffer, request, mapping.mode, mapping.offset, mapping.size, mapping.block);
    wire.flush();
  }

  function finishMap(buffer, pending, reply) {
    buffer.pendingMap = null;
    if (reply.mapped) {
      buffer.mapState = "mapped";
      pending.resolve(undefined);
      return;
    }
    const mapping = endMapping(buffer);
    ops.gpuRelease(mapping.block);
    pending.reject(operationError(`GPUBuffer.mapAsync: ${reply.message}`));
  }

  /** Throws OperationError where a range cannot be had. */
  function checkRange(mapping, offset, size) {
    if (offset % 8 !== 0) throw operationError("getMappedRange: offset is not a multiple of 8");
    if (size % 4 !== 0) throw operationError("getMappedRange: size is not a multiple of 4");
    if (offset < mapping.offset || offset + size > mapping.offset + mapping.size) {
      throw operationError("getMappedRange: the range is outside of what is mapped");
    }
    const { ranges } = mapping;
    for (let i = 0; i < ranges.length; i++) {
      const other = ranges[i];
      if (offset < other.offset + other.size && other.offset < offset + size) {
        throw operationError("getMappedRange: the range overlaps one that was given before");
      }
    }
  }

  hooks.GPUBuffer_getMappedRange = (buffer, offset, size = MathMax(0, buffer.size - offset)) => {
    const { mapping } = buffer;
    if (buffer.mapState !== "mapped") throw operationError("getMappedRange: the buffer is not mapped");
    checkRange(mapping, offset, size);
    const view = ofThisHost(mapping)
      ? ops.gpuView(mapping.block, offset - mapping.offset, size)
      : new ArrayBuffer(size);
    ArrayPrototypePush(mapping.ranges, { __proto__: null, offset, size, view });
    return view;
  };

  hooks.GPUBuffer_unmap = (buffer) => gpu.unmap(buffer);

  hooks.GPUBuffer_destroy = (buffer) => {
    gpu.unmap(buffer);
    if (buffer.destroyed || buffer.device.gone) return;
    buffer.destroyed = true;
    commands.destroyBuffer(buffer);
  };
});
