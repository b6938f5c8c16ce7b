// `dcp-evaluator --shell`: print(), scripts in order, an exit status.
(function (runtime) {
  "use strict";
  if (runtime.mode !== "shell") return;
  const { ops, primordials, defineGlobal } = runtime;
  const { ArrayPrototypeJoin, String } = primordials;
  const EVALUATE = 2, END = 3;
  const READY = 16, TEXT = 25, EXIT = 26, WANT_MODULE = 27;
  const STDOUT = 1, STDERR = 2;

  let ended = false;

  function write(stream, text) {
    ops.sendFrame([TEXT, stream, `${text}\n`]);
  }

  function exit(status) {
    ops.sendFrame([EXIT, status]);
    ops.exit(status);
  }

  function report(name, message, stack) {
    const head = name === "" ? message : message === "" ? name : `${name}: ${message}`;
    const trace = runtime.userStack(stack);
    write(STDERR, trace === "" ? head : `${head}\n${trace}`);
    exit(1);
  }

  defineGlobal("print", function print(...values) {
    const texts = [];
    for (let i = 0; i < values.length; i++) texts[i] = String(values[i]);
    write(STDOUT, ArrayPrototypeJoin(texts, " "));
  });

  runtime.consoleSink = function (level, text) {
    write(level === "error" || level === "warn" || level === "trace" || level === "assert" ? STDERR : STDOUT, text);
  };
  runtime.onStart = function () {
    ops.sendFrame([READY, null]);
  };
  runtime.onFrame = function (frame) {
    if (frame[0] === EVALUATE) ops.evaluate(frame[2], frame[1], frame[3]);
    else if (frame[0] === END) ended = true;
  };
  runtime.onIdle = function () {
    if (ended) exit(0);
  };
  runtime.onUncaught = function (name, message, stack) {
    report(name, message, stack);
  };
  runtime.onUnhandledRejection = function (name, message, stack) {
    report(name, message, stack);
  };
  runtime.loadModule = function (name) {
    ops.sendFrame([WANT_MODULE, name]);
    return ops.awaitAnswer()[1];
  };
})
