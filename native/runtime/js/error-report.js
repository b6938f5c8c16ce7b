// Errors as people and frames get them: name, message and the stack down to the user's own lines.
(function (runtime) {
  "use strict";
  const {
    ArrayIsArray, Error, ErrorIsError, ObjectPrototypeToString, String, StringPrototypeIncludes, StringPrototypeIndexOf,
    StringPrototypeSlice, StringPrototypeStartsWith,
  } = runtime.primordials;

  // Of what an error tells beside its message.
  const MOST_TEXT = 1000; // characters of an error within another
  const MOST_ERRORS = 10; // of an AggregateError
  const MOST_INNER = 20; // errors within one, in all
  const DEEPEST = 5;

  runtime.isRuntimeFrame = (line) =>
    StringPrototypeIncludes(line, "(dcp:") || StringPrototypeStartsWith(line, "    at dcp:");
  const isNativeFrame = (line) => StringPrototypeIncludes(line, "(native)") || StringPrototypeIncludes(line, "(<anonymous>)");

  /** The calls alone: V8 puts name and message before them. */
  function calls(stack, name) {
    if (StringPrototypeStartsWith(stack, "    at ")) return stack;
    const first = StringPrototypeIndexOf(stack, "\n    at ");
    if (first >= 0) return StringPrototypeSlice(stack, first + 1);
    return name !== "" && StringPrototypeStartsWith(stack, name) ? "" : stack;
  }

  // The frames of the runtime lie under the user's, where the stack ends; and above them, where it has thrown the error.
  runtime.userStack = function (stack, name = "") {
    const all = calls(stack, name);
    let kept = "";
    let natives = ""; // they are the user's when a line of the user's follows, or nothing
    let thrownByRuntime = false;
    for (let from = 0, to = 0; from < all.length; from = to + 1) {
      to = StringPrototypeIndexOf(all, "\n", from);
      if (to < 0) to = all.length;
      const line = StringPrototypeSlice(all, from, to);
      if (runtime.isRuntimeFrame(line)) {
        if (kept !== "") return StringPrototypeSlice(kept, 1);
        thrownByRuntime = true;
        natives = "";
        continue;
      }
      if (line === "") continue;
      natives += `\n${line}`;
      if (isNativeFrame(line)) continue;
      kept += natives;
      natives = "";
    }
    return StringPrototypeSlice(kept === "" && thrownByRuntime ? "" : kept + natives, 1);
  };

  runtime.isError = (value) =>
    ErrorIsError !== undefined ? ErrorIsError(value)
    : ObjectPrototypeToString(value) === "[object Error]" || value instanceof Error;

  const shortened = (text) => (text.length > MOST_TEXT ? `${StringPrototypeSlice(text, 0, MOST_TEXT)}...` : text);

  runtime.headOfError = ({ name, message }) =>
    name === "" ? message : message === "" ? name : `${name}: ${message}`;

  /** What an error carries inside: "(cause: Name: message)", "(errors: Name: message; Name: message)". */
  function innerText(error, depth, budget) {
    const { cause, errors } = error;
    const because = cause === undefined ? "" : `(cause: ${innerError(cause, depth, budget)})`;
    if (!ArrayIsArray(errors)) return because;
    let list = "";
    for (let i = 0; i < errors.length && i < MOST_ERRORS; i++) {
      list += `${i > 0 ? "; " : ""}${innerError(errors[i], depth, budget)}`;
    }
    if (errors.length > MOST_ERRORS) list += `; ${errors.length - MOST_ERRORS} more`;
    return because === "" ? `(errors: ${list})` : `(errors: ${list}) ${because}`;
  }

  function innerError(value, depth, budget) {
    if (depth === DEEPEST || budget.left-- === 0) return "...";
    return shortened(runtime.headOfError(nameAndMessage(value, depth + 1, budget)));
  }

  /** What says by a name and a message what it is, as errors do, is told so. Anything else is no error: its name is "". */
  function nameAndMessage(value, depth, budget) {
    if (typeof value === "object" && value !== null) {
      const { name, message } = value;
      if (runtime.isError(value) || (typeof name === "string" && typeof message === "string")) {
        const own = message === undefined ? "" : String(message);
        const inner = innerText(value, depth, budget);
        return {
          name: name === undefined ? "Error" : String(name),
          message: own === "" || inner === "" ? own + inner : `${own} ${inner}`,
        };
      }
    }
    return { name: "", message: typeof value === "string" ? value : `${runtime.inspect(value)} was thrown` };
  }

  runtime.undescribable = { __proto__: null, name: "Error", message: "an error that cannot be described", stack: "" };

  /** {name, message, stack} of whatever was thrown; nothing that user code has put on Object.prototype counts. */
  runtime.describeError = function (error) {
    try {
      const { name, message } = nameAndMessage(error, 0, { left: MOST_INNER });
      const stack = typeof error === "object" && error !== null ? String(error.stack ?? "") : "";
      return { __proto__: null, name, message, stack: runtime.userStack(stack, name) };
    } catch {
      return runtime.undescribable;
    }
  };
})
