// The WebAssembly namespace (WebAssembly JavaScript Interface, W3C) over the ops of native/wasm.
//
// The stores know memories, tables, globals, tags and exported functions by an id; each id has one object, which holds
// the store of its item (#store): a store lives as long as one of its objects.
(function (runtime) {
  "use strict";
  const { ops, primordials, defineGlobal } = runtime;
  const {
    ArrayBufferIsView, ArrayBufferPrototypeGetByteLength, ArrayPrototypePush, BigInt, BigIntAsIntN, Error,
    MathTrunc, Number, NumberIsFinite, ObjectCreate, ObjectDefineProperty, ObjectFreeze, ObjectSetPrototypeOf,
    Proxy, RangeError, ReflectConstruct, ReflectGetOwnPropertyDescriptor, ReflectOwnKeys, SafeWeakMap, SafeWeakSet,
    SharedArrayBufferPrototypeGetByteLength, StringPrototypeIncludes, StringPrototypeIsWellFormed,
    StringPrototypeSplit, StringPrototypeStartsWith, StringPrototypeTrim, SymbolIterator, SymbolToStringTag, TypeError, WeakRef,
    WeakRefPrototypeDeref, apply,
  } = primordials;

  if (ops.wasmCompile === undefined) return;
  const { compileOptions, providedImport } = runtime.wasmStrings;

  // --- Errors ---

  const hidden = (value) => ({ __proto__: null, value, writable: true, enumerable: false, configurable: true });

  const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

  /** A new object of Class gets the class's prototype where new.target has none (WebIDL, "internally create"). */
  function withPrototype(object, target, Class) {
    if (target !== Class && !isObject(target.prototype)) ObjectSetPrototypeOf(object, Class.prototype);
    return object;
  }

  /** A NativeError of the namespace. */
  function defineErrorClass(name) {
    const Class = {
      [name]: function (message) {
        const args = arguments.length > 1 ? [message, arguments[1]] : [message];
        const target = new.target === undefined ? Class : new.target;
        return withPrototype(ReflectConstruct(Error, args, target), target, Class);
      },
    }[name];
    ObjectSetPrototypeOf(Class, Error);
    ObjectDefineProperty(Class, "prototype", {
      __proto__: null, value: ObjectCreate(primordials.ErrorPrototype), writable: false, enumerable: false,
      configurable: false,
    });
    ObjectDefineProperty(Class.prototype, "constructor", hidden(Class));
    ObjectDefineProperty(Class.prototype, "name", hidden(name));
    ObjectDefineProperty(Class.prototype, "message", hidden(""));
    return Class;
  }

  const CompileError = defineErrorClass("CompileError");
  const LinkError = defineErrorClass("LinkError");
  const RuntimeError = defineErrorClass("RuntimeError");
  const errors = { __proto__: null, CompileError, LinkError, RuntimeError, RangeError, TypeError };

  /** Whether a line of a stack is of the engine's or an op's, below which the user's begin. */
  const isOwnFrame = (line) =>
    line === "at native (native)" || line === "at construct (native)" || StringPrototypeStartsWith(line, "at wasm");

  /** The lines of a stack that are the user's, after the frames of wasm. */
  function userStack(stack, frames) {
    let text = frames;
    const lines = StringPrototypeSplit(stack, "\n");
    for (let i = 0; i < lines.length; i++) {
      if (lines[i] === "" || StringPrototypeIncludes(lines[i], "dcp:webassembly.js")) continue;
      if (text === frames && isOwnFrame(StringPrototypeTrim(lines[i]))) continue;
      text += `${lines[i]}\n`;
    }
    return text;
  }

  /** Errors of traps, which wasm cannot catch. */
  const traps = new SafeWeakSet();

  function makeError(name, message, frames, isTrap) {
    const error = new errors[name](message);
    if (isTrap) traps.add(error);
    const { stack } = error;
    if (typeof stack === "string") ObjectDefineProperty(error, "stack", hidden(userStack(stack, frames)));
    return error;
  }

  // --- Exported functions, and what the ops ask for ---

  const functionIds = new SafeWeakMap();
  const gcObjects = new SafeWeakMap();

  ops.wasmSetup({
    __proto__: null,
    makeError,
    registerFunction(fn, id) {
      functionIds.set(fn, id);
    },
    lookupFunction: (fn) => functionIds.get(fn),
    /** The handle of a WebAssembly.Exception, or true for the error of a trap. */
    exceptionHandle: (value) => (isObject(value) && traps.has(value)) || exceptionHandle(value),
    makeException(handle) {
      existing.item = handle;
      return new Exception(existing);
    },
    gcHandle: (value) => (isObject(value) ? gcObjects.get(value)?.handle : undefined),
    /** The opaque object that stands for a struct or an array. */
    makeGcObject(handle) {
      const object = ObjectFreeze({ __proto__: null });
      gcObjects.set(object, { __proto__: null, handle, store: ops.wasmGcBind(handle, new WeakRef(object)) });
      return object;
    },
    deref: (weak) => WeakRefPrototypeDeref(weak),
    /** What an import of several results returned, as an array. */
    toArray,
  });

  /** IterableToList */
  function toArray(iterable) {
    if (!isObject(iterable)) throw new TypeError("an iterable object is required");
    const method = iterable[SymbolIterator];
    if (typeof method !== "function") throw new TypeError("the object is not iterable");
    const iterator = apply(method, iterable, []);
    if (!isObject(iterator)) throw new TypeError("the iterator is no object");
    const { next } = iterator;
    const values = [];
    for (;;) {
      const step = apply(next, iterator, []);
      if (!isObject(step)) throw new TypeError("the iterator's result is no object");
      if (step.done) return values;
      ArrayPrototypePush(values, step.value);
    }
  }

  // --- WebIDL ---

  /** ToString, which throws for a Symbol. */
  const toText = (value) => `${value}`;

  function need(args, count, what) {
    if (args.length < count) throw new TypeError(`${what}: ${count} argument${count > 1 ? "s" : ""} required`);
  }

  /** [EnforceRange] unsigned long */
  function toUint32(value, what) {
    const number = +value;
    if (!NumberIsFinite(number)) throw new TypeError(`${what} must be a number between 0 and 4294967295`);
    const integer = MathTrunc(number) + 0;
    if (integer < 0 || integer > 4294967295) throw new TypeError(`${what} must be between 0 and 4294967295`);
    return integer;
  }

  const kMaxExact = 2n ** 53n - 1n;

  /** An address of the given type, as a Number. */
  function toAddress(value, is64, what) {
    if (!is64) return toUint32(value, what);
    const big = typeof value === "bigint" ? value : BigIntAsIntN(1024, value);
    if (big < 0n || big > 0xffff_ffff_ffff_ffffn) throw new TypeError(`${what} must be between 0n and 2n ** 64n - 1n`);
    // Beyond what a Number holds exactly, any one is as much too large as another.
    return big > kMaxExact ? Number(kMaxExact) : Number(big);
  }

  const fromAddress = (value, is64) => (is64 ? BigInt(value) : value);

  function toAddressType(value, what) {
    if (value === undefined) return false;
    const type = toText(value);
    if (type !== "i32" && type !== "i64") throw new TypeError(`${what}: address must be "i32" or "i64"`);
    return type === "i64";
  }

  /** initial and maximum of a descriptor, after its other members that come before them. */
  function limits(descriptor, is64, what) {
    const { initial } = descriptor;
    if (initial === undefined) throw new TypeError(`${what}: initial is required`);
    const low = toAddress(initial, is64, `${what}: initial`);
    const { maximum } = descriptor;
    const high = maximum === undefined ? -1 : toAddress(maximum, is64, `${what}: maximum`);
    return { low, high };
  }

  function checkLimits({ low, high }, most, what) {
    if (high >= 0 && high < low) throw new RangeError(`${what}: maximum is less than initial`);
    if (low > most) throw new RangeError(`${what}: initial is above the limit of ${most}`);
  }

  /** The bytes of a BufferSource, for an op to read at once. */
  function bufferSource(value, what) {
    if (ArrayBufferIsView(value)) return value;
    try {
      ArrayBufferPrototypeGetByteLength(value);
      return value;
    } catch {
      // not an ArrayBuffer
    }
    try {
      SharedArrayBufferPrototypeGetByteLength(value);
      return value;
    } catch {
      throw new TypeError(`${what}: the first argument must be an ArrayBuffer or a view of one`);
    }
  }

  function importsArgument(value, what) {
    if (value !== undefined && !isObject(value)) throw new TypeError(`${what}: the imports must be an object`);
    return value;
  }

  /** WebIDL members are enumerable. */
  function defineInterface(Class, name) {
    const makeEnumerable = (object, skip) => {
      const keys = ReflectOwnKeys(object);
      for (let i = 0; i < keys.length; i++) {
        if (!skip[keys[i]]) ObjectDefineProperty(object, keys[i], { __proto__: null, enumerable: true });
      }
    };
    makeEnumerable(Class.prototype, { __proto__: null, constructor: true });
    makeEnumerable(Class, { __proto__: null, length: true, name: true, prototype: true });
    ObjectDefineProperty(Class.prototype, SymbolToStringTag, {
      __proto__: null, value: `WebAssembly.${name}`, writable: false, enumerable: false, configurable: true,
    });
  }

  /** Stands for the tag that each store has for JavaScript's own exceptions. */
  const kJsTagId = ops.wasmJsTag();

  /** Asks a constructor for an object over an item that the store has. Out of reach of users. */
  const existing = { __proto__: null, item: undefined, options: undefined };
  function objectOf(Class, id) {
    if (id === kJsTagId) return getJsTag();
    const object = ops.wasmObject(id);
    if (object !== undefined) return object;
    existing.item = id;
    return new Class(existing);
  }

  // --- Module ---

  /** The handle of a compiled module; `what` is for messages. */
  function compileHandle(bytes, options, what) {
    const handle = ops.wasmCompile(bytes, options.builtins, options.constants);
    if (!options.valid) throw new CompileError(`${what}: builtins names a set twice`);
    return handle;
  }

  let moduleHandle;
  let moduleOptions;
  let isModule;
  class Module {
    #handle;
    #options;

    constructor(bytes) {
      if (bytes === existing) {
        this.#handle = existing.item;
        this.#options = existing.options;
        return;
      }
      const what = "WebAssembly.Module()";
      need(arguments, 1, what);
      const source = bufferSource(bytes, what);
      this.#options = compileOptions(arguments[1], what);
      this.#handle = compileHandle(source, this.#options, what);
      withPrototype(this, new.target, Module);
    }

    static exports(module) {
      need(arguments, 1, "WebAssembly.Module.exports()");
      const flat = ops.wasmModuleExports(Module.#handleOf(module));
      const list = [];
      for (let i = 0; i < flat.length; i += 2) ArrayPrototypePush(list, { name: flat[i], kind: flat[i + 1] });
      return list;
    }

    static imports(module) {
      need(arguments, 1, "WebAssembly.Module.imports()");
      const flat = ops.wasmModuleImports(Module.#handleOf(module));
      const list = [];
      for (let i = 0; i < flat.length; i += 4) {
        if (providedImport(module.#options, flat[i], flat[i + 1]) !== undefined) continue;
        ArrayPrototypePush(list, { module: flat[i], name: flat[i + 1], kind: flat[i + 2] });
      }
      return list;
    }

    static customSections(module, sectionName) {
      need(arguments, 2, "WebAssembly.Module.customSections()");
      const handle = Module.#handleOf(module);
      const name = toText(sectionName);
      return StringPrototypeIsWellFormed(name) ? ops.wasmCustomSections(handle, name) : [];
    }

    static #handleOf(module) {
      if (isObject(module) && #handle in module) return module.#handle;
      throw new TypeError("the first argument must be a WebAssembly.Module");
    }

    static {
      moduleHandle = (module) => Module.#handleOf(module);
      moduleOptions = (module) => module.#options;
      isModule = (value) => isObject(value) && #handle in value;
    }
  }

  // --- Imports and exports ---

  /** Reads the imports of a module, in its order, as wasmInstantiate takes them. */
  function readImports(module, importObject) {
    const handle = moduleHandle(module);
    const options = moduleOptions(module);
    const wanted = ops.wasmModuleImports(handle);
    const given = [];
    if (wanted.length > 0 && importObject === undefined) {
      throw new TypeError("the module has imports: an object with them is required");
    }
    for (let i = 0; i < wanted.length; i += 4) {
      const provided = providedImport(options, wanted[i], wanted[i + 1]);
      if (provided !== undefined) {
        ArrayPrototypePush(given, provided);
        continue;
      }
      const part = importObject[wanted[i]];
      const what = `import ${wanted[i]}.${wanted[i + 1]}`;
      if (!isObject(part)) throw new TypeError(`${what}: ${wanted[i]} is no object`);
      ArrayPrototypePush(given, readImport(part[wanted[i + 1]], wanted[i + 2], wanted[i + 3], what));
    }
    return given;
  }

  function readImport(value, kind, content, what) {
    if (kind === "function") {
      if (typeof value !== "function") throw new LinkError(`${what} must be a function`);
      return functionIds.get(value) ?? value;
    }
    const Class = classes[kind];
    const id = Class.idOf(value);
    if (id !== undefined) return id;
    if (kind === "global" && isGlobalValue(value, content)) return [value];
    throw new LinkError(`${what} must be a WebAssembly.${Class.title}`);
  }

  /** Whether a plain value can stand for an immutable global of the type. */
  function isGlobalValue(value, content) {
    switch (content) {
      case "i64":
        return typeof value === "bigint";
      case "i32": case "f32": case "f64":
        return typeof value === "number";
      case "externref":
        return true;
      case "funcref":
        return value === null || functionIds.has(value);
      default:
        return false;
    }
  }

  /** The frozen object of an instance's exports. */
  function instantiate(handle, given) {
    const items = ops.wasmInstantiate(handle, given);
    const declared = ops.wasmModuleExports(handle);
    const exports = { __proto__: null };
    for (let i = 0; i < items.length; i++) {
      const kind = declared[2 * i + 1];
      const value = kind === "function" ? items[i] : objectOf(classes[kind].Class, items[i]);
      ObjectDefineProperty(exports, declared[2 * i], {
        __proto__: null, value, writable: false, enumerable: true, configurable: false,
      });
    }
    return ObjectFreeze(exports);
  }

  // --- Instance ---

  class Instance {
    #exports;

    constructor(module) {
      if (module === existing) {
        this.#exports = existing.item;
        return;
      }
      need(arguments, 1, "WebAssembly.Instance()");
      const handle = moduleHandle(module);
      const imports = importsArgument(arguments[1], "WebAssembly.Instance()");
      this.#exports = instantiate(handle, readImports(module, imports));
      withPrototype(this, new.target, Instance);
    }

    get exports() {
      return this.#exports;
    }
  }

  function newInstance(exports) {
    existing.item = exports;
    return new Instance(existing);
  }

  // --- Memory ---

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

  // --- Table ---

  const kinds = { __proto__: null, i32: 0, i64: 1, f32: 2, f64: 3, v128: 4, anyfunc: 5, externref: 6 };
  function valueKind(name, what) {
    const type = toText(name);
    const kind = kinds[type];
    if (kind === undefined) throw new TypeError(`${what}: "${type}" is no value type`);
    return kind;
  }
  /** DefaultValue, as ToJSValue gives it. */
  const defaults = [0, 0n, 0, 0, undefined, null, undefined];
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

  // --- Global ---

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

  // --- Tag and Exception ---

  let tagId;
  class Tag {
    #id;
    #store;

    constructor(type) {
      if (type === existing) {
        this.#id = existing.item;
        if (this.#id !== kJsTagId) this.#store = ops.wasmBind(this.#id, this);
        return;
      }
      const what = "WebAssembly.Tag()";
      need(arguments, 1, what);
      if (!isObject(type)) throw new TypeError(`${what}: the type must be an object`);
      const names = toArray(type.parameters);
      const list = [];
      for (let i = 0; i < names.length; i++) ArrayPrototypePush(list, valueKind(names[i], what));
      this.#id = ops.wasmTagNew(list);
      this.#store = ops.wasmBind(this.#id, this);
      withPrototype(this, new.target, Tag);
    }

    static {
      tagId = (value) => (isObject(value) && #id in value ? value.#id : undefined);
    }
  }

  function requireTag(value, what) {
    const id = tagId(value);
    if (id === undefined) throw new TypeError(`${what}: the first argument must be a WebAssembly.Tag`);
    return id;
  }

  /** ExceptionOptions */
  function traceStack(options, what) {
    if (options === undefined || options === null) return false;
    if (!isObject(options)) throw new TypeError(`${what}: the options must be an object`);
    return !!options.traceStack;
  }

  let exceptionHandle;
  class Exception {
    #handle;
    #store;
    #stack;

    constructor(tag, payload) {
      if (tag === existing) {
        this.#handle = existing.item;
      } else {
        const what = "WebAssembly.Exception()";
        need(arguments, 2, what);
        const id = requireTag(tag, what);
        if (tag === jsTag) throw new TypeError(`${what}: WebAssembly.JSTag is for JavaScript's own exceptions`);
        const values = toArray(payload);
        const traced = traceStack(arguments[2], what);
        this.#handle = ops.wasmExceptionNew(id, values);
        if (traced) this.#stack = userStack(new Error().stack, "");
      }
      this.#store = ops.wasmExceptionBind(this.#handle, new WeakRef(this));
      withPrototype(this, new.target, Exception);
    }

    is(tag) {
      const handle = this.#handle;
      need(arguments, 1, "WebAssembly.Exception.is()");
      return ops.wasmExceptionIs(handle, requireTag(tag, "WebAssembly.Exception.is()"));
    }

    get stack() {
      return this.#stack;
    }

    getArg(tag, index) {
      const handle = this.#handle;
      const what = "WebAssembly.Exception.getArg()";
      need(arguments, 2, what);
      const id = requireTag(tag, what);
      const at = toUint32(index, "index");
      if (!ops.wasmExceptionIs(handle, id)) throw new TypeError(`${what}: the exception has another tag`);
      return ops.wasmExceptionGet(handle, at);
    }

    static {
      exceptionHandle = (value) => (isObject(value) && #handle in value ? value.#handle : undefined);
    }
  }

  let jsTag;
  function getJsTag() {
    if (jsTag === undefined) {
      existing.item = kJsTagId;
      jsTag = new Tag(existing);
    }
    return jsTag;
  }

  const classes = {
    __proto__: null,
    memory: { Class: Memory, idOf: memoryId, title: "Memory" },
    table: { Class: Table, idOf: tableId, title: "Table" },
    global: { Class: Global, idOf: globalId, title: "Global" },
    tag: { Class: Tag, idOf: tagId, title: "Tag" },
  };

  // --- The namespace ---

  function compileBytes(bytes, options, what) {
    existing.item = compileHandle(bytes, options, what);
    existing.options = options;
    return new Module(existing);
  }

  async function instantiateBytes(bytes, imports, options, what) {
    const module = compileBytes(bytes, options, what);
    const handle = moduleHandle(module);
    await undefined;
    return { module, instance: newInstance(instantiate(handle, readImports(module, imports))) };
  }

  async function instantiateModule(module, imports) {
    const handle = moduleHandle(module);
    const given = readImports(module, imports);
    await undefined;
    return newInstance(instantiate(handle, given));
  }

  /** The bytes of a Response, or of anything that has arrayBuffer(). */
  async function responseBytes(source, what) {
    const response = await source;
    if (!isObject(response) || typeof response.arrayBuffer !== "function") {
      throw new TypeError(`${what}: the first argument must be a Response or a promise for one`);
    }
    return bufferSource(await response.arrayBuffer(), what);
  }

  /** A promise for what `run` returns; it is rejected with what `run` throws. */
  const promise = async (run) => run();

  const WebAssembly = {
    validate(bytes) {
      need(arguments, 1, "WebAssembly.validate()");
      const source = bufferSource(bytes, "WebAssembly.validate()");
      const options = compileOptions(arguments[1], "WebAssembly.validate()");
      return ops.wasmValidate(source, options.builtins, options.constants) && options.valid;
    },

    // Plain functions that give promises: an async method would have another prototype.
    compile(bytes) {
      return promise(() => {
        const what = "WebAssembly.compile()";
        need(arguments, 1, what);
        const source = bufferSource(bytes, what);
        return compileBytes(source, compileOptions(arguments[1], what), what);
      });
    },

    instantiate(source) {
      return promise(() => {
        const what = "WebAssembly.instantiate()";
        need(arguments, 1, what);
        if (isModule(source)) return instantiateModule(source, importsArgument(arguments[1], what));
        const bytes = bufferSource(source, what);
        const imports = importsArgument(arguments[1], what);
        return instantiateBytes(bytes, imports, compileOptions(arguments[2], what), what);
      });
    },

    compileStreaming(source) {
      return promise(async () => {
        const what = "WebAssembly.compileStreaming()";
        need(arguments, 1, what);
        const options = compileOptions(arguments[1], what);
        return compileBytes(await responseBytes(source, what), options, what);
      });
    },

    instantiateStreaming(source) {
      return promise(async () => {
        const what = "WebAssembly.instantiateStreaming()";
        need(arguments, 1, what);
        const imports = importsArgument(arguments[1], what);
        const options = compileOptions(arguments[2], what);
        return instantiateBytes(await responseBytes(source, what), imports, options, what);
      });
    },
  };
  ObjectDefineProperty(WebAssembly, SymbolToStringTag, {
    __proto__: null, value: "WebAssembly", writable: false, enumerable: false, configurable: true,
  });

  const interfaces = { __proto__: null, Module, Instance, Memory, Table, Global, Tag, Exception };
  const names = ReflectOwnKeys(interfaces);
  for (let i = 0; i < names.length; i++) {
    defineInterface(interfaces[names[i]], names[i]);
    ObjectDefineProperty(WebAssembly, names[i], hidden(interfaces[names[i]]));
  }
  ObjectDefineProperty(WebAssembly, "CompileError", hidden(CompileError));
  ObjectDefineProperty(WebAssembly, "LinkError", hidden(LinkError));
  ObjectDefineProperty(WebAssembly, "RuntimeError", hidden(RuntimeError));
  const { get } = ReflectGetOwnPropertyDescriptor({ get JSTag() { return getJsTag(); } }, "JSTag");
  ObjectDefineProperty(WebAssembly, "JSTag", { __proto__: null, get, enumerable: true, configurable: true });
  defineGlobal("WebAssembly", WebAssembly);

  // --- Buffers of memories cannot be detached, except by growing the memory ---

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
    primordials.ArrayBufferPrototypeGetDetached, ArrayBufferPrototypeGetByteLength, primordials.ArrayBufferPrototypeGetMaxByteLength,
  );
  guardResize(
    primordials.SharedArrayBuffer.prototype, "grow", primordials.SharedArrayBufferPrototypeGetGrowable,
    () => false, SharedArrayBufferPrototypeGetByteLength, primordials.SharedArrayBufferPrototypeGetMaxByteLength,
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

  // --- What the probe shows ---

  // A module that uses each proposal: what follows the magic number and the version, in hexadecimal.
  const proposals = {
    mutableGlobals: "0606017f0141000b07050101670300",
    signExtension: "01060160017f017f030201000a070105002000c00b",
    saturatedFloatToInt: "01060160017d017f030201000a080106002000fc000b",
    multiValue: "0106016000027f7f030201000a08010600410041000b",
    bulkMemory: "0104016000000302010005030100010a0d010b00410041004100fc0b000b",
    referenceTypes: "01050160016f00030201000404016f00010a0a0108004100200026000b",
    simd: "0105016000017f030201000a0d010b004100fd0ffd62fd1b000b",
    relaxedSimd: "01080160037b7b7b017b030201000a0d010b00200020012002fd85020b",
    threads: "0105016000017f030201000504010301010a0c010a0041004101fe1e02000b",
    tailCalls: "010401600000030201000a0601040012000b",
    exceptions: "010401600000030201000d030100000a10010e0002401f400100000008000b0b0b",
    extendedConst: "0609017f00410141026a0b",
    gc: "010a025f017f006000016400030201010a090107004100fb00000b",
    typedFunctionReferences: "0109026000006001640000030201010a08010600200014000b",
    memory64: "0105016000017f0302010005030104010a0901070042002802000b",
    multiMemory: "0105016000017f03020100050502000100010a0a0108004100284201000b",
  };

  /** {proposal: whether a module that uses it compiles and instantiates} */
  runtime.wasmFeatures = () => {
    const features = {};
    const keys = ReflectOwnKeys(proposals);
    for (let i = 0; i < keys.length; i++) {
      const text = `0061736d01000000${proposals[keys[i]]}`;
      const bytes = new primordials.Uint8Array(text.length / 2);
      for (let at = 0; at < bytes.length; at++) bytes[at] = +`0x${text[2 * at]}${text[2 * at + 1]}`;
      try {
        ops.wasmInstantiate(ops.wasmCompile(bytes), []);
        features[keys[i]] = true;
      } catch {
        features[keys[i]] = false;
      }
    }
    return features;
  };
});
