// GPUTexture: its attributes, the view that stands for a texture, and writeTexture.
(function (runtime) {
  "use strict";

  const { ops, gpu, primordials } = runtime;
  const { MathMin, TypeError } = primordials;
  const { classes, commands, dict, hooks, injectError, newState, opcodes, wire, wrap, write } = gpu;

  hooks.GPUDevice_createTexture = (device, descriptor) => {
    const { size, mipLevelCount, sampleCount, dimension, format, usage } = descriptor;
    const texture = newState(device, descriptor.label);
    texture.width = size.width;
    texture.height = size.height;
    texture.depthOrArrayLayers = size.depthOrArrayLayers;
    texture.mipLevelCount = mipLevelCount;
    texture.sampleCount = sampleCount;
    texture.dimension = dimension;
    texture.format = format;
    texture.usage = usage;
    texture.textureBindingViewDimension = undefined; // every device has core-features-and-limits
    texture.view = null;
    commands.GPUDevice_createTexture(device, texture.id, descriptor);
    return wrap(classes.GPUTexture, texture);
  };

  /** The view of all of a texture, where an attachment or a binding names the texture itself. */
  hooks.viewOf = (texture) => {
    if (texture.view === null) {
      texture.view = newState(texture.device, "");
      commands.GPUTexture_createView(texture, texture.view.id, dict.GPUTextureViewDescriptor(undefined, ""));
    }
    return texture.view;
  };

  hooks.GPUTexture_destroy = (texture) => {
    if (!texture.device.gone) wire.tell(opcodes.destroyTexture, texture.id);
  };

  /** No copy reads more than this many bytes behind the layout's offset. */
  function mostBytes({ bytesPerRow, rowsPerImage }, size) {
    if (bytesPerRow === undefined) return Infinity;
    const images = size.depthOrArrayLayers - 1;
    if (images > 0 && rowsPerImage === undefined) return Infinity;
    return bytesPerRow * ((images > 0 ? images * rowsPerImage : 0) + size.height);
  }

  hooks.GPUQueue_writeTexture = (queue, destination, data, dataLayout, size) => {
    const { device } = queue;
    const total = ops.gpuBufferSize(data);
    if (total < 0) throw new TypeError("GPUQueue.writeTexture: data is not an ArrayBuffer, typed array or DataView");
    if (device.gone) return;
    const start = dataLayout.offset;
    if (start > total) {
      return injectError(device, "validation", "GPUQueue.writeTexture: dataLayout.offset is outside of data");
    }
    const length = MathMin(total - start, mostBytes(dataLayout, size));
    const block = ops.gpuStage(data, start, length, wire.position());
    if (block < 0) {
      return injectError(device, "out-of-memory", "GPUQueue.writeTexture: mapped buffers hold the staging memory");
    }
    wire.begin(opcodes.writeTexture);
    wire.put(queue.id);
    wire.putBy(write.GPUTexelCopyTextureInfo, destination);
    wire.putU64(block);
    wire.putU64(length);
    dataLayout.offset = 0; // what lies before was not sent
    wire.putBy(write.GPUTexelCopyBufferLayout, dataLayout);
    wire.putBy(write.GPUExtent3DDict, size);
    wire.end();
  };
});
