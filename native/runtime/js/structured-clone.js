// structuredClone (HTML, section 2.7): serialization and deserialization in one pass, within this realm.
(function (runtime) {
  "use strict";

  const { DOMException, webidl } = runtime;
  const p = runtime.primordials;
  const {
    ArrayBuffer, ArrayBufferIsView, ArrayBufferPrototypeGetByteLength, ArrayBufferPrototypeGetMaxByteLength,
    ArrayBufferPrototypeGetResizable, ArrayBufferPrototypeTransfer, ArrayIsArray, ArrayPrototypePush, DataView,
    Date, DatePrototypeGetTime, Error, ErrorIsError, Map, MapPrototypeForEach, MapPrototypeGetSize, MapPrototypeSet,
    Object, ObjectDefineProperty, ObjectGetOwnPropertyDescriptor, ObjectGetPrototypeOf, ObjectPrototype, ObjectKeys,
    ObjectPrototypeHasOwnProperty, ObjectPrototypeToString, Promise, RegExp, RegExpPrototypeGetFlags,
    RegExpPrototypeGetSource, SafeMap, Set, SetPrototypeAdd, SetPrototypeForEach, SetPrototypeGetSize, String,
    TypedArrayPrototypeGetSymbolToStringTag, TypedArrayPrototypeSet, Uint8Array,
  } = p;
  const { isArrayBuffer, isSharedArrayBuffer, isObject, viewBuffer } = webidl;

  const cannotClone = (what) => new DOMException(`${what} could not be cloned`, "DataCloneError");
  const accepts = (read, value) => {
    try {
      read(value);
      return true;
    } catch {
      return false;
    }
  };

  // Tests of internal slots; Object.prototype.toString could be misled by Symbol.toStringTag.
  const probe = {};
  const uncloneable = [
    ["A WeakMap", (value) => p.WeakMapPrototypeHas(value, probe)],
    ["A WeakSet", (value) => p.WeakSetPrototypeHas(value, probe)],
    ["A WeakRef", (value) => p.WeakRefPrototypeDeref(value)],
  ];
  const boxes = [
    p.BooleanPrototypeValueOf, p.NumberPrototypeValueOf, p.StringPrototypeValueOf, p.BigIntPrototypeValueOf,
  ];
  const errorConstructors = {
    __proto__: null, EvalError: p.EvalError, RangeError: p.RangeError, ReferenceError: p.ReferenceError,
    SyntaxError: p.SyntaxError, TypeError: p.TypeError, URIError: p.URIError,
  };
  const isError =
    ErrorIsError ?? ((value) => ObjectPrototypeToString(value) === "[object Error]" || value instanceof Error);
  const isPromise = (value) => ObjectPrototypeToString(value) === "[object Promise]" && value instanceof Promise;
  const isPlatformObject = (value) => {
    if (runtime.events.isEvent(value) || runtime.events.isEventTarget(value)) return true;
    const brands = runtime.platformBrands;
    for (let i = 0; i < brands.length; i++) if (brands[i](value)) return true;
    return false;
  };

  function copyView(view, buffer) {
    const type = TypedArrayPrototypeGetSymbolToStringTag(view);
    return type === undefined
      ? new DataView(buffer, p.DataViewPrototypeGetByteOffset(view), p.DataViewPrototypeGetByteLength(view))
      : new p[type](buffer, p.TypedArrayPrototypeGetByteOffset(view), p.TypedArrayPrototypeGetLength(view));
  }

  /** A zeroed ArrayBuffer of the same size, resizable if the other is. */
  function emptyTwin(buffer) {
    const size = ArrayBufferPrototypeGetByteLength(buffer);
    if (!ArrayBufferPrototypeGetResizable?.(buffer)) return new ArrayBuffer(size);
    return new ArrayBuffer(size, { __proto__: null, maxByteLength: ArrayBufferPrototypeGetMaxByteLength(buffer) });
  }

  function isDetached(buffer) {
    return p.ArrayBufferPrototypeGetDetached !== undefined ? p.ArrayBufferPrototypeGetDetached(buffer)
      : !accepts(() => new Uint8Array(buffer), buffer);
  }

  /** Spares ordinary objects the tests of internal slots, each of which costs an exception. */
  const isPlainObject = (value) =>
    ObjectGetPrototypeOf(value) === ObjectPrototype && ObjectPrototypeToString(value) === "[object Object]";

  /** Tests for objects of the platform that cannot be cloned; later files add theirs. */
  runtime.platformBrands = [];

  class Cloner {
    constructor() {
      this.copies = new SafeMap(); // original -> copy; keeps identity and ends cycles
      this.pending = []; // objects whose contents are still to be copied: a list instead of recursion
    }

    run(value) {
      const copy = this.clone(value);
      for (let i = 0; i < this.pending.length; i++) {
        const { original, target, fill } = this.pending[i];
        fill(original, target);
        this.pending[i] = undefined;
      }
      return copy;
    }

    clone(value) {
      if (typeof value === "symbol") throw cannotClone("A symbol");
      if (typeof value === "function") throw cannotClone("A function");
      if (typeof value !== "object" || value === null) return value;
      const known = this.copies.get(value);
      if (known !== undefined) return known;
      const copy = this.create(value);
      this.copies.set(value, copy);
      return copy;
    }

    later(original, target, fill) {
      ArrayPrototypePush(this.pending, { __proto__: null, original, target, fill });
      return target;
    }

    /** The copy of an object; what it contains is copied later. */
    create(value) {
      if (ArrayIsArray(value)) {
        const copy = [];
        copy.length = value.length;
        return this.later(value, copy, this.fillProperties);
      }
      if (isPlainObject(value)) return this.later(value, {}, this.fillProperties);
      for (let i = 0; i < boxes.length; i++) {
        if (accepts(boxes[i], value)) return Object(boxes[i](value));
      }
      if (accepts(p.SymbolPrototypeValueOf, value)) throw cannotClone("A symbol object");
      if (accepts(DatePrototypeGetTime, value)) return new Date(DatePrototypeGetTime(value));
      if (ObjectPrototypeToString(value) === "[object RegExp]" && accepts(RegExpPrototypeGetSource, value)) {
        return new RegExp(RegExpPrototypeGetSource(value), RegExpPrototypeGetFlags(value));
      }
      if (ArrayBufferIsView(value)) return copyView(value, this.clone(viewBuffer(value)));
      if (isArrayBuffer(value)) return this.createBuffer(value);
      if (isSharedArrayBuffer(value)) return value;
      if (accepts(MapPrototypeGetSize, value)) return this.later(value, new Map(), this.fillMap);
      if (accepts(SetPrototypeGetSize, value)) return this.later(value, new Set(), this.fillSet);
      if (isError(value)) return this.createError(value);
      this.refuse(value);
      return this.later(value, {}, this.fillProperties);
    }

    refuse(value) {
      for (let i = 0; i < uncloneable.length; i++) {
        if (accepts(uncloneable[i][1], value)) throw cannotClone(uncloneable[i][0]);
      }
      if (isPromise(value)) throw cannotClone("A Promise");
      if (isPlatformObject(value)) throw cannotClone(ObjectPrototypeToString(value));
    }

    createBuffer(buffer) {
      if (isDetached(buffer)) throw cannotClone("A detached ArrayBuffer");
      const copy = emptyTwin(buffer);
      TypedArrayPrototypeSet(new Uint8Array(copy), new Uint8Array(buffer));
      return copy;
    }

    createError(error) {
      if (runtime.isDOMException(error)) {
        const copy = new DOMException(error.message, error.name);
        return this.setHidden(copy, "stack", error.stack);
      }
      const name = error.name === undefined ? "Error" : String(error.name);
      const message = ObjectGetOwnPropertyDescriptor(error, "message");
      const Constructor = errorConstructors[name] ?? Error;
      const copy = new Constructor();
      if (message !== undefined && "value" in message) this.setHidden(copy, "message", String(message.value));
      const { stack } = error;
      this.setHidden(copy, "stack", typeof stack === "string" ? stack : "");
      if (ObjectPrototypeHasOwnProperty(error, "cause")) this.later(error, copy, this.fillCause);
      return copy;
    }

    setHidden(object, key, value) {
      return ObjectDefineProperty(object, key, {
        __proto__: null, value, writable: true, enumerable: false, configurable: true,
      });
    }

    fillCause = (error, copy) => this.setHidden(copy, "cause", this.clone(error.cause));

    fillProperties = (original, copy) => {
      const keys = ObjectKeys(original);
      for (let i = 0; i < keys.length; i++) {
        // A getter that ran before may have removed it.
        if (!ObjectPrototypeHasOwnProperty(original, keys[i])) continue;
        ObjectDefineProperty(copy, keys[i], {
          __proto__: null, value: this.clone(original[keys[i]]), writable: true, enumerable: true, configurable: true,
        });
      }
    };

    fillMap = (original, copy) => {
      const entries = [];
      MapPrototypeForEach(original, (value, key) => ArrayPrototypePush(entries, key, value));
      for (let i = 0; i < entries.length; i += 2) {
        MapPrototypeSet(copy, this.clone(entries[i]), this.clone(entries[i + 1]));
      }
    };

    fillSet = (original, copy) => {
      const items = [];
      SetPrototypeForEach(original, (item) => ArrayPrototypePush(items, item));
      for (let i = 0; i < items.length; i++) SetPrototypeAdd(copy, this.clone(items[i]));
    };
  }

  function checkTransferList(list) {
    const seen = new SafeMap();
    for (let i = 0; i < list.length; i++) {
      const buffer = list[i];
      if (!isObject(buffer) || !isArrayBuffer(buffer)) throw cannotClone("A transferred value that is no ArrayBuffer");
      if (runtime.isMemoryBuffer?.(buffer)) throw cannotClone("A WebAssembly.Memory's buffer in the transfer list");
      if (seen.has(buffer)) throw cannotClone("An ArrayBuffer that is twice in the transfer list");
      seen.set(buffer, true);
    }
  }

  /**
   * Each buffer to transfer gets an empty twin, over which copied views are made; the bytes move, and the originals are
   * detached, only once everything else has been cloned: a failure changes nothing.
   */
  function cloneAndTransfer(value, transfer) {
    checkTransferList(transfer);
    for (let i = 0; i < transfer.length; i++) if (isDetached(transfer[i])) throw cannotClone("A detached ArrayBuffer");
    const cloner = new Cloner();
    for (let i = 0; i < transfer.length; i++) cloner.copies.set(transfer[i], emptyTwin(transfer[i]));
    const copy = cloner.run(value);
    for (let i = 0; i < transfer.length; i++) move(transfer[i], cloner.copies.get(transfer[i]));
    return copy;
  }

  function move(buffer, twin) {
    const size = isDetached(buffer) ? -1 : ArrayBufferPrototypeGetByteLength(buffer);
    if (size !== ArrayBufferPrototypeGetByteLength(twin)) throw cannotClone("An ArrayBuffer that changed meanwhile");
    let moved;
    try {
      moved = ArrayBufferPrototypeTransfer(buffer);
    } catch {
      throw cannotClone("An ArrayBuffer that cannot be transferred");
    }
    TypedArrayPrototypeSet(new Uint8Array(twin), new Uint8Array(moved));
  }

  const options = webidl.createDictionaryConverter("StructuredSerializeOptions", [
    {
      key: "transfer", converter: webidl.createSequenceConverter(webidl.converters.object), defaultValue: () => [],
    },
  ]);

  runtime.structuredClone = (value, transfer = []) => cloneAndTransfer(value, transfer);
  runtime.defineGlobals(["job", "shell"], {
    __proto__: null,
    structuredClone(value, init = undefined) {
      webidl.requiredArguments(arguments.length, 1, "structuredClone");
      return cloneAndTransfer(value, options(init, "structuredClone: options").transfer);
    },
  });
});
