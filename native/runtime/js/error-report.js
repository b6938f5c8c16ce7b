// Errors as people and frames get them: name, message and the stack down to the user's own lines.
(function (runtime) {
  "use strict";
  const {
    ArrayPrototypeJoin, ArrayPrototypePop, ArrayPrototypePush, String, StringPrototypeIncludes, StringPrototypeIndexOf,
    StringPrototypeSlice, StringPrototypeSplit, StringPrototypeStartsWith,
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
    const all = StringPrototypeSplit(calls(stack, name), "\n");
    const kept = [];
    for (let i = 0; i < all.length; i++) {
      if (runtime.isRuntimeFrame(all[i])) {
        while (kept.length > 0 && isNativeFrame(kept[kept.length - 1])) ArrayPrototypePop(kept);
        break;
      }
      if (all[i] !== "") ArrayPrototypePush(kept, all[i]);
    }
    return ArrayPrototypeJoin(kept, "\n");
  };

  /** {name, message, stack} of whatever was thrown. */
  runtime.describeError = function (error) {
    try {
      if (typeof error === "object" && error !== null && "message" in error) {
        const name = String(error.name);
        return {
          name,
          message: String(error.message),
          stack: runtime.userStack(String(error.stack ?? ""), name),
        };
      }
      return { name: "Error", message: typeof error === "string" ? error : `thrown: ${String(error)}`, stack: "" };
    } catch {
      return { name: "Error", message: "an error that cannot be described", stack: "" };
    }
  };
})
