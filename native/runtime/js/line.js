// The primitives of DCP's evaluator contract, on which dcp-client's start-up files build.
(function (runtime) {
  "use strict";
  if (runtime.mode !== "line") return;
  const { ops, primordials, defineGlobal } = runtime;
  const { DateNow, TypeError } = primordials;

  let lineHandler = null;
  let timerHandler = null;

  function requireFunction(value, name) {
    if (typeof value !== "function") throw new TypeError(`${name} expects a function`);
    return value;
  }

  runtime.onLine = function (line) {
    if (lineHandler !== null) lineHandler(line);
  };
  runtime.runTimers = function () {
    if (timerHandler !== null) timerHandler();
  };

  defineGlobal("writeln", function writeln(line) {
    ops.writeLine(typeof line === "string" ? line : `${line}`); // a template copies
  });
  defineGlobal("onreadln", function onreadln(handler) {
    lineHandler = requireFunction(handler, "onreadln");
  });
  defineGlobal("die", function die(code = 0) {
    ops.exit(+code);
  });
  defineGlobal("ontimer", function ontimer(handler) {
    timerHandler = requireFunction(handler, "ontimer");
  });
  defineGlobal("nextTimer", function nextTimer(when) {
    const due = +when;
    // The wall clock may be set: the wait is measured on the monotonic one from now on.
    if (due > 0) ops.setTimer(ops.monotonic() + (due - DateNow()));
    else ops.setTimer(-1);
  });
})
