// WebAssembly.compileStreaming and instantiateStreaming (WebAssembly Web API) for engines whose own WebAssembly has none.
(function (runtime) {
  "use strict";
  const { ObjectDefineProperty, TypeError, globalThis } = runtime.primordials;
  const { WebAssembly } = globalThis;
  if (runtime.ops.wasmCompile !== undefined || WebAssembly === undefined) return;
  const { compile, instantiate } = WebAssembly;
  if (WebAssembly.compileStreaming !== undefined) return;

  /** The bytes of a Response, or of anything that has arrayBuffer(). */
  async function responseBytes(source, what) {
    const response = await source;
    if (response === null || typeof response !== "object" || typeof response.arrayBuffer !== "function") {
      throw new TypeError(`${what}: the first argument must be a Response or a promise for one`);
    }
    return response.arrayBuffer();
  }

  // Not async methods: those would have another prototype.
  const streaming = {
    compileStreaming(source) {
      const options = arguments[1];
      return (async () => compile(await responseBytes(source, "WebAssembly.compileStreaming()"), options))();
    },
    instantiateStreaming(source) {
      const imports = arguments[1], options = arguments[2];
      return (async () =>
        instantiate(await responseBytes(source, "WebAssembly.instantiateStreaming()"), imports, options))();
    },
  };
  for (const name of ["compileStreaming", "instantiateStreaming"]) {
    ObjectDefineProperty(WebAssembly, name, {
      __proto__: null, value: streaming[name], writable: true, enumerable: true, configurable: true,
    });
  }
});
