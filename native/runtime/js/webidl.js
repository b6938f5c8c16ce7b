// WebIDL: conversion of JavaScript values, checks and class set-up, for the other files and for generated bindings.
//
// A converter is (value, context, options) => converted; `context` names the place for messages, for example
// "GPUDevice.createBuffer: size". Converters of IDL types are in webidl.converters under the IDL's own spelling.
(function (runtime) {
  "use strict";

  const {
    ArrayBufferIsView, ArrayBufferPrototypeGetByteLength, ArrayBufferPrototypeGetResizable, ArrayIsArray,
    ArrayPrototypePush, BigInt, BigIntAsIntN, BigIntAsUintN, DataViewPrototypeGetBuffer, MathFround, MathTrunc,
    Number, NumberIsFinite, ObjectDefineProperty, ObjectFreeze, ObjectPrototypeIsPrototypeOf, ReflectOwnKeys,
    ReflectGetOwnPropertyDescriptor, SafeArrayIterator, SafeSet, SharedArrayBufferPrototypeGetByteLength,
    SharedArrayBufferPrototypeGetGrowable, String, StringPrototypeCharCodeAt, StringPrototypeToWellFormed,
    SymbolIterator, SymbolToStringTag, TypeError, TypedArrayPrototypeGetBuffer,
    TypedArrayPrototypeGetSymbolToStringTag, apply,
  } = runtime.primordials;

  const converters = { __proto__: null };
  const fail = (context, message) => {
    throw new TypeError(context ? `${context}: ${message}` : message);
  };
  const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

  // --- Primitive types ---

  converters.any = (value) => value;
  converters.undefined = () => undefined;
  converters.boolean = (value) => !!value;
  converters.object = (value, context) => (isObject(value) ? value : fail(context, "not an object"));
  converters.symbol = (value, context) => (typeof value === "symbol" ? value : fail(context, "not a symbol"));

  converters.DOMString = (value, context, options) => {
    if (typeof value === "string") return value;
    if (value === null && options !== undefined && options.legacyNullToEmptyString) return "";
    if (typeof value === "symbol") fail(context, "a symbol cannot be converted to a string");
    return String(value);
  };
  converters.USVString = (value, context, options) =>
    StringPrototypeToWellFormed(converters.DOMString(value, context, options));
  converters.ByteString = (value, context, options) => {
    const string = converters.DOMString(value, context, options);
    for (let i = 0; i < string.length; i++) {
      if (StringPrototypeCharCodeAt(string, i) > 255) fail(context, "a character above U+00FF");
    }
    return string;
  };

  /** ConvertToInt of WebIDL. 64-bit types are limited to the exact integers with [EnforceRange] and [Clamp]. */
  function integerConverter(bits, signed) {
    const limit = bits === 64 ? Number.MAX_SAFE_INTEGER : 2 ** (signed ? bits - 1 : bits) - 1;
    const lower = signed ? (bits === 64 ? Number.MIN_SAFE_INTEGER : -limit - 1) : 0;
    const modulus = 2 ** bits;
    const half = 2 ** (bits - 1);
    return (value, context, options) => {
      if (typeof value !== "number") {
        if (typeof value === "bigint" || typeof value === "symbol") fail(context, `a ${typeof value} is not a number`);
        value = +value;
      }
      if (value >= lower && value <= limit && MathTrunc(value) === value) return value + 0;
      if (options !== undefined && options.enforceRange) {
        if (!NumberIsFinite(value)) fail(context, "not a finite number");
        value = MathTrunc(value) + 0;
        if (value < lower || value > limit) fail(context, `${value} is outside ${lower} to ${limit}`);
        return value;
      }
      if (options !== undefined && options.clamp) {
        if (value !== value) return 0;
        return roundHalfToEven(value < lower ? lower : value > limit ? limit : value);
      }
      if (!NumberIsFinite(value)) return 0;
      value = MathTrunc(value);
      if (bits === 64) return Number(signed ? BigIntAsIntN(64, BigInt(value)) : BigIntAsUintN(64, BigInt(value)));
      value %= modulus;
      if (value < 0) value += modulus;
      return (signed && value >= half ? value - modulus : value) + 0;
    };
  }

  function roundHalfToEven(value) {
    const down = MathTrunc(value) - (value < MathTrunc(value) ? 1 : 0);
    const rest = value - down;
    return (rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down) + 0;
  }

  converters.byte = integerConverter(8, true);
  converters.octet = integerConverter(8, false);
  converters.short = integerConverter(16, true);
  converters["unsigned short"] = integerConverter(16, false);
  converters.long = integerConverter(32, true);
  converters["unsigned long"] = integerConverter(32, false);
  converters["long long"] = integerConverter(64, true);
  converters["unsigned long long"] = integerConverter(64, false);

  function floatConverter(round, restricted) {
    return (value, context) => {
      if (typeof value === "bigint" || typeof value === "symbol") fail(context, `a ${typeof value} is not a number`);
      const number = round(+value);
      if (restricted && !NumberIsFinite(number)) fail(context, "not a finite number");
      return number;
    };
  }
  const same = (value) => value;
  converters.double = floatConverter(same, true);
  converters["unrestricted double"] = floatConverter(same, false);
  converters.float = floatConverter(MathFround, true);
  converters["unrestricted float"] = floatConverter(MathFround, false);

  // --- Buffers ---

  const test = (getter) => (value) => {
    try {
      getter(value);
      return true;
    } catch {
      return false;
    }
  };
  const isArrayBuffer = test(ArrayBufferPrototypeGetByteLength);
  const isSharedArrayBuffer =
    SharedArrayBufferPrototypeGetByteLength === undefined ? () => false : test(SharedArrayBufferPrototypeGetByteLength);
  /** The buffer behind a typed array or DataView. */
  const viewBuffer = (view) =>
    TypedArrayPrototypeGetSymbolToStringTag(view) === undefined
      ? DataViewPrototypeGetBuffer(view)
      : TypedArrayPrototypeGetBuffer(view);

  function checkBuffer(buffer, context, options) {
    const shared = !isArrayBuffer(buffer);
    if (shared && !(options !== undefined && options.allowShared)) fail(context, "shared memory is not allowed here");
    if (options !== undefined && options.allowResizable) return;
    const resizable = shared ? SharedArrayBufferPrototypeGetGrowable : ArrayBufferPrototypeGetResizable;
    if (resizable !== undefined && resizable(buffer)) fail(context, "a resizable buffer is not allowed here");
  }
  converters.ArrayBufferView = (value, context, options) => {
    if (!ArrayBufferIsView(value)) fail(context, "not a typed array or DataView");
    checkBuffer(viewBuffer(value), context, options);
    return value;
  };
  converters.ArrayBuffer = (value, context, options) => {
    if (!isObject(value) || !isArrayBuffer(value)) fail(context, "not an ArrayBuffer");
    checkBuffer(value, context, options);
    return value;
  };
  converters.BufferSource = (value, context, options) => {
    if (ArrayBufferIsView(value)) return converters.ArrayBufferView(value, context, options);
    if (!isObject(value) || !(isArrayBuffer(value) || isSharedArrayBuffer(value))) {
      fail(context, "not an ArrayBuffer, typed array or DataView");
    }
    checkBuffer(value, context, options);
    return value;
  };
  converters.AllowSharedBufferSource = (value, context) =>
    converters.BufferSource(value, context, { __proto__: null, allowShared: true });

  converters.Function = (value, context) => (typeof value === "function" ? value : fail(context, "not a function"));

  // --- Compound types ---

  const createNullableConverter = (converter) => (value, context, options) =>
    value === null || value === undefined ? null : converter(value, context, options);

  const arrayValues = [][SymbolIterator];
  const arrayIterator = [][SymbolIterator]().__proto__;
  const arrayNext = arrayIterator.next;

  /** Whether the iterator that `method` gives reads `iterable` by index, as that of an array does. */
  const isIndexed = (iterable, method) =>
    method === arrayValues && arrayIterator.next === arrayNext && ArrayIsArray(iterable);

  /** Calls visit(item, index) for each item of an iterable; arrays with the usual iterator are read by index. */
  function forEachOf(iterable, method, context, visit) {
    if (isIndexed(iterable, method)) {
      for (let i = 0; i < iterable.length; i++) visit(iterable[i], i);
      return;
    }
    const iterator = apply(method, iterable, []);
    if (!isObject(iterator)) fail(context, "its iterator is not an object");
    const next = iterator.next;
    for (let i = 0; ; i++) {
      const step = apply(next, iterator, []);
      if (!isObject(step)) fail(context, "its iterator did not give an object");
      if (step.done) return;
      visit(step.value, i);
    }
  }

  /** sequence<T> */
  const toSequence = (value, converter, context, options) => {
    if (!isObject(value)) fail(context, "not iterable");
    const method = value[SymbolIterator];
    const items = [];
    if (isIndexed(value, method)) {
      for (let i = 0; i < value.length; i++) items[i] = converter(value[i], context, options);
      return items;
    }
    if (typeof method !== "function") fail(context, "not iterable");
    forEachOf(value, method, context, (item, index) => {
      items[index] = converter(item, context, options);
    });
    return items;
  };

  const createSequenceConverter = (converter, options) => (value, context) =>
    toSequence(value, converter, context, options);

  /** record<K, V>; the result is an array of [key, value]. */
  const createRecordConverter = (keyConverter, valueConverter) => (value, context) => {
    if (!isObject(value)) fail(context, "not an object");
    const entries = [];
    const keys = ReflectOwnKeys(value);
    for (let i = 0; i < keys.length; i++) {
      const descriptor = ReflectGetOwnPropertyDescriptor(value, keys[i]);
      if (descriptor === undefined || !descriptor.enumerable) continue;
      const key = keyConverter(keys[i], context);
      ArrayPrototypePush(entries, [key, valueConverter(value[keys[i]], context)]);
    }
    return entries;
  };

  const createEnumConverter = (name, values) => {
    const known = new SafeSet();
    for (let i = 0; i < values.length; i++) known.add(values[i]);
    return (value, context) => {
      const string = converters.DOMString(value, context);
      return known.has(string) ? string : fail(context, `"${string}" is not a value of ${name}`);
    };
  };

  /**
   * A dictionary from its members, `{ key, converter, options, required, defaultValue }`, in the order of reading:
   * inherited ones first, then by name. A defaultValue that is a function makes a fresh default.
   * The result has no prototype, and absent members are absent.
   */
  const createDictionaryConverter = (name, members) => {
    for (const member of new SafeArrayIterator(members)) member.path = `${name}.${member.key}`;
    return (value, context) => {
      if (value !== undefined && value !== null && !isObject(value)) fail(context, `not an object (${name})`);
      const result = { __proto__: null };
      for (let i = 0; i < members.length; i++) {
        const member = members[i];
        const given = value === undefined || value === null ? undefined : value[member.key];
        if (given !== undefined) {
          result[member.key] = member.converter(given, member.path, member.options);
        } else if (member.required) {
          fail(context, `${member.path} is required`);
        } else if (member.defaultValue !== undefined) {
          const { defaultValue } = member;
          result[member.key] = typeof defaultValue === "function" ? defaultValue() : defaultValue;
        }
      }
      return result;
    };
  };

  /** Objects for which `isInstance(value)`, or, given a class, those that inherit from its prototype. */
  const createInterfaceConverter = (name, classOrTest) => {
    const isInstance =
      classOrTest.prototype === undefined
        ? classOrTest
        : (value) => ObjectPrototypeIsPrototypeOf(classOrTest.prototype, value);
    return (value, context) => (isObject(value) && isInstance(value) ? value : fail(context, `not a ${name}`));
  };

  /** Promise<T>: a promise for the value. */
  const createPromiseConverter = (converter) => async (value, context) => converter(await value, context);

  // --- Checks and classes ---

  const requiredArguments = (given, required, context) => {
    if (given >= required) return;
    fail(context, `${required} argument${required === 1 ? "" : "s"} required, but only ${given} present`);
  };

  /** Passed to the constructor of a class that user code cannot construct. */
  const constructionToken = ObjectFreeze({ __proto__: null });
  const illegalConstructor = () => {
    throw new TypeError("Illegal constructor");
  };
  const checkConstructionToken = (token) => {
    if (token !== constructionToken) illegalConstructor();
  };

  /** Makes a class look as WebIDL says: enumerable members, Symbol.toStringTag. */
  const configureInterface = (Class, name = Class.name) => {
    const makeEnumerable = (object, key) => {
      const descriptor = ReflectGetOwnPropertyDescriptor(object, key);
      if (!descriptor.configurable) return;
      ObjectDefineProperty(object, key, { __proto__: null, enumerable: true });
    };
    for (const key of new SafeArrayIterator(ReflectOwnKeys(Class.prototype))) {
      if (key !== "constructor" && typeof key === "string") makeEnumerable(Class.prototype, key);
    }
    for (const key of new SafeArrayIterator(ReflectOwnKeys(Class))) {
      if (typeof key !== "string" || key === "name" || key === "length" || key === "prototype") continue;
      makeEnumerable(Class, key);
    }
    ObjectDefineProperty(Class.prototype, SymbolToStringTag, { __proto__: null, value: name, configurable: true });
    return Class;
  };

  /** Constants of an interface: on the class and on its prototype, read-only. */
  const defineConstants = (Class, constants) => {
    for (const key of new SafeArrayIterator(ReflectOwnKeys(constants))) {
      const descriptor = { __proto__: null, value: constants[key], enumerable: true };
      ObjectDefineProperty(Class, key, descriptor);
      if (Class.prototype !== undefined) ObjectDefineProperty(Class.prototype, key, descriptor);
    }
  };

  runtime.webidl = ObjectFreeze({
    __proto__: null, converters, createNullableConverter, createSequenceConverter, createRecordConverter,
    createEnumConverter, createDictionaryConverter, createInterfaceConverter, createPromiseConverter,
    requiredArguments, constructionToken, illegalConstructor, checkConstructionToken, configureInterface,
    defineConstants, isObject, isArrayBuffer, isSharedArrayBuffer, viewBuffer, forEachOf, toSequence, integerConverter,
  });
});
