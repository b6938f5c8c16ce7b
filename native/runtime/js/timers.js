// setTimeout, setInterval, queueMicrotask. A binary heap of timers over the one timer of the event loop; C++ calls
// runtime.runTimers when it is due.
(function (runtime) {
  "use strict";

  const { ops } = runtime;
  const { ArrayPrototypePop, ArrayPrototypePush, SafeMap, TypeError, apply, globalThis } = runtime.primordials;
  const { converters, requiredArguments } = runtime.webidl;
  const indirectEval = globalThis.eval;
  // One step of the guest's coarse clock: a timer must not look early on it.
  const CLOCK_STEP = ops.clockStep();

  let heap = []; // ordered by due, then by order of creation
  const active = new SafeMap(); // id -> timer
  let lastId = 0;
  let lastOrder = 0;

  const before = (a, b) => a.due < b.due || (a.due === b.due && a.order < b.order);

  function push(timer) {
    ArrayPrototypePush(heap, timer);
    let i = heap.length - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(timer, heap[parent])) break;
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = timer;
  }

  function pop() {
    const top = heap[0];
    const last = ArrayPrototypePop(heap);
    if (heap.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
      if (!before(heap[child], last)) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = last;
    return top;
  }

  /** Cancelled timers leave the heap when they reach its top. */
  function arm() {
    while (heap.length > 0 && heap[0].cancelled) pop();
    ops.setTimer(heap.length > 0 ? heap[0].due : -1);
  }

  /** Takes out cancelled timers that are far from the top. */
  function sweep() {
    heap = [];
    active.forEach((timer) => push(timer));
  }

  function schedule(timer) {
    timer.due = ops.monotonic() + (timer.delay === 0 ? 0 : timer.delay + CLOCK_STEP);
    timer.order = ++lastOrder;
    push(timer);
  }

  function start(run, delay, repeat) {
    const timer = {
      __proto__: null, id: ++lastId, run, delay, repeat, due: 0, order: 0, cancelled: false, context: ops.asyncContext(),
    };
    active.set(timer.id, timer);
    schedule(timer);
    if (heap[0] === timer) arm();
    return timer.id;
  }

  function cancel(id) {
    const timer = active.get(id);
    if (timer === undefined) return;
    active.delete(id);
    timer.cancelled = true;
    timer.run = undefined;
    if (heap.length > 2 * active.size + 64) sweep();
    arm();
  }

  // One timer a call: the event loop runs the microtasks after each.
  runtime.runTimers = () => {
    while (heap.length > 0 && heap[0].cancelled) pop();
    if (heap.length === 0 || heap[0].due > ops.monotonic()) return arm();
    const timer = pop();
    const { run, context } = timer;
    if (!timer.repeat) active.delete(timer.id);
    else schedule(timer);
    arm();
    runtime.callAs(context, () => {
      try {
        run();
      } catch (error) {
        ops.reportError(error);
      }
    });
  };
  runtime.hasTimers = () => active.size > 0;
  /** For the runtime's own use: calls run() once after `delay` milliseconds. */
  runtime.startTimer = (run, delay) => start(run, delay, false);
  runtime.cancelTimer = cancel;

  function startFromGuest(name, handler, timeout, args, repeat) {
    let delay = converters.long(timeout, `${name}: timeout`);
    if (delay < 0) delay = 0;
    if (typeof handler === "function") return start(() => void apply(handler, globalThis, args), delay, repeat);
    const source = converters.DOMString(handler, `${name}: handler`);
    return start(() => void indirectEval(source), delay, repeat);
  }

  const globals = {
    __proto__: null,
    setTimeout(handler, timeout = 0, ...args) {
      requiredArguments(arguments.length, 1, "setTimeout");
      return startFromGuest("setTimeout", handler, timeout, args, false);
    },
    setInterval(handler, timeout = 0, ...args) {
      requiredArguments(arguments.length, 1, "setInterval");
      return startFromGuest("setInterval", handler, timeout, args, true);
    },
    clearTimeout(id = 0) {
      cancel(converters.long(id, "clearTimeout: id"));
    },
    clearInterval(id = 0) {
      cancel(converters.long(id, "clearInterval: id"));
    },
    setImmediate(handler, ...args) {
      requiredArguments(arguments.length, 1, "setImmediate");
      return startFromGuest("setImmediate", handler, 0, args, false);
    },
    clearImmediate(id = 0) {
      cancel(converters.long(id, "clearImmediate: id"));
    },
    queueMicrotask(callback) {
      requiredArguments(arguments.length, 1, "queueMicrotask");
      if (typeof callback !== "function") throw new TypeError("queueMicrotask: the callback is not a function");
      runLater(callback);
    },
  };

  async function runLater(callback) {
    await undefined;
    try {
      callback();
    } catch (error) {
      ops.reportError(error);
    }
  }

  runtime.defineGlobals(["job", "shell"], globals);
});
