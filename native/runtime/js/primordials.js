// Copies of the builtins, taken before any user code runs, so that later changes by user code cannot reach the runtime.
//
// Names: a static Array.isArray is ArrayIsArray, a method Array.prototype.push is ArrayPrototypePush(array, ...items),
// a getter Map.prototype.size is MapPrototypeGetSize(map), a setter ...PrototypeSetName(object, value), a symbol key
// ArrayPrototypeSymbolIterator(array). Array spread, array destructuring and for-of use the iterators that user code
// can replace: loop by index, or over SafeArrayIterator, SafeMap and SafeSet.
(function (runtime) {
  "use strict";

  const { apply, construct, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
  const { call, bind, apply: functionApply } = Function.prototype;
  const { freeze, setPrototypeOf } = Object;

  /** fn, with `this` as its first argument. */
  const uncurryThis = bind.bind(call);
  /** fn, taking `this` and an array of arguments. */
  const applyBind = bind.bind(functionApply);

  const primordials = { __proto__: null, uncurryThis, applyBind, globalThis };

  const toUpperCase = uncurryThis(String.prototype.toUpperCase);
  const slice = uncurryThis(String.prototype.slice);
  const capitalize = (name) => toUpperCase(name[0]) + slice(name, 1);
  /** "push" -> "Push", Symbol.iterator -> "SymbolIterator" */
  const keyName = (key) =>
    typeof key === "symbol" ? `Symbol${capitalize(slice(key.description, 7))}` : capitalize(key);

  const notStatics = { __proto__: null, length: true, name: true, prototype: true, caller: true, arguments: true };

  function copyStatics(source, prefix, self) {
    for (const key of ownKeys(source)) {
      if (notStatics[key] === true) continue;
      const descriptor = getOwnPropertyDescriptor(source, key);
      if ("get" in descriptor) continue;
      const { value } = descriptor;
      primordials[prefix + keyName(key)] = typeof value === "function" && self ? bind.call(value, self) : value;
    }
  }

  function copyPrototype(prototype, prefix) {
    for (const key of ownKeys(prototype)) {
      if (key === "constructor" || key === "__proto__" || key === "caller" || key === "arguments") continue;
      const name = keyName(key);
      const { get, set, value } = getOwnPropertyDescriptor(prototype, key);
      if (get !== undefined) primordials[`${prefix}Get${name}`] = uncurryThis(get);
      if (set !== undefined) primordials[`${prefix}Set${name}`] = uncurryThis(set);
      if (get === undefined && set === undefined) {
        primordials[prefix + name] = typeof value === "function" ? uncurryThis(value) : value;
      }
    }
  }

  for (const name of ["Atomics", "JSON", "Math", "Reflect"]) {
    if (globalThis[name] !== undefined) copyStatics(globalThis[name], name);
  }

  const constructors = [
    "AggregateError", "Array", "ArrayBuffer", "BigInt", "BigInt64Array", "BigUint64Array", "Boolean", "DataView",
    "Date", "Error", "EvalError", "FinalizationRegistry", "Float16Array", "Float32Array", "Float64Array", "Function",
    "Int16Array", "Int32Array", "Int8Array", "Map", "Number", "Object", "Promise", "RangeError", "ReferenceError",
    "RegExp", "Set", "SharedArrayBuffer", "String", "Symbol", "SyntaxError", "TypeError", "URIError", "Uint16Array",
    "Uint32Array", "Uint8Array", "Uint8ClampedArray", "WeakMap", "WeakRef", "WeakSet",
  ];
  for (const name of constructors) {
    const constructor = globalThis[name];
    if (constructor === undefined) continue;
    primordials[name] = constructor;
    copyStatics(constructor, name, name === "Promise" ? constructor : undefined);
    copyPrototype(constructor.prototype, `${name}Prototype`);
  }
  primordials.Proxy = Proxy;
  for (const name of ["decodeURIComponent", "encodeURIComponent", "parseFloat", "parseInt"]) {
    primordials[name] = globalThis[name];
  }

  const intrinsics = {
    TypedArray: getPrototypeOf(Uint8Array),
    AsyncFunction: getPrototypeOf(async () => {}).constructor,
    GeneratorFunction: getPrototypeOf(function* () {}).constructor,
    AsyncGeneratorFunction: getPrototypeOf(async function* () {}).constructor,
  };
  for (const name of ownKeys(intrinsics)) {
    primordials[name] = intrinsics[name];
    copyStatics(intrinsics[name], name);
    copyPrototype(intrinsics[name].prototype, `${name}Prototype`);
  }
  // The prototypes themselves, for identity checks and Object.create.
  primordials.ObjectPrototype = Object.prototype;
  primordials.ErrorPrototype = Error.prototype;
  primordials.IteratorPrototype = getPrototypeOf(getPrototypeOf([][Symbol.iterator]()));
  primordials.AsyncIteratorPrototype = getPrototypeOf(getPrototypeOf(async function* () {}.prototype));
  const arrayIterator = getPrototypeOf([][Symbol.iterator]());
  const stringIterator = getPrototypeOf(""[Symbol.iterator]());
  const mapIterator = getPrototypeOf(new Map()[Symbol.iterator]());
  const setIterator = getPrototypeOf(new Set()[Symbol.iterator]());

  // Iterators whose next() cannot be replaced.
  function makeSafeIterator(start, next) {
    class SafeIterator {
      #iterator;
      constructor(iterable) {
        this.#iterator = start(iterable);
      }
      next() {
        return next(this.#iterator);
      }
      [Symbol.iterator]() {
        return this;
      }
    }
    setPrototypeOf(SafeIterator.prototype, null);
    freeze(SafeIterator.prototype);
    return freeze(SafeIterator);
  }
  primordials.SafeArrayIterator = makeSafeIterator(
    uncurryThis(Array.prototype[Symbol.iterator]), uncurryThis(arrayIterator.next));
  primordials.SafeStringIterator = makeSafeIterator(
    uncurryThis(String.prototype[Symbol.iterator]), uncurryThis(stringIterator.next));

  // Collections whose methods are their own, frozen, and out of reach of Map.prototype and its like.
  function makeSafe(Base, iteratorPrototype) {
    const Safe = class extends Base {
      constructor() {
        super();
      }
    };
    const next = iteratorPrototype && uncurryThis(iteratorPrototype.next);
    for (const key of ownKeys(Base.prototype)) {
      if (key === "constructor") continue;
      const descriptor = getOwnPropertyDescriptor(Base.prototype, key);
      const method = descriptor.value;
      if (next && (key === "keys" || key === "values" || key === "entries" || key === Symbol.iterator)) {
        const Iterator = makeSafeIterator(uncurryThis(method), next);
        descriptor.value = function () {
          return new Iterator(this);
        };
      }
      defineProperty(Safe.prototype, key, descriptor);
    }
    setPrototypeOf(Safe.prototype, null);
    freeze(Safe.prototype);
    return freeze(Safe);
  }
  primordials.SafeMap = makeSafe(Map, mapIterator);
  primordials.SafeSet = makeSafe(Set, setIterator);
  primordials.SafeWeakMap = makeSafe(WeakMap);
  primordials.SafeWeakSet = makeSafe(WeakSet);

  /** A pending promise with its two ends. */
  primordials.makePromise = () => {
    const capability = { __proto__: null, promise: undefined, resolve: undefined, reject: undefined };
    capability.promise = new primordials.Promise((resolve, reject) => {
      capability.resolve = resolve;
      capability.reject = reject;
    });
    return capability;
  };
  /** Calls one of the two when `promise` is settled; nothing is returned, and no species is looked up. */
  primordials.promiseSettle = async (promise, onFulfilled, onRejected) => {
    let value;
    try {
      value = await promise;
    } catch (reason) {
      if (onRejected !== undefined) onRejected(reason);
      return;
    }
    if (onFulfilled !== undefined) onFulfilled(value);
  };
  primordials.apply = apply;
  primordials.construct = construct;

  runtime.primordials = freeze(primordials);

  const hidden = (value) => ({ __proto__: null, value, writable: true, enumerable: false, configurable: true });
  /** Defines a global as WebIDL defines an interface object: writable, configurable, not enumerable. */
  runtime.defineGlobal = (name, value) => defineProperty(globalThis, name, hidden(value));
  /** Defines each property of `values` as a global, in the given modes only. */
  runtime.defineGlobals = (modes, values) => {
    let wanted = false;
    for (let i = 0; i < modes.length; i++) wanted ||= modes[i] === runtime.mode;
    if (!wanted) return;
    const names = ownKeys(values);
    for (let i = 0; i < names.length; i++) runtime.defineGlobal(names[i], values[names[i]]);
  };
});
