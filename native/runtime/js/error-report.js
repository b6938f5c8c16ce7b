// Errors as people and frames get them: name, message and the stack down to the user's own lines.
(function (runtime) {
  "use strict";
  const {
    String, StringPrototypeIncludes, StringPrototypeIndexOf, StringPrototypeSlice, StringPrototypeStartsWith,
  } = runtime.primordials;

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

  // The frames of the runtime lie under the user's: the stack ends where they begin.
  runtime.userStack = function (stack, name = "") {
    const all = calls(stack, name);
    let kept = "";
    let natives = ""; // they are the user's when a line of the user's follows, or nothing
    for (let from = 0, to = 0; from < all.length; from = to + 1) {
      to = StringPrototypeIndexOf(all, "\n", from);
      if (to < 0) to = all.length;
      const line = StringPrototypeSlice(all, from, to);
      if (runtime.isRuntimeFrame(line)) return StringPrototypeSlice(kept, 1);
      if (line === "") continue;
      natives += `\n${line}`;
      if (isNativeFrame(line)) continue;
      kept += natives;
      natives = "";
    }
    return StringPrototypeSlice(kept + natives, 1);
  };

  /** {name, message, stack} of whatever was thrown; nothing that user code has put on Object.prototype counts. */
  runtime.describeError = function (error) {
    try {
      if (typeof error === "object" && error !== null && "message" in error) {
        const name = String(error.name);
        return {
          __proto__: null,
          name,
          message: String(error.message),
          stack: runtime.userStack(String(error.stack ?? ""), name),
        };
      }
      const message = typeof error === "string" ? error : `thrown: ${String(error)}`;
      return { __proto__: null, name: "Error", message, stack: "" };
    } catch {
      return { __proto__: null, name: "Error", message: "an error that cannot be described", stack: "" };
    }
  };
})
