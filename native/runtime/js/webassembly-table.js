// WebAssembly.Table.
(function (runtime) {
  "use strict";
  const { ops, primordials } = runtime;
  if (ops.wasmCompile === undefined) return;
  const { ObjectAssign, TypeError } = primordials;
  const {
    checkLimits, defaults, existing, fromAddress, isObject, kinds, limits, need, toAddress, toAddressType, toText,
    withPrototype,
  } = runtime.wasm;

  const kMaxTableElements = 10_000_000;

  let tableId;
  class Table {
    #id;
    #kind;
    #is64;
    #store;

    constructor(descriptor) {
      if (descriptor === existing) {
        this.#id = existing.item;
        this.#kind = ops.wasmTableKind(this.#id);
        this.#is64 = ops.wasmTableIs64(this.#id);
        this.#store = ops.wasmBind(this.#id, this);
        return;
      }
      const what = "WebAssembly.Table()";
      need(arguments, 1, what);
      if (!isObject(descriptor)) throw new TypeError(`${what}: the descriptor must be an object`);
      const is64 = toAddressType(descriptor.address, what);
      const type = toText(descriptor.element);
      if (type !== "anyfunc" && type !== "externref") {
        throw new TypeError(`${what}: element must be "anyfunc" or "externref"`);
      }
      const bounds = limits(descriptor, is64, what);
      checkLimits(bounds, kMaxTableElements, what);
      this.#kind = kinds[type];
      const value = arguments.length > 1 && arguments[1] !== undefined ? arguments[1] : defaults[this.#kind];
      this.#id = ops.wasmTableNew(this.#kind, bounds.low, bounds.high, value, is64);
      this.#is64 = is64;
      this.#store = ops.wasmBind(this.#id, this);
      withPrototype(this, new.target, Table);
    }

    get length() {
      return fromAddress(ops.wasmTableSize(this.#id), this.#is64);
    }

    get(index) {
      const id = this.#id;
      need(arguments, 1, "WebAssembly.Table.get()");
      return ops.wasmTableGet(id, toAddress(index, this.#is64, "index"));
    }

    set(index) {
      const id = this.#id;
      need(arguments, 1, "WebAssembly.Table.set()");
      const at = toAddress(index, this.#is64, "index");
      ops.wasmTableSet(id, at, arguments.length > 1 ? arguments[1] : defaults[this.#kind]);
    }

    grow(delta) {
      const id = this.#id;
      need(arguments, 1, "WebAssembly.Table.grow()");
      const count = toAddress(delta, this.#is64, "delta");
      const value = arguments.length > 1 ? arguments[1] : defaults[this.#kind];
      return fromAddress(ops.wasmTableGrow(id, count, value), this.#is64);
    }

    static {
      tableId = (value) => (isObject(value) && #id in value ? value.#id : undefined);
    }
  }

  ObjectAssign(runtime.wasm, { Table, tableId });
});
