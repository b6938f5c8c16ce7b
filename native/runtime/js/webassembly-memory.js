// WebAssembly.Memory, and what keeps its buffers where they are.
(function (runtime) {
  "use strict";
  const { ops, primordials } = runtime;
  if (ops.wasmCompile === undefined) return;
  const {
    ArrayBufferPrototypeGetByteLength, MathTrunc, ObjectAssign, ObjectDefineProperty, ObjectFreeze, Proxy,
    RangeError, SafeWeakMap, SharedArrayBufferPrototypeGetByteLength, TypeError, apply,
  } = primordials;
  const {
    checkLimits, existing, fromAddress, hidden, isObject, limits, need, toAddress, toAddressType, withPrototype,
  } = runtime.wasm;

  /** The Memory of a buffer. */
  const memoryBuffers = new SafeWeakMap();
  function isShared(buffer) {
    try {
      SharedArrayBufferPrototypeGetByteLength(buffer);
      return true;
    } catch {
      return false;
    }
  }
  const kMaxPages = 65536;
  const kPageSize = 65536;
  const kMaxPages64 = 2 ** 48;

  let memoryId;
  let growTo;
  class Memory {
    #id;
    #is64;
    #store;

    constructor(descriptor) {
      if (descriptor === existing) {
        this.#id = existing.item;
        this.#is64 = ops.wasmMemoryIs64(this.#id);
        this.#store = ops.wasmBind(this.#id, this);
        return;
      }
      const what = "WebAssembly.Memory()";
      need(arguments, 1, what);
      if (!isObject(descriptor)) throw new TypeError(`${what}: the descriptor must be an object`);
      const is64 = toAddressType(descriptor.address, what);
      const bounds = limits(descriptor, is64, what);
      const shared = !!descriptor.shared;
      if (shared && bounds.high < 0) throw new TypeError(`${what}: a shared memory needs a maximum`);
      const most = is64 ? kMaxPages64 : kMaxPages;
      checkLimits(bounds, most, what);
      if (bounds.high > most) {
        throw new RangeError(`${what}: maximum is above the limit of ${most}`);
      }
      this.#id = ops.wasmMemoryNew(bounds.low, bounds.high, shared, is64);
      this.#is64 = is64;
      this.#store = ops.wasmBind(this.#id, this);
      withPrototype(this, new.target, Memory);
    }

    get buffer() {
      return this.#known(ops.wasmMemoryBuffer(this.#id));
    }

    toFixedLengthBuffer() {
      return this.#known(ops.wasmMemoryReshape(this.#id, false));
    }

    toResizableBuffer() {
      return this.#known(ops.wasmMemoryReshape(this.#id, true));
    }

    #known(buffer) {
      if (isShared(buffer)) ObjectFreeze(buffer);
      if (!memoryBuffers.has(buffer)) memoryBuffers.set(buffer, this);
      return buffer;
    }

    grow(delta) {
      const id = this.#id;
      need(arguments, 1, "WebAssembly.Memory.grow()");
      return fromAddress(ops.wasmMemoryGrow(id, toAddress(delta, this.#is64, "delta")), this.#is64);
    }

    static {
      memoryId = (value) => (isObject(value) && #id in value ? value.#id : undefined);
      /** HostResizeArrayBuffer, HostGrowSharedArrayBuffer */
      growTo = (memory, before, after) => {
        const pages = (after - before) / kPageSize;
        if (pages < 0 || pages !== MathTrunc(pages)) {
          throw new RangeError(`a WebAssembly.Memory's buffer grows by multiples of ${kPageSize} bytes only`);
        }
        ops.wasmMemoryGrow(memory.#id, pages);
      };
    }
  }

  // Buffers of memories cannot be detached, except by growing the memory.

  /** Whether `buffer` is a Memory's buffer: transferring it must fail with a TypeError. */
  runtime.isMemoryBuffer = (buffer) => memoryBuffers.has(buffer);

  /** resize and grow: of a Memory's buffer they grow the memory. */
  function guardResize(prototype, name, isResizable, isDetached, lengthOf, mostOf) {
    const native = prototype[name];
    const method = new Proxy(native, {
      __proto__: null,
      apply(target, buffer, args) {
        const memory = memoryBuffers.get(buffer);
        if (memory === undefined || !isResizable(buffer) || isDetached(buffer)) return apply(target, buffer, args);
        const length = MathTrunc(+args[0]) || 0;
        if (!(length >= 0 && length <= mostOf(buffer))) return apply(target, buffer, [length]);
        return growTo(memory, lengthOf(buffer), length);
      },
    });
    ObjectDefineProperty(prototype, name, hidden(method));
  }
  guardResize(
    primordials.ArrayBuffer.prototype, "resize", primordials.ArrayBufferPrototypeGetResizable,
    primordials.ArrayBufferPrototypeGetDetached, ArrayBufferPrototypeGetByteLength,
    primordials.ArrayBufferPrototypeGetMaxByteLength,
  );
  guardResize(
    primordials.SharedArrayBuffer.prototype, "grow", primordials.SharedArrayBufferPrototypeGetGrowable, () => false,
    SharedArrayBufferPrototypeGetByteLength, primordials.SharedArrayBufferPrototypeGetMaxByteLength,
  );

  function guardTransfer(name) {
    const native = primordials.ArrayBuffer.prototype[name];
    if (native === undefined) return;
    // A proxy: name, length and source text stay the native function's.
    const method = new Proxy(native, {
      __proto__: null,
      apply(target, buffer, args) {
        if (memoryBuffers.has(buffer)) throw new TypeError(`a WebAssembly.Memory's buffer cannot be transferred`);
        return apply(target, buffer, args);
      },
    });
    ObjectDefineProperty(primordials.ArrayBuffer.prototype, name, hidden(method));
  }
  guardTransfer("transfer");
  guardTransfer("transferToFixedLength");
  guardTransfer("transferToImmutable");

  ObjectAssign(runtime.wasm, { Memory, memoryId });
});
