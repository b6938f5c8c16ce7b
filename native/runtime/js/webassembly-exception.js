// WebAssembly.Tag, Exception and JSTag.
(function (runtime) {
  "use strict";
  const { ops, primordials } = runtime;
  if (ops.wasmCompile === undefined) return;
  const { ArrayPrototypePush, Error, ObjectAssign, TypeError, WeakRef } = primordials;
  const { existing, isObject, need, toArray, toUint32, userStack, valueKind, withPrototype } = runtime.wasm;

  /** Stands for the tag that each store has for JavaScript's own exceptions. */
  const kJsTagId = ops.wasmJsTag();

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

  ObjectAssign(runtime.wasm, { Tag, tagId, Exception, exceptionHandle, kJsTagId, getJsTag });
});
