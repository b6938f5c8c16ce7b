// Runs the slices of one job: assignment, the queue, the `work` object, metrics (docs/protocol.md, section 1).
(function (runtime) {
  "use strict";
  if (runtime.mode !== "job") return;
  const { ops, primordials, defineGlobal } = runtime;
  const {
    ArrayIsArray, ArrayPrototypeJoin, ArrayPrototypePush, Error, FunctionPrototypeApply, NumberIsInteger,
    ObjectDefineProperty, RangeError, RegExpPrototypeExec, String, StringPrototypeSlice, SymbolToStringTag, SyntaxError,
    TypeError, TypedArrayPrototypeGetLength, TypedArrayPrototypeGetSymbolToStringTag, promiseSettle,
  } = primordials;
  const {
    ASSIGN, RUN, READY, ASSIGNED, ASSIGNMENT_FAILED, PROGRESS, CONSOLE, EMIT, RESULT, FAILED, REJECTED, SPENT,
    MOST_CHARACTERS,
  } = runtime.frames;

  // The slices that wait, { id, datum, undecodable, next }: user code can change what arrays and objects inherit.
  let first = null;
  let last = null;
  const callArguments = [undefined]; // the datum, then the job's arguments
  let workFunction = null;
  let current = null; // the slice that runs: { id, context, cpu, wall, gpu, up, down }
  let lastContext = 0; // of the code of one run of a slice; 0 is that of this file, OF_NO_SLICE that of the job
  const OF_NO_SLICE = -1;
  let gpuErrorsFail = true;
  let isSpent = false; // memory has run out, or the worktime is broken: this sandbox takes no more slices

  let isRejection;
  class Rejection {
    #brand;
    constructor(reason, retries) {
      this.reason = reason;
      this.retries = retries;
    }
    static {
      // Unlike instanceof, it runs no code of whatever was thrown.
      isRejection = (value) => typeof value === "object" && value !== null && #brand in value;
    }
  }

  function metrics(slice) {
    const used = { __proto__: null, cpu: ops.cpuTime() - slice.cpu, wall: ops.monotonic() - slice.wall };
    const gpu = runtime.gpuTime() - slice.gpu;
    const usage = runtime.gpuUsage(false);
    if (usage === null) return used;
    if (gpu > 0) {
      used.gpu = gpu;
      used.gpuClock = usage[3] ? "timestamps" : "submission";
    }
    used.gpuUp = usage[0] - slice.up;
    used.gpuDown = usage[1] - slice.down;
    used.gpuMemory = usage[2];
    return used;
  }

  // The supervisor takes no longer texts.
  const cut = (text) => StringPrototypeSlice(text, 0, MOST_CHARACTERS);
  const cutError = ({ name, message, stack }) => ({
    __proto__: null, name: cut(name) || "Error", message: cut(message), stack: cut(stack),
  });

  /** As the console shows it. */
  function reasonOf(value) {
    try {
      return cut(typeof value === "string" ? value : runtime.inspect(value));
    } catch {
      return "a reason that cannot be shown";
    }
  }

  // The errors of the GPU work that a slice has not awaited are its own, and so is the time that it takes.
  function complete(slice, value) {
    if (current !== slice || !runtime.settleGpu(() => next(slice, complete)(value))) return;
    if (slice.gpuError !== null) return failAs(slice, slice.gpuError);
    try {
      ops.sendFrame([RESULT, slice.id, value, metrics(slice)]);
    } catch (error) {
      return failAs(slice, error);
    }
    current = null;
  }

  // Where not even the error can be described any more.
  const noMemory = { __proto__: null, name: "InternalError", message: "out of memory", stack: "" };

  /** An error of the GPU that nobody captured comes first: others follow from it. */
  function describe(slice, error) {
    const description = runtime.describeError(error);
    if (slice.gpuError === null || slice.gpuError === error) return description;
    const { name, message, stack } = description;
    return { __proto__: null, name, message: `${message} (after ${runtime.headOfError(slice.gpuError)})`, stack };
  }

  function failAs(slice, error) {
    let description = describe(slice, error);
    const outOfMemory = ops.takeOutOfMemory();
    if (outOfMemory && description === runtime.undescribable) description = noMemory;
    isSpent = outOfMemory || runtime.worktime?.isBroken === true;
    const kind = isSpent ? SPENT : FAILED;
    try {
      ops.sendFrame([kind, slice.id, cutError(description), metrics(slice)]);
    } catch { // no memory: what the slice held is garbage now
      ops.collectGarbage();
      ops.sendFrame([kind, slice.id, cutError(description), metrics(slice)]);
    }
    current = null;
  }

  function fail(slice, error) {
    if (current !== slice || !runtime.settleGpu(() => next(slice, fail)(error))) return;
    if (!isRejection(error)) return failAs(slice, error);
    ops.sendFrame([REJECTED, slice.id, reasonOf(error.reason), error.retries]);
    current = null;
  }

  // Of a promise, `then` is not looked up: user code can replace it.
  function isThenable(value) {
    if (ops.isPromise(value)) return true;
    return (typeof value === "object" || typeof value === "function") && value !== null && typeof value.then === "function";
  }

  function run(id, datum, undecodable) {
    const usage = runtime.gpuUsage(true);
    const slice = {
      __proto__: null, id, context: ++lastContext, cpu: ops.cpuTime(), wall: ops.monotonic(), gpu: runtime.gpuTime(), up: usage?.[0] ?? 0,
      down: usage?.[1] ?? 0, gpuError: null,
    };
    current = slice;
    runtime.beginRandom(id);
    // What earlier slices have said must be out before this one may end the process.
    ops.flushFrames();
    ops.takeOutOfMemory();
    try {
      if (undecodable !== undefined) throw new RangeError(`the input does not fit into the sandbox: ${undecodable}`);
      callArguments[0] = datum;
      if (runtime.worktime !== null) callArguments[1] = id;
      ops.setAsyncContext(slice.context);
      const value = FunctionPrototypeApply(workFunction, undefined, callArguments);
      if (!isThenable(value)) return complete(slice, value);
      promiseSettle(value, next(slice, complete), next(slice, fail));
    } catch (error) {
      fail(slice, error);
    }
  }

  function next(slice, settle) {
    return (value) => {
      settle(slice, value);
      drain();
    };
  }

  function enqueue(id, datum, undecodable) {
    const slice = { __proto__: null, id, datum, undecodable, next: null };
    if (first === null) first = slice;
    else last.next = slice;
    last = slice;
    drain();
  }

  function drain() {
    const before = ops.asyncContext();
    while (current === null && first !== null && !isSpent) {
      const { id, datum, undecodable } = first;
      first = first.next;
      if (first === null) last = null;
      run(id, datum, undecodable);
      ops.setAsyncContext(before);
      callArguments[0] = undefined; // a large datum is not kept until the next one comes
    }
  }

  // The slice that speaks. Null: what an earlier slice has left behind, or the sandbox between two.
  function speaker() {
    const context = ops.asyncContext();
    return current !== null && (context === 0 || context === current.context) ? current : null;
  }

  const isAnonymous = (source) => RegExpPrototypeExec(/^\s*(?:async\s+)?function\b\s*\*?\s*\(/, source) !== null;

  /**
   * A script whose last value is the function; or a function as a declaration has it, named or not. As a script first: its
   * errors are where the user has written them.
   */
  function compile(source, name) {
    let value, error = null;
    try {
      if (!isAnonymous(source)) value = ops.evaluate(source, name, "classic");
    } catch (thrown) {
      if (!(thrown instanceof SyntaxError)) throw thrown;
      error = thrown;
    }
    if (value !== undefined) return value;
    try {
      return ops.evaluate(`(${source}\n)`, name, "classic");
    } catch (thrown) {
      if (!(thrown instanceof SyntaxError)) throw thrown;
      if (error !== null || isAnonymous(source)) throw error ?? thrown;
    }
  }

  function assign(job) {
    workFunction = null;
    gpuErrorsFail = job.gpuErrors !== "console";
    try {
      if (typeof job.seed === "number") runtime.seedRandom(job.seed);
      const { worktime } = runtime;
      const value = runtime.callAs(OF_NO_SLICE, () => worktime === null ? compile(job.workFunction, job.name) : worktime.assign(job));
      if (typeof value !== "function") throw new TypeError(`the work function is no function but ${typeof value}`);
      workFunction = value;
    } catch (error) {
      return ops.sendFrame([ASSIGNMENT_FAILED, cutError(runtime.describeError(error))]);
    }
    callArguments.length = 1;
    for (let i = 0; i < job.arguments.length; i++) ArrayPrototypePush(callArguments, job.arguments[i]);
    workJob.public = job.public;
    ops.sendFrame([ASSIGNED]);
  }

  const workJob = { public: {} };
  const work = {
    emit(name, value) {
      ops.sendFrame([EMIT, speaker()?.id ?? null, cut(String(name)), value]);
    },
    reject(reason = "false", retries = 0) {
      throw new Rejection(reason, +retries || 0);
    },
    /** The same typed array, with a shape that goes with it. */
    array(elements, shape) {
      const name = TypedArrayPrototypeGetSymbolToStringTag(elements);
      if (name === undefined) throw new TypeError("work.array: the first argument is no typed array");
      if (!ArrayIsArray(shape)) throw new TypeError("work.array: the shape is no array of sizes, for example [2, 3]");
      const sizes = [];
      let count = 1;
      for (let i = 0; i < shape.length; i++) {
        const size = shape[i];
        if (!NumberIsInteger(size) || size < 0) throw new RangeError("work.array: a size is no whole number from 0 on");
        ArrayPrototypePush(sizes, size);
        count *= size;
      }
      const length = TypedArrayPrototypeGetLength(elements);
      if (count !== length) {
        throw new RangeError(`work.array: ${ArrayPrototypeJoin(sizes, " x ")} are ${count} elements, the array has ${length}`);
      }
      return ObjectDefineProperty(elements, "shape", {
        __proto__: null, value: sizes, writable: true, enumerable: false, configurable: true,
      });
    },
    job: workJob,
  };
  ObjectDefineProperty(work, SymbolToStringTag, { __proto__: null, value: "Work", configurable: true });
  defineGlobal("work", work);
  defineGlobal("progress", function progress(value) {
    ops.sendFrame([PROGRESS, speaker()?.id ?? null, value === undefined ? null : value]);
    ops.flushFrames();
    return true;
  });

  defineGlobal("print", function print(...values) {
    runtime.consoleSink("log", runtime.formatConsole(values));
  });

  runtime.onUncapturedGpuError = function (name, message) {
    if (!gpuErrorsFail || current === null) return;
    current.gpuError ??= { __proto__: null, name, message };
  };
  runtime.consoleSink = function (level, text) {
    ops.sendFrame([CONSOLE, speaker()?.id ?? null, level, cut(text)]);
  };
  runtime.onStart = function () {
    ops.sendFrame([READY]);
  };
  runtime.onFrame = function (frame) {
    if (frame[0] === ASSIGN) return assign(frame[1]);
    if (frame[0] === RUN) enqueue(frame[1], frame[2]);
  };
  runtime.onUndecodable = function (head, reason) {
    if (head[0] === ASSIGN) {
      const message = `the arguments do not fit into the sandbox: ${reason}`;
      return ops.sendFrame([ASSIGNMENT_FAILED, { __proto__: null, name: "RangeError", message, stack: "" }]);
    }
    enqueue(head[1], undefined, reason);
  };
  function tell(how, error) {
    const described = runtime.describeError(error);
    runtime.consoleSink("error", `${how} ${runtime.headOfError(described)}\n${described.stack}`);
  }

  runtime.onUncaught = function (error) {
    if (speaker() === null) return tell("Uncaught", error);
    failAs(current, error);
    drain();
  };
  runtime.onUnhandledRejection = function (error) {
    tell("Uncaught (in promise)", error);
  };
  // A promise that nothing can settle any more would wait for ever.
  runtime.onIdle = function () {
    if (current === null) return;
    fail(current, new Error("the work function waits for a promise that nothing can settle: no timer, no GPU work is pending"));
    drain();
  };
  runtime.loadModule = function () {
    return null;
  };
})
