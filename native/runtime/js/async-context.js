// Whose code runs: a number that the engine carries through promises, and runtime.callAs() through timers and listeners.
(function (runtime) {
  "use strict";
  const { ops } = runtime;

  /** Calls run() as code of `context`, which ops.asyncContext() gave. */
  runtime.callAs = (context, run) => {
    const before = ops.asyncContext();
    ops.setAsyncContext(context);
    try {
      return run();
    } finally {
      ops.setAsyncContext(before);
    }
  };
});
