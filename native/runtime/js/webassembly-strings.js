// The compile options of WebAssembly, and the imports that they provide: string builtins and imported string constants
// (WebAssembly JavaScript Interface, "Builtins").
(function (runtime) {
  "use strict";
  const { primordials, webidl } = runtime;
  const { SafeSet, TypeError } = primordials;
  const { converters, createSequenceConverter } = webidl;

  const builtinModule = "wasm:js-string";
  const builtins = {
    __proto__: null, cast: true, test: true, fromCharCodeArray: true, intoCharCodeArray: true, fromCharCode: true,
    fromCodePoint: true, charCodeAt: true, codePointAt: true, length: true, concat: true, substring: true, equals: true,
    compare: true,
  };
  const toNames = createSequenceConverter(converters.USVString);

  /** No options at all. */
  const none = { __proto__: null, valid: true, builtins: false, constants: undefined };

  /** WebAssemblyCompileOptions; `valid`: no set of builtins is named twice. Sets that are not known are left out. */
  function compileOptions(value, what) {
    if (value === undefined || value === null) return none;
    if (typeof value !== "object" && typeof value !== "function") {
      throw new TypeError(`${what}: the options must be an object`);
    }
    const sets = value.builtins;
    const names = sets === undefined ? [] : toNames(sets, `${what}: builtins`);
    const from = value.importedStringConstants;
    const constants = from === undefined || from === null
      ? undefined : converters.USVString(from, `${what}: importedStringConstants`);
    const known = new SafeSet();
    for (let i = 0; i < names.length; i++) known.add(names[i]);
    return { __proto__: null, valid: known.size === names.length, builtins: known.has("js-string"), constants };
  }

  /** What an import is given without a look at the imports object, as wasmInstantiate takes it; else undefined. */
  function providedImport(options, module, name) {
    if (options.constants !== undefined && module === options.constants) return [name];
    if (options.builtins && module === builtinModule && builtins[name]) return name;
    return undefined;
  }

  runtime.wasmStrings = { __proto__: null, compileOptions, providedImport };
});
