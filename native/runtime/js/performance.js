// performance: now(), timeOrigin, toJSON() (High Resolution Time).
(function (runtime) {
  "use strict";

  const { ops, webidl } = runtime;
  const { EventTarget } = runtime.events;
  const { checkConstructionToken, configureInterface, constructionToken } = webidl;

  let timeOrigin = ops.wallClock();
  runtime.monotonicOrigin = ops.now();
  let pausedAt = runtime.monotonicOrigin;
  /** The zygote stops the clock after loading; a sandbox's clock continues from there once it is connected. */
  runtime.pauseClock = () => {
    pausedAt = ops.now();
  };
  runtime.resumeClock = () => {
    runtime.monotonicOrigin += ops.now() - pausedAt;
    timeOrigin = ops.wallClock() - (ops.now() - runtime.monotonicOrigin);
  };

  class Performance extends EventTarget {
    #brand;
    constructor(token = undefined) {
      checkConstructionToken(token);
      super();
    }
    now() {
      this.#brand;
      return ops.now() - runtime.monotonicOrigin;
    }
    get timeOrigin() {
      this.#brand;
      return timeOrigin;
    }
    toJSON() {
      this.#brand;
      return { timeOrigin };
    }
  }
  configureInterface(Performance);

  const performance = new Performance(constructionToken);
  runtime.performance = performance;
  runtime.defineGlobals(["line", "job", "shell"], { __proto__: null, performance });
  runtime.defineGlobals(["job", "shell"], { __proto__: null, Performance });
});
