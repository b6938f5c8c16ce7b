// What the ops of native/wasm ask of JavaScript: exported functions, exceptions, structs and arrays by their ids.
(function (runtime) {
  "use strict";
  const { ops, primordials } = runtime;
  if (ops.wasmCompile === undefined) return;
  const { ObjectAssign, ObjectFreeze, SafeWeakMap, WeakRef, WeakRefPrototypeDeref } = primordials;
  const { Exception, exceptionHandle, existing, isObject, isTrap, makeError, toArray } = runtime.wasm;

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
    exceptionHandle: (value) => isTrap(value) || exceptionHandle(value),
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

  ObjectAssign(runtime.wasm, { functionIds });
});
