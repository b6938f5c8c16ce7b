// WebAssembly.Global.
(function (runtime) {
  "use strict";
  const { ops, primordials } = runtime;
  if (ops.wasmCompile === undefined) return;
  const { ObjectAssign, TypeError } = primordials;
  const { defaults, existing, isObject, kinds, need, valueKind, withPrototype } = runtime.wasm;

  let globalId;
  class Global {
    #id;
    #store;

    constructor(descriptor) {
      if (descriptor === existing) {
        this.#id = existing.item;
        this.#store = ops.wasmBind(this.#id, this);
        return;
      }
      const what = "WebAssembly.Global()";
      need(arguments, 1, what);
      if (!isObject(descriptor)) throw new TypeError(`${what}: the descriptor must be an object`);
      const mutable = !!descriptor.mutable;
      const kind = valueKind(descriptor.value, what);
      if (kind === kinds.v128) throw new TypeError(`${what}: JavaScript cannot hold a v128`);
      const value = arguments.length > 1 && arguments[1] !== undefined ? arguments[1] : defaults[kind];
      this.#id = ops.wasmGlobalNew(kind, mutable, value);
      this.#store = ops.wasmBind(this.#id, this);
      withPrototype(this, new.target, Global);
    }

    valueOf() {
      return ops.wasmGlobalGet(this.#id);
    }

    get value() {
      return ops.wasmGlobalGet(this.#id);
    }

    set value(value) {
      ops.wasmGlobalSet(this.#id, value);
    }

    static {
      globalId = (value) => (isObject(value) && #id in value ? value.#id : undefined);
    }
  }

  ObjectAssign(runtime.wasm, { Global, globalId });
});
