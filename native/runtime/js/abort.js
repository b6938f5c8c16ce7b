// AbortController and AbortSignal (DOM, section 3).
(function (runtime) {
  "use strict";

  const { ops, DOMException } = runtime;
  const { ArrayPrototypePush, ReflectConstruct, SafeSet, TypeError } = runtime.primordials;
  const {
    converters, configureInterface, checkConstructionToken, constructionToken, createSequenceConverter,
    requiredArguments,
  } = runtime.webidl;
  const { Event, EventTarget, defineEventHandler, fire } = runtime.events;

  class AbortSignal extends EventTarget {
    // algorithms: run before the event; sources and dependents: those of AbortSignal.any
    #state = { __proto__: null, aborted: false, reason: undefined, algorithms: [], sources: null, dependents: [] };
    constructor(token = undefined) {
      checkConstructionToken(token);
      super();
    }
    static abort(reason = undefined) {
      const signal = new AbortSignal(constructionToken);
      const state = signal.#state;
      state.aborted = true;
      state.reason = reason === undefined ? abortError() : reason;
      return signal;
    }
    static timeout(milliseconds) {
      requiredArguments(arguments.length, 1, "AbortSignal.timeout");
      const delay = converters["unsigned long long"](milliseconds, "AbortSignal.timeout", { enforceRange: true });
      const signal = new AbortSignal(constructionToken);
      runtime.startTimer(() => abort(signal, new DOMException("The signal timed out", "TimeoutError")), delay);
      return signal;
    }
    static any(signals) {
      requiredArguments(arguments.length, 1, "AbortSignal.any");
      const sources = toSignals(signals, "AbortSignal.any");
      const result = new AbortSignal(constructionToken);
      for (let i = 0; i < sources.length; i++) {
        const { aborted, reason } = sources[i].#state;
        if (!aborted) continue;
        result.#state.aborted = true;
        result.#state.reason = reason;
        return result;
      }
      dependOn(result, sources);
      return result;
    }
    static state(signal) {
      return signal.#state;
    }
    static is(value) {
      return runtime.webidl.isObject(value) && #state in value;
    }
    get aborted() {
      return this.#state.aborted;
    }
    get reason() {
      return this.#state.reason;
    }
    throwIfAborted() {
      const { aborted, reason } = this.#state;
      if (aborted) throw reason;
    }
  }
  const { is: isAbortSignal, state: stateOf } = AbortSignal;
  delete AbortSignal.is;
  delete AbortSignal.state;
  defineEventHandler(AbortSignal.prototype, "abort");
  configureInterface(AbortSignal);

  const abortError = () => new DOMException("The operation was aborted", "AbortError");
  const toSignals = createSequenceConverter((value, context) => {
    if (!isAbortSignal(value)) throw new TypeError(`${context}: not an AbortSignal`);
    return value;
  });

  /** Only signals that abort by themselves are kept as sources, so that chains of any() stay flat. */
  function dependOn(result, signals) {
    const roots = new SafeSet();
    for (let i = 0; i < signals.length; i++) {
      const { sources } = stateOf(signals[i]);
      if (sources === null) roots.add(signals[i]);
      else sources.forEach((source) => roots.add(source));
    }
    stateOf(result).sources = roots;
    roots.forEach((source) => ArrayPrototypePush(stateOf(source).dependents, result));
  }

  function abort(signal, reason) {
    const state = stateOf(signal);
    if (state.aborted) return;
    const affected = [signal];
    state.aborted = true;
    state.reason = reason;
    for (let i = 0; i < state.dependents.length; i++) {
      const dependent = stateOf(state.dependents[i]);
      if (dependent.aborted) continue;
      dependent.aborted = true;
      dependent.reason = reason;
      ArrayPrototypePush(affected, state.dependents[i]);
    }
    state.dependents = [];
    for (let i = 0; i < affected.length; i++) runAbortSteps(affected[i]);
  }

  function runAbortSteps(signal) {
    const state = stateOf(signal);
    const { algorithms } = state;
    state.algorithms = [];
    for (let i = 0; i < algorithms.length; i++) {
      try {
        algorithms[i]();
      } catch (error) {
        ops.reportError(error);
      }
    }
    fire(signal, ReflectConstruct(Event, ["abort"]));
  }

  class AbortController {
    #signal = new AbortSignal(constructionToken);
    get signal() {
      return this.#signal;
    }
    abort(reason = undefined) {
      abort(this.#signal, reason === undefined ? abortError() : reason);
    }
  }
  configureInterface(AbortController);

  runtime.isAbortSignal = isAbortSignal;
  /** Runs `algorithm` once the signal aborts (not if it has). */
  runtime.addAbortAlgorithm = (signal, algorithm) => {
    const state = stateOf(signal);
    if (!state.aborted) ArrayPrototypePush(state.algorithms, algorithm);
  };
  runtime.defineGlobals(["job", "shell"], { __proto__: null, AbortController, AbortSignal });
});
