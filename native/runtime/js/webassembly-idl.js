// WebAssembly: WebIDL and the value types, as the classes of the namespace use them.
(function (runtime) {
  "use strict";
  const { ops, primordials } = runtime;
  if (ops.wasmCompile === undefined) return;
  const {
    ArrayBufferIsView, ArrayBufferPrototypeGetByteLength, ArrayPrototypePush, BigInt, BigIntAsIntN, MathTrunc,
    Number, NumberIsFinite, ObjectAssign, ObjectDefineProperty, RangeError, ReflectOwnKeys,
    SharedArrayBufferPrototypeGetByteLength, SymbolIterator, SymbolToStringTag, TypeError, apply,
  } = primordials;
  const { isObject } = runtime.wasm;

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

  const kinds = { __proto__: null, i32: 0, i64: 1, f32: 2, f64: 3, v128: 4, anyfunc: 5, externref: 6 };
  function valueKind(name, what) {
    const type = toText(name);
    const kind = kinds[type];
    if (kind === undefined) throw new TypeError(`${what}: "${type}" is no value type`);
    return kind;
  }
  /** DefaultValue, as ToJSValue gives it. */
  const defaults = [0, 0n, 0, 0, undefined, null, undefined];

  /** Asks a constructor for an object over an item that the store has. Out of reach of users. */
  const existing = { __proto__: null, item: undefined, options: undefined };

  ObjectAssign(runtime.wasm, {
    toArray, toText, need, toUint32, toAddress, fromAddress, toAddressType, limits, checkLimits, bufferSource,
    importsArgument, defineInterface, kinds, valueKind, defaults, existing,
  });
});
