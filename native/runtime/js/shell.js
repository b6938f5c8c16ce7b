// `dcp-evaluator --shell`: print(), scripts in order, an exit status.
(function (runtime) {
  "use strict";
  if (runtime.mode !== "shell") return;
  const { ops, primordials, defineGlobal } = runtime;
  const { PromisePrototypeThen, String, StringPrototypeCharCodeAt, StringPrototypeSlice } = primordials;
  const { SCRIPT, NO_MORE_SCRIPTS, READY, OUTPUT, FINISHED, WANT_MODULE, MOST_CHARACTERS } = runtime.frames;
  const STDOUT = 1, STDERR = 2;

  let ended = false;

  // At once: the script may loop for ever after it. In pieces that the supervisor takes, which end between characters.
  function write(stream, text) {
    const line = `${text}\n`;
    for (let from = 0, to = 0; from < line.length; from = to) {
      to = from + MOST_CHARACTERS;
      if (to < line.length && (StringPrototypeCharCodeAt(line, to - 1) & 0xfc00) === 0xd800) to--;
      ops.sendFrame([OUTPUT, stream, StringPrototypeSlice(line, from, to)]);
    }
    ops.flushFrames();
  }

  function exit(status) {
    ops.sendFrame([FINISHED, status]);
    ops.exit(status);
  }

  function writeError(prefix, error) {
    const described = runtime.describeError(error);
    const head = prefix + runtime.headOfError(described);
    write(STDERR, described.stack === "" ? head : `${head}\n${described.stack}`);
  }

  function fail(error) {
    writeError("", error);
    exit(1);
  }

  function evaluate(name, source, kind) {
    const result = ops.evaluate(source, name, kind);
    if (kind !== "module") return;
    PromisePrototypeThen(result, undefined, fail);
  }

  defineGlobal("print", function print(...values) {
    let line = "";
    for (let i = 0; i < values.length; i++) line += i === 0 ? String(values[i]) : ` ${String(values[i])}`;
    write(STDOUT, line);
  });

  runtime.consoleSink = function (level, text) {
    write(level === "error" || level === "warn" || level === "trace" || level === "assert" ? STDERR : STDOUT, text);
  };
  runtime.onStart = function () {
    ops.sendFrame([READY]);
  };
  runtime.onFrame = function (frame) {
    if (frame[0] === SCRIPT) evaluate(frame[1], frame[2], frame[3]);
    else if (frame[0] === NO_MORE_SCRIPTS) ended = true;
  };
  runtime.onIdle = function () {
    if (ended && runtime.settleGpu(() => {})) exit(0);
  };
  runtime.onUncaught = fail;
  // A rejection without a handler is no exception (ECMAScript): it is told, and the script goes on.
  runtime.onUnhandledRejection = function (error) {
    writeError("Uncaught (in promise) ", error);
  };
  runtime.loadModule = function (name) {
    if (name.length > MOST_CHARACTERS) return null;
    ops.sendFrame([WANT_MODULE, name]);
    return ops.awaitAnswer()[1];
  };
})
