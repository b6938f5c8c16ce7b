// performance: now(), timeOrigin, toJSON() (High Resolution Time).
(function (runtime) {
  "use strict";

  const { ops, webidl } = runtime;
  const { EventTarget } = runtime.events;
  const { checkConstructionToken, configureInterface, constructionToken } = webidl;

  let timeOrigin;
  /** Starts the clock afresh: the zygote's sandboxes call it after fork(). */
  runtime.resetClock = () => {
    runtime.monotonicOrigin = ops.now();
    timeOrigin = ops.wallClock();
  };
  runtime.resetClock();

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
