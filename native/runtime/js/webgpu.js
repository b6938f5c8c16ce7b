// navigator.gpu and the WebGPU globals. In line mode they appear with initWebGPU(), as DCP's start-up files expect.
(function (runtime) {
  "use strict";

  const { ops, gpu, primordials, defineGlobal, webidl } = runtime;
  const { ArrayPrototypePush, PromiseResolve, ReflectOwnKeys, TypeError } = primordials;
  const { classes, is, namespaces, wire, wrap } = gpu;

  // Made when first asked for: most jobs never do.
  let instance = null;
  const getGpu = () =>
    (instance ??= wrap(classes.GPU, { __proto__: null, wgslLanguageFeatures: gpu.languageFeatures() }));

  let hasGpu = runtime.mode !== "line";

  class Navigator {
    #brand = true;
    constructor(token) {
      webidl.checkConstructionToken(token);
    }
    get gpu() {
      if (!this.#brand) throw new TypeError("Illegal invocation");
      return hasGpu ? getGpu() : undefined;
    }
    // Pyodide takes the length of it.
    get userAgent() {
      if (!this.#brand) throw new TypeError("Illegal invocation");
      return "dcp-evaluator";
    }
  }
  webidl.configureInterface(Navigator);
  defineGlobal("Navigator", Navigator);
  defineGlobal("navigator", new Navigator(webidl.constructionToken));

  const interfaces = ReflectOwnKeys(classes);

  function defineInterfaces() {
    for (let i = 0; i < interfaces.length; i++) defineGlobal(interfaces[i], classes[interfaces[i]]);
    const names = ReflectOwnKeys(namespaces);
    for (let i = 0; i < names.length; i++) defineGlobal(names[i], namespaces[names[i]]);
  }

  if (runtime.mode === "line") {
    defineGlobal("initWebGPU", function initWebGPU() {
      if (wire.connect() !== null) return PromiseResolve(false);
      if (!hasGpu) defineInterfaces();
      hasGpu = true;
      return PromiseResolve(true);
    });
  } else {
    defineInterfaces();
  }

  // None of the objects can be cloned.
  for (let i = 0; i < interfaces.length; i++) ArrayPrototypePush(runtime.platformBrands, is[interfaces[i]]);

  /** Milliseconds that the GPU has worked for this sandbox. */
  runtime.gpuTime = () => ops.gpuBusyTime();
  /** [bytes to the GPU, bytes from it, most GPU memory since `restart` was true, GPU time by timestamps?]; null: no GPU host was ever there. */
  runtime.gpuUsage = (restart) => ops.gpuUsage(restart);
});
