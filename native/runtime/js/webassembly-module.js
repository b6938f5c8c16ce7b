// WebAssembly.Module.
(function (runtime) {
  "use strict";
  const { ops, primordials } = runtime;
  if (ops.wasmCompile === undefined) return;
  const { ArrayPrototypePush, ObjectAssign, StringPrototypeIsWellFormed, TypeError } = primordials;
  const { CompileError, bufferSource, existing, isObject, need, toText, withPrototype } = runtime.wasm;
  const { compileOptions, providedImport } = runtime.wasmStrings;

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

  function compileBytes(bytes, options, what) {
    existing.item = compileHandle(bytes, options, what);
    existing.options = options;
    return new Module(existing);
  }

  ObjectAssign(runtime.wasm, { Module, moduleHandle, moduleOptions, isModule, compileBytes });
});
