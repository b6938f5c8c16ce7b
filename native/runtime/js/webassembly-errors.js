// WebAssembly: the error classes, and the stacks of errors that cross the border.
(function (runtime) {
  "use strict";
  const { ops, primordials } = runtime;
  if (ops.wasmCompile === undefined) return;
  const {
    Error, ObjectCreate, ObjectDefineProperty, ObjectSetPrototypeOf, RangeError, ReflectConstruct, SafeWeakSet,
    StringPrototypeIncludes, StringPrototypeIndexOf, StringPrototypeSlice, StringPrototypeSplit,
    StringPrototypeStartsWith, StringPrototypeTrim, TypeError,
  } = primordials;

  const hidden = (value) => ({ __proto__: null, value, writable: true, enumerable: false, configurable: true });

  const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

  /** A new object of Class gets the class's prototype where new.target has none (WebIDL, "internally create"). */
  function withPrototype(object, target, Class) {
    if (target !== Class && !isObject(target.prototype)) ObjectSetPrototypeOf(object, Class.prototype);
    return object;
  }

  /** A NativeError of the namespace. */
  function defineErrorClass(name) {
    const Class = {
      [name]: function (message) {
        const args = arguments.length > 1 ? [message, arguments[1]] : [message];
        const target = new.target === undefined ? Class : new.target;
        return withPrototype(ReflectConstruct(Error, args, target), target, Class);
      },
    }[name];
    ObjectSetPrototypeOf(Class, Error);
    ObjectDefineProperty(Class, "prototype", {
      __proto__: null, value: ObjectCreate(primordials.ErrorPrototype), writable: false, enumerable: false,
      configurable: false,
    });
    ObjectDefineProperty(Class.prototype, "constructor", hidden(Class));
    ObjectDefineProperty(Class.prototype, "name", hidden(name));
    ObjectDefineProperty(Class.prototype, "message", hidden(""));
    return Class;
  }

  const CompileError = defineErrorClass("CompileError");
  const LinkError = defineErrorClass("LinkError");
  const RuntimeError = defineErrorClass("RuntimeError");
  const errors = { __proto__: null, CompileError, LinkError, RuntimeError, RangeError, TypeError };

  /** Whether a line of a stack is of the engine's or an op's, below which the user's begin. */
  const isOwnFrame = (line) =>
    line === "at native (native)" || line === "at construct (native)" || StringPrototypeStartsWith(line, "at wasm");

  /** A stack with the frames of wasm, "\n    at ..." each, between its head and the lines that are the user's. */
  function userStack(stack, frames) {
    const start = StringPrototypeIndexOf(stack, "\n    at ");
    if (start < 0) return stack + frames;
    const lines = StringPrototypeSplit(StringPrototypeSlice(stack, start + 1), "\n");
    let calls = "";
    for (let i = 0; i < lines.length; i++) {
      if (StringPrototypeIncludes(lines[i], "dcp:webassembly")) continue;
      if (calls === "" && isOwnFrame(StringPrototypeTrim(lines[i]))) continue;
      calls += `\n${lines[i]}`;
    }
    return StringPrototypeSlice(stack, 0, start) + frames + calls;
  }

  /** Errors of traps, which wasm cannot catch. */
  const traps = new SafeWeakSet();
  const isTrap = (value) => isObject(value) && traps.has(value);

  function makeError(name, message, frames, trapped) {
    const error = new errors[name](message);
    if (trapped) traps.add(error);
    const { stack } = error;
    if (typeof stack === "string") ObjectDefineProperty(error, "stack", hidden(userStack(stack, frames)));
    return error;
  }

  runtime.wasm = {
    __proto__: null,
    hidden, isObject, withPrototype, CompileError, LinkError, RuntimeError, makeError, isTrap, userStack,
  };
});
