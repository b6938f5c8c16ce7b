// GPUQueue and GPUQuerySet.
(function (runtime) {
  "use strict";

  const { ops, gpu, primordials } = runtime;
  const { MathMin, PromiseResolve, TypeError, makePromise } = primordials;
  const { LONGEST_WRITE, classes, commands, hooks, injectError, newState, operationError, wire, wrap } = gpu;
  const { submit, writeBuffer } = commands;

  hooks.GPUQueue_submit = (queue, commandBuffers) => {
    const { device } = queue;
    if (device.gone) return;
    for (let i = 0; i < commandBuffers.length; i++) {
      const reason = whyNotSubmit(device, commandBuffers[i]);
      if (reason !== null) return injectError(device, "validation", `GPUQueue.submit: commandBuffers[${i}] ${reason}`);
      commandBuffers[i].submitted = true;
    }
    submit(queue, commandBuffers);
    wire.flush();
  };

  function whyNotSubmit(device, commandBuffer) {
    if (commandBuffer.device !== device) return "is of another device";
    return commandBuffer.submitted === true ? "was submitted before" : null;
  }

  hooks.GPUQueue_onSubmittedWorkDone = (queue) => {
    if (queue.device.gone) return PromiseResolve(undefined);
    const { promise, resolve } = makePromise();
    const done = () => resolve(undefined);
    wire.ask(commands.onSubmittedWorkDone, queue, done, done);
    return promise;
  };

  /** [start, length] in bytes of the part of a buffer source that `offset` and `size`, in elements, name. */
  gpu.sourceRange = (source, offset, size, name) => {
    const total = ops.gpuBufferSize(source);
    if (total < 0) throw new TypeError(`${name}: data is not an ArrayBuffer, typed array or DataView`);
    const element = ops.gpuElementSize(source);
    const start = offset * element;
    const length = size === undefined ? total - start : size * element;
    if (start > total || start + length > total) throw operationError(`${name}: the range is outside of data`);
    if (length % 4 !== 0) throw operationError(`${name}: the number of bytes is not a multiple of 4`);
    return { __proto__: null, start, length };
  };

  hooks.GPUQueue_writeBuffer = (queue, buffer, bufferOffset, data, dataOffset, size) => {
    const { device } = queue;
    const { start, length } = gpu.sourceRange(data, dataOffset, size, "GPUQueue.writeBuffer");
    if (device.gone) return;
    if (length > LONGEST_WRITE && bufferOffset + length > buffer.size) {
      return injectError(device, "validation", "GPUQueue.writeBuffer: the range is outside of the buffer");
    }
    for (let done = 0; done === 0 || done < length; done += LONGEST_WRITE) {
      const part = MathMin(LONGEST_WRITE, length - done);
      const block = ops.gpuStage(data, start + done, part, wire.position());
      if (block < 0) {
        return injectError(device, "out-of-memory", "GPUQueue.writeBuffer: mapped buffers hold the staging memory");
      }
      writeBuffer(queue, buffer, bufferOffset + done, part, block);
      if (length > LONGEST_WRITE) wire.flush();
    }
  };

  hooks.GPUDevice_createQuerySet = (device, descriptor) => {
    const { type, count } = descriptor;
    if (type === "timestamp" && !device.enabled.has("timestamp-query")) {
      throw new TypeError("GPUDevice.createQuerySet: the device has no feature timestamp-query");
    }
    const querySet = newState(device, descriptor.label);
    querySet.type = type;
    querySet.count = count;
    commands.GPUDevice_createQuerySet(device, querySet.id, descriptor);
    return wrap(classes.GPUQuerySet, querySet);
  };

  hooks.GPUQuerySet_destroy = (querySet) => {
    if (!querySet.device.gone) commands.destroyQuerySet(querySet);
  };
});
