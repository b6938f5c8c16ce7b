// The console namespace (Console Standard). Finished lines go to runtime.consoleSink(level, text), which the modes set.
(function (runtime) {
  "use strict";

  const { ops, inspect, indentText } = runtime;
  const {
    ArrayIsArray, ArrayPrototypeJoin, ArrayPrototypePush, ArrayPrototypeUnshift, Error, ErrorCaptureStackTrace,
    MapPrototypeForEach, MapPrototypeGetSize, MathMax, Number, NumberPrototypeToFixed, ObjectDefineProperty,
    ObjectGetOwnPropertyDescriptor, ObjectKeys, SafeMap, String, StringPrototypeIndexOf, StringPrototypePadEnd,
    StringPrototypeRepeat, StringPrototypeSlice, StringPrototypeStartsWith, StringPrototypeTrimEnd,
    SymbolToStringTag, parseFloat, parseInt,
  } = runtime.primordials;

  const counts = new SafeMap();
  const started = new SafeMap(); // label of console.time -> ops.now()
  let indentation = "";

  runtime.consoleSink = () => {};
  const emit = (level, text) => runtime.consoleSink(level, indentText(text, indentation));

  const show = (value) => (typeof value === "string" ? value : inspect(value));

  /** The text of a format specifier's argument; undefined for an unknown specifier. */
  function substitute(specifier, value) {
    switch (specifier) {
      case "s":
        return typeof value === "object" && value !== null ? inspect(value, 0)
          : typeof value === "function" || typeof value === "bigint" ? inspect(value) : String(value);
      case "d":
      case "i":
        if (typeof value === "bigint") return `${value}n`;
        if (typeof value === "symbol" || (typeof value === "object" && value !== null)) return "NaN";
        return String(specifier === "d" ? Number(value) : parseInt(value, 10));
      case "f":
        return typeof value === "symbol" ? "NaN" : String(parseFloat(value));
      case "o":
      case "O":
        return inspect(value);
      case "c":
        return "";
      default:
        return undefined;
    }
  }

  /** Formatter and Printer of the standard: format specifiers first, then what is left, with spaces. */
  function format(args) {
    if (args.length === 0) return "";
    const parts = [];
    let next = 0;
    if (typeof args[0] === "string") {
      next = 1;
      const template = args[0];
      let text = "";
      let from = 0;
      for (let at = StringPrototypeIndexOf(template, "%"); at >= 0; at = StringPrototypeIndexOf(template, "%", from)) {
        text += StringPrototypeSlice(template, from, at);
        const specifier = template[at + 1];
        from = at + 2;
        if (specifier === "%" && args.length > 1) {
          text += "%";
          continue;
        }
        const replaced = next < args.length ? substitute(specifier, args[next]) : undefined;
        if (replaced !== undefined) next++;
        text += replaced ?? `%${specifier ?? ""}`;
      }
      ArrayPrototypePush(parts, text + StringPrototypeSlice(template, from));
    }
    for (; next < args.length; next++) ArrayPrototypePush(parts, show(args[next]));
    return ArrayPrototypeJoin(parts, " ");
  }

  const labelOf = (label) => (label === undefined ? "default" : `${label}`);

  function elapsed(label) {
    const ms = ops.now() - started.get(label);
    const text = ms >= 1000 ? `${NumberPrototypeToFixed(ms / 1000, 3)}s` : `${NumberPrototypeToFixed(ms, 3)}ms`;
    return `${label}: ${text}`;
  }

  function stackOf(method) {
    const error = new Error();
    if (ErrorCaptureStackTrace !== undefined) ErrorCaptureStackTrace(error, method);
    const stack = StringPrototypeTrimEnd(String(error.stack));
    return StringPrototypeStartsWith(stack, "    at ") ? stack
      : StringPrototypeSlice(stack, StringPrototypeIndexOf(stack, "\n") + 1);
  }

  function group(args) {
    if (args.length > 0) emit("log", format(args));
    indentation += "  ";
  }

  // --- console.table ---

  function rowsOf(data) {
    const rows = [];
    let isMap = true;
    try {
      MapPrototypeGetSize(data);
    } catch {
      isMap = false;
    }
    if (isMap) MapPrototypeForEach(data, (value, key) => ArrayPrototypePush(rows, { index: inspect(key, 0), value }));
    else {
      const keys = ObjectKeys(data);
      for (let i = 0; i < keys.length; i++) ArrayPrototypePush(rows, { index: keys[i], value: data[keys[i]] });
    }
    return rows;
  }

  function tableText(data, wanted) {
    const rows = rowsOf(data);
    const columns = [];
    const seen = new SafeMap();
    let plain = false;
    for (let i = 0; i < rows.length; i++) {
      const { value } = rows[i];
      if (typeof value !== "object" || value === null) {
        plain = true;
        continue;
      }
      const keys = wanted ?? ObjectKeys(value);
      for (let k = 0; k < keys.length && columns.length < 64; k++) {
        if (seen.has(keys[k])) continue;
        seen.set(keys[k], true);
        ArrayPrototypePush(columns, keys[k]);
      }
    }
    const lines = [["(index)"]];
    for (let c = 0; c < columns.length; c++) ArrayPrototypePush(lines[0], String(columns[c]));
    if (plain) ArrayPrototypePush(lines[0], "Values");
    for (let i = 0; i < rows.length; i++) {
      const { index, value } = rows[i];
      const isObject = typeof value === "object" && value !== null;
      const line = [index];
      for (let c = 0; c < columns.length; c++) {
        const own = isObject ? ObjectGetOwnPropertyDescriptor(value, columns[c]) : undefined;
        ArrayPrototypePush(line, own === undefined ? "" : inspect(value[columns[c]], 0));
      }
      if (plain) ArrayPrototypePush(line, isObject ? "" : inspect(value));
      ArrayPrototypePush(lines, line);
    }
    return drawTable(lines);
  }

  function drawTable(lines) {
    const widths = [];
    for (let i = 0; i < lines.length; i++) {
      for (let c = 0; c < lines[i].length; c++) widths[c] = MathMax(widths[c] ?? 0, lines[i][c].length);
    }
    const rule = (left, middle, right) => {
      const bars = [];
      for (let c = 0; c < widths.length; c++) bars[c] = StringPrototypeRepeat("─", widths[c] + 2);
      return left + ArrayPrototypeJoin(bars, middle) + right;
    };
    const out = [rule("┌", "┬", "┐")];
    for (let i = 0; i < lines.length; i++) {
      const cells = [];
      for (let c = 0; c < widths.length; c++) cells[c] = ` ${StringPrototypePadEnd(lines[i][c], widths[c])} `;
      ArrayPrototypePush(out, `│${ArrayPrototypeJoin(cells, "│")}│`);
      if (i === 0) ArrayPrototypePush(out, rule("├", "┼", "┤"));
    }
    ArrayPrototypePush(out, rule("└", "┴", "┘"));
    return ArrayPrototypeJoin(out, "\n");
  }

  // The standard wants an ordinary empty object between console and Object.prototype.
  const console = {
    __proto__: {},
    assert(condition = false, ...data) {
      if (condition) return;
      if (typeof data[0] === "string") data[0] = `Assertion failed: ${data[0]}`;
      else ArrayPrototypeUnshift(data, "Assertion failed");
      emit("error", format(data));
    },
    clear() {
      indentation = "";
    },
    debug(...data) {
      emit("debug", format(data));
    },
    error(...data) {
      emit("error", format(data));
    },
    info(...data) {
      emit("info", format(data));
    },
    log(...data) {
      emit("log", format(data));
    },
    table(tabularData = undefined, properties = undefined) {
      const isTable = typeof tabularData === "object" && tabularData !== null;
      const columns = properties !== undefined && ArrayIsArray(properties) ? properties : undefined;
      emit("log", isTable ? tableText(tabularData, columns) : show(tabularData));
    },
    trace(...data) {
      const text = format(data);
      emit("trace", `Trace${text === "" ? "" : `: ${text}`}\n${stackOf(console.trace)}`);
    },
    warn(...data) {
      emit("warn", format(data));
    },
    dir(item = undefined, options = undefined) {
      emit("log", inspect(item, typeof options?.depth === "number" ? options.depth : undefined));
    },
    dirxml(...data) {
      emit("log", format(data));
    },
    count(label = "default") {
      label = labelOf(label);
      const count = (counts.get(label) ?? 0) + 1;
      counts.set(label, count);
      emit("info", `${label}: ${count}`);
    },
    countReset(label = "default") {
      label = labelOf(label);
      if (counts.has(label)) counts.set(label, 0);
      else emit("warn", `Count for '${label}' does not exist`);
    },
    group(...data) {
      group(data);
    },
    groupCollapsed(...data) {
      group(data);
    },
    groupEnd() {
      indentation = StringPrototypeSlice(indentation, 2);
    },
    time(label = "default") {
      label = labelOf(label);
      if (started.has(label)) emit("warn", `Timer '${label}' already exists`);
      else started.set(label, ops.now());
    },
    timeLog(label = "default", ...data) {
      label = labelOf(label);
      if (!started.has(label)) return emit("warn", `Timer '${label}' does not exist`);
      emit("log", data.length === 0 ? elapsed(label) : `${elapsed(label)} ${format(data)}`);
    },
    timeEnd(label = "default") {
      label = labelOf(label);
      if (!started.has(label)) return emit("warn", `Timer '${label}' does not exist`);
      emit("info", elapsed(label));
      started.delete(label);
    },
  };
  ObjectDefineProperty(console, SymbolToStringTag, { __proto__: null, value: "console", configurable: true });

  runtime.formatConsole = format;
  runtime.defineGlobals(["job", "shell"], { __proto__: null, console });
});
