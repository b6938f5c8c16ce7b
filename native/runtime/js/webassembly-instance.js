// WebAssembly.Instance: imports in, exports out.
(function (runtime) {
  "use strict";
  const { ops, primordials } = runtime;
  if (ops.wasmCompile === undefined) return;
  const { ArrayPrototypePush, ObjectAssign, ObjectDefineProperty, ObjectFreeze, TypeError } = primordials;
  const {
    Global, LinkError, Memory, Table, Tag, existing, functionIds, getJsTag, globalId, importsArgument, isObject,
    kJsTagId, memoryId, moduleHandle, moduleOptions, need, tableId, tagId, withPrototype,
  } = runtime.wasm;
  const { providedImport } = runtime.wasmStrings;

  const classes = {
    __proto__: null,
    memory: { Class: Memory, idOf: memoryId, title: "Memory" },
    table: { Class: Table, idOf: tableId, title: "Table" },
    global: { Class: Global, idOf: globalId, title: "Global" },
    tag: { Class: Tag, idOf: tagId, title: "Tag" },
  };

  /** The object over an item that the store has. */
  function objectOf(Class, id) {
    if (id === kJsTagId) return getJsTag();
    const object = ops.wasmObject(id);
    if (object !== undefined) return object;
    existing.item = id;
    return new Class(existing);
  }

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

  ObjectAssign(runtime.wasm, { Instance, newInstance, instantiate, readImports });
});
