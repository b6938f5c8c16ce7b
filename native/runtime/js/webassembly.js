// The WebAssembly namespace (WebAssembly JavaScript Interface, W3C) over the ops of native/wasm: one class a file.
//
// The stores know memories, tables, globals, tags and exported functions by an id; each id has one object, which holds
// the store of its item (#store): a store lives as long as one of its objects.
(function (runtime) {
  "use strict";
  const { ops, primordials, defineGlobal } = runtime;
  if (ops.wasmCompile === undefined) return;
  const {
    ObjectDefineProperty, ReflectGetOwnPropertyDescriptor, ReflectOwnKeys, SymbolToStringTag, TypeError,
  } = primordials;
  const {
    CompileError, Exception, Global, Instance, LinkError, Memory, Module, RuntimeError, Table, Tag, bufferSource,
    compileBytes, defineInterface, getJsTag, hidden, importsArgument, instantiate, isModule, isObject, moduleHandle,
    need, newInstance, readImports,
  } = runtime.wasm;
  const { compileOptions } = runtime.wasmStrings;

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
});
