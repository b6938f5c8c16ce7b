// GPUTexture: its attributes, the view that stands for a texture, and writeTexture.
(function (runtime) {
  "use strict";

  const { ops, gpu, primordials } = runtime;
  const { MathFloor, MathMax, MathMin, TypeError } = primordials;
  const { classes, commands, dict, hooks, injectError, newState, wire, wrap } = gpu;

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
    if (!texture.device.gone) commands.destroyTexture(texture);
  };

  /** No copy reads more than this many bytes behind the layout's offset. */
  function mostBytes({ bytesPerRow, rowsPerImage }, size) {
    if (bytesPerRow === undefined) return Infinity;
    const images = size.depthOrArrayLayers - 1;
    if (images > 0 && rowsPerImage === undefined) return Infinity;
    return bytesPerRow * ((images > 0 ? images * rowsPerImage : 0) + size.height);
  }

  /** Whether a write of whole rows, of `available` bytes, can go in parts: the host would take it as one, too. */
  function isDivisible({ texture, mipLevel, origin }, { bytesPerRow, rowsPerImage }, size, available) {
    const images = size.depthOrArrayLayers;
    if (bytesPerRow === undefined || rowsPerImage === undefined && images > 1) return false;
    if (!gpu.hasRows(texture.format) || mipLevel >= texture.mipLevelCount) return false;
    const sizeAt = (whole) => MathMax(1, MathFloor(whole / 2 ** mipLevel));
    const depth = texture.dimension === "3d" ? sizeAt(texture.depthOrArrayLayers) : texture.depthOrArrayLayers;
    if (origin.x + size.width > sizeAt(texture.width) || origin.y + size.height > sizeAt(texture.height)) return false;
    if (origin.z + images > depth || images > 1 && rowsPerImage < size.height) return false;
    return mostBytes({ bytesPerRow, rowsPerImage }, size) <= available;
  }

  /** Calls send(y, rows, z, images) for each part; false where it returned false. */
  function forEachPart(rowBytes, imageBytes, size, send) {
    const images = size.depthOrArrayLayers;
    const imagesAtATime = images > 1 ? MathMax(1, MathFloor(gpu.LONGEST_WRITE / imageBytes)) : 1;
    const rowsAtATime = imagesAtATime > 1 ? size.height : MathMax(1, MathFloor(gpu.LONGEST_WRITE / rowBytes));
    for (let z = 0; z < images; z += imagesAtATime) {
      for (let y = 0; y < size.height; y += rowsAtATime) {
        if (!send(y, MathMin(rowsAtATime, size.height - y), z, MathMin(imagesAtATime, images - z))) return;
      }
    }
  }

  function writeInParts(queue, destination, data, layout, size) {
    const { origin } = destination;
    const { x, y, z } = origin;
    const imageBytes = layout.rowsPerImage === undefined ? 0 : layout.bytesPerRow * layout.rowsPerImage;
    const { offset } = layout;
    let part = 0;
    forEachPart(layout.bytesPerRow, imageBytes, size, (row, rows, image, images) => {
      destination.origin = { __proto__: null, x, y: y + row, z: z + image };
      const extent = { __proto__: null, width: size.width, height: rows, depthOrArrayLayers: images };
      const length = mostBytes(layout, extent);
      const start = offset + image * imageBytes + row * layout.bytesPerRow;
      const sent = sendWrite(queue, destination, data, start, length, layout, extent, part++);
      wire.flush();
      return sent;
    });
  }

  function sendWrite(queue, destination, data, start, length, layout, size, part) {
    const block = ops.gpuStage(data, start, length, wire.position());
    if (block < 0) {
      injectError(queue.device, "out-of-memory", "GPUQueue.writeTexture: mapped buffers hold the staging memory");
      return false;
    }
    layout.offset = 0; // what lies before was not sent
    commands.writeTexture(queue, destination, length, block, layout, size, part);
    return true;
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
    if (length > gpu.LONGEST_WRITE && isDivisible(destination, dataLayout, size, total - start)) {
      writeInParts(queue, destination, data, dataLayout, size);
    } else {
      sendWrite(queue, destination, data, start, length, dataLayout, size, 0);
    }
  };
});
