// runtime.inspect(value): a value as readable text for the console. It never throws and never calls user code, except
// through proxies.
(function (runtime) {
  "use strict";

  const {
    ArrayBufferIsView, ArrayBufferPrototypeGetByteLength, ArrayIsArray, ArrayPrototypeJoin, ArrayPrototypePush,
    BigIntPrototypeToString, BigIntPrototypeValueOf, BooleanPrototypeValueOf, DataViewPrototypeGetByteLength,
    DatePrototypeGetTime, DatePrototypeToISOString, FunctionPrototypeToString, JSONStringify,
    MapPrototypeForEach, MapPrototypeGetSize, NumberPrototypeValueOf, ObjectGetOwnPropertyDescriptor,
    ObjectGetPrototypeOf, ObjectPrototype, ObjectPrototypePropertyIsEnumerable, ObjectPrototypeToString, Promise,
    ReflectOwnKeys, RegExpPrototypeExec, RegExpPrototypeToString, SafeSet, SetPrototypeForEach, SetPrototypeGetSize,
    SharedArrayBufferPrototypeGetByteLength, String, StringPrototypeIncludes, StringPrototypeIndexOf,
    StringPrototypeSlice, StringPrototypeSplit, StringPrototypeStartsWith, StringPrototypeTrimEnd,
    StringPrototypeValueOf, SymbolPrototypeToString, SymbolPrototypeValueOf, SymbolToStringTag,
    TypedArrayPrototypeGetLength, TypedArrayPrototypeGetSymbolToStringTag, Uint8Array, WeakMapPrototypeHas,
    WeakSetPrototypeHas,
  } = runtime.primordials;

  const MAX_ITEMS = 100; // of arrays, maps, sets
  const MAX_TYPED_ITEMS = 16;
  const MAX_KEYS = 200;
  const MAX_STRING = 10000; // characters of a nested string
  const MAX_NODES = 5000; // objects in one text
  const LINE = 76;

  const attempt = (read, value) => {
    try {
      return read(value);
    } catch {
      return undefined;
    }
  };
  /** True where `read` accepts the value: a test of internal slots. */
  const accepts = (read, value) => {
    try {
      read(value);
      return true;
    } catch {
      return false;
    }
  };
  const identifier = /^[A-Za-z_$][\w$]*$/;

  function quote(text) {
    const shown = text.length > MAX_STRING ? StringPrototypeSlice(text, 0, MAX_STRING) : text;
    const more = text.length > MAX_STRING ? `... ${text.length - MAX_STRING} more characters` : "";
    const json = JSONStringify(shown);
    const inner = StringPrototypeSlice(json, 1, -1);
    if (StringPrototypeIncludes(text, "'")) return json + more;
    return `'${ArrayPrototypeJoin(StringPrototypeSplit(inner, '\\"'), '"')}'${more}`;
  }

  function inspectPrimitive(value) {
    if (typeof value === "string") return quote(value);
    if (typeof value === "bigint") return `${BigIntPrototypeToString(value)}n`;
    if (typeof value === "symbol") return SymbolPrototypeToString(value);
    return value === 0 && 1 / value < 0 ? "-0" : String(value);
  }

  /** The name of the nearest own `constructor` on the prototype chain; null for a null prototype. */
  function constructorName(value) {
    for (let object = value; object !== null; object = ObjectGetPrototypeOf(object)) {
      const constructor = ObjectGetOwnPropertyDescriptor(object, "constructor")?.value;
      if (typeof constructor !== "function") continue;
      const name = ObjectGetOwnPropertyDescriptor(constructor, "name")?.value;
      if (typeof name === "string" && name !== "") return name;
    }
    return null;
  }

  function tagOf(value) {
    for (let object = value; object !== null; object = ObjectGetPrototypeOf(object)) {
      const tag = ObjectGetOwnPropertyDescriptor(object, SymbolToStringTag)?.value;
      if (tag !== undefined) return typeof tag === "string" ? tag : "";
    }
    return "";
  }

  function prefixOf(value, fallback, size) {
    const name = constructorName(value);
    const tag = tagOf(value);
    const sized = size === undefined ? "" : `(${size})`;
    const base = name === null ? `[${fallback}${sized}: null prototype]` : `${name}${sized}`;
    return tag !== "" && tag !== name && tag !== fallback ? `${base} [${tag}] ` : `${base} `;
  }

  function describeFunction(value) {
    const source = attempt(FunctionPrototypeToString, value) ?? "";
    const name = ObjectGetOwnPropertyDescriptor(value, "name")?.value;
    const shown = typeof name === "string" && name !== "" ? name : "(anonymous)";
    if (StringPrototypeStartsWith(source, "class")) {
      const parent = ObjectGetPrototypeOf(value);
      const parentName = typeof parent === "function" ? ObjectGetOwnPropertyDescriptor(parent, "name")?.value : "";
      return `[class ${shown}${parentName ? ` extends ${parentName}` : ""}]`;
    }
    const kind = tagOf(value) || "Function";
    return `[${kind}${shown === "(anonymous)" ? " " : ": "}${shown}]`;
  }

  function withoutRuntimeFrames(stack) {
    if (!StringPrototypeIncludes(stack, "dcp:")) return stack;
    const lines = StringPrototypeSplit(stack, "\n");
    const kept = [];
    for (let i = 0; i < lines.length; i++) {
      if (!runtime.isRuntimeFrame(lines[i])) ArrayPrototypePush(kept, lines[i]);
    }
    return ArrayPrototypeJoin(kept, "\n");
  }

  /** "Name: message" and the stack. Engines differ in whether the stack begins with the message. */
  function describeError(error) {
    const name = attempt((value) => String(value.name), error) ?? "Error";
    const message = attempt((value) => String(value.message), error) ?? "";
    const head = message === "" ? name : name === "" ? message : `${name}: ${message}`;
    const stack = attempt((value) => value.stack, error);
    if (typeof stack !== "string" || stack === "") return `[${head}]`;
    const text = StringPrototypeTrimEnd(withoutRuntimeFrames(stack));
    if (text === "") return `[${head}]`;
    const first = StringPrototypeIndexOf(text, "\n    at ");
    if (StringPrototypeStartsWith(text, "    at ")) return `${head}\n${text}`;
    return first < 0 ? text : `${head}${StringPrototypeSlice(text, first)}`;
  }

  class Inspector {
    constructor(depth) {
      this.depth = depth;
      this.nodes = 0;
      this.ancestors = new SafeSet();
    }

    inspect(value, level) {
      if ((typeof value !== "object" || value === null) && typeof value !== "function") return inspectPrimitive(value);
      if (this.ancestors.has(value)) return "[Circular]";
      if (++this.nodes > MAX_NODES) return "...";
      this.ancestors.add(value);
      try {
        return this.inspectObject(value, level);
      } catch {
        return "[an object that cannot be read]";
      } finally {
        this.ancestors.delete(value);
      }
    }

    inspectObject(value, level) {
      const form = this.form(value);
      const tooDeep = level > this.depth;
      if (tooDeep && form.head === "") {
        return `[${StringPrototypeTrimEnd(form.prefix) || (form.open === "[" ? "Array" : "Object")}]`;
      }
      const parts = [];
      if (!tooDeep) {
        form.items?.(parts, level + 1);
        this.properties(value, form, parts, level + 1);
      }
      if (form.head !== "") return parts.length === 0 ? form.head : `${form.head} ${wrap(parts, "{", "}")}`;
      return form.prefix + wrap(parts, form.open, form.close);
    }

    /** How a kind of object is written: a head alone, or prefix, brackets and items. `skip`: keys that items cover. */
    form(value) {
      const form = { head: "", prefix: "", open: "{", close: "}", items: undefined, skipIndices: false, skip: "" };
      if (typeof value === "function") {
        form.head = describeFunction(value);
      } else if (ArrayIsArray(value)) {
        this.arrayForm(value, form);
      } else if (runtime.isError(value)) {
        this.errorForm(value, form);
      } else if (ArrayBufferIsView(value)) {
        this.viewForm(value, form);
      } else if (!this.slotForm(value, form)) {
        const prefix = prefixOf(value, "Object");
        form.prefix = prefix === "Object " ? "" : prefix;
      }
      return form;
    }

    arrayForm(value, form) {
      const name = constructorName(value);
      form.prefix = name === "Array" ? "" : prefixOf(value, "Array", value.length);
      form.open = "[";
      form.close = "]";
      form.skipIndices = true;
      form.items = (parts, level) => {
        let i = 0;
        for (; i < value.length && parts.length < MAX_ITEMS; i++) {
          const descriptor = ObjectGetOwnPropertyDescriptor(value, i);
          if (descriptor !== undefined) {
            ArrayPrototypePush(parts, this.member(descriptor, level));
            continue;
          }
          const from = i;
          while (i + 1 < value.length && i - from < 1e5 && !ObjectGetOwnPropertyDescriptor(value, i + 1)) i++;
          if (i - from >= 1e5) i = value.length - 1;
          ArrayPrototypePush(parts, `<${i - from + 1} empty item${i > from ? "s" : ""}>`);
        }
        if (i < value.length) ArrayPrototypePush(parts, more(value.length - i));
      };
    }

    errorForm(value, form) {
      form.head = describeError(value);
      form.skip = "stack";
      form.items = (parts, level) => {
        const hidden = ["cause", "errors"];
        for (let i = 0; i < hidden.length; i++) {
          const descriptor = ObjectGetOwnPropertyDescriptor(value, hidden[i]);
          if (descriptor === undefined || descriptor.enumerable) continue;
          ArrayPrototypePush(parts, `[${hidden[i]}]: ${this.member(descriptor, level)}`);
        }
      };
    }

    viewForm(value, form) {
      const type = TypedArrayPrototypeGetSymbolToStringTag(value);
      if (type === undefined) {
        form.prefix = prefixOf(value, "DataView");
        const size = attempt(DataViewPrototypeGetByteLength, value);
        form.items = (parts) => ArrayPrototypePush(parts, size === undefined ? "(detached)" : `byteLength: ${size}`);
        return;
      }
      const length = TypedArrayPrototypeGetLength(value);
      form.prefix = prefixOf(value, type, length);
      form.open = "[";
      form.close = "]";
      form.skipIndices = true;
      form.items = (parts) => {
        const shown = length > MAX_TYPED_ITEMS ? MAX_TYPED_ITEMS : length;
        for (let i = 0; i < shown; i++) ArrayPrototypePush(parts, inspectPrimitive(value[i]));
        if (shown < length) ArrayPrototypePush(parts, more(length - shown));
      };
    }

    /** Objects with internal slots; false where the value has none that is known. */
    slotForm(value, form) {
      // Each test of internal slots costs an exception where it fails.
      if (ObjectGetPrototypeOf(value) === ObjectPrototype && tagOf(value) === "") return false;
      if (accepts(MapPrototypeGetSize, value)) {
        form.prefix = prefixOf(value, "Map", MapPrototypeGetSize(value));
        form.items = (parts, level) => {
          let left = MapPrototypeGetSize(value);
          MapPrototypeForEach(value, (item, key) => {
            if (parts.length < MAX_ITEMS) {
              left--;
              ArrayPrototypePush(parts, `${this.inspect(key, level)} => ${this.inspect(item, level)}`);
            }
          });
          if (left > 0) ArrayPrototypePush(parts, more(left));
        };
      } else if (accepts(SetPrototypeGetSize, value)) {
        form.prefix = prefixOf(value, "Set", SetPrototypeGetSize(value));
        form.items = (parts, level) => {
          let left = SetPrototypeGetSize(value);
          SetPrototypeForEach(value, (item) => {
            if (parts.length < MAX_ITEMS && left--) ArrayPrototypePush(parts, this.inspect(item, level));
          });
          if (left > 0) ArrayPrototypePush(parts, more(left));
        };
      } else if (accepts(DatePrototypeGetTime, value)) {
        const time = DatePrototypeGetTime(value);
        form.head = time === time ? DatePrototypeToISOString(value) : "Invalid Date";
      } else if (ObjectPrototypeToString(value) === "[object RegExp]" && accepts(RegExpPrototypeToString, value)) {
        form.head = RegExpPrototypeToString(value);
      } else {
        return this.bufferForm(value, form) || this.boxForm(value, form) || this.opaqueForm(value, form);
      }
      return true;
    }

    bufferForm(value, form) {
      const size =
        attempt(ArrayBufferPrototypeGetByteLength, value) ??
        (SharedArrayBufferPrototypeGetByteLength && attempt(SharedArrayBufferPrototypeGetByteLength, value));
      if (size === undefined) return false;
      form.prefix = prefixOf(value, "ArrayBuffer");
      form.items = (parts) => {
        const shown = size > MAX_TYPED_ITEMS ? MAX_TYPED_ITEMS : size;
        const bytes = new Uint8Array(value, 0, shown);
        const contents = [];
        for (let i = 0; i < shown; i++) contents[i] = hex(bytes[i]);
        if (size > MAX_TYPED_ITEMS) ArrayPrototypePush(contents, more(size - MAX_TYPED_ITEMS, "byte"));
        ArrayPrototypePush(parts, `[contents]: <${ArrayPrototypeJoin(contents, " ")}>`, `byteLength: ${size}`);
      };
      return true;
    }

    boxForm(value, form) {
      for (let i = 0; i < boxes.length; i++) {
        if (!accepts(boxes[i].read, value)) continue;
        form.head = `[${boxes[i].name}: ${inspectPrimitive(boxes[i].read(value))}]`;
        form.skipIndices = boxes[i].name === "String";
        return true;
      }
      return false;
    }

    opaqueForm(value, form) {
      const key = {};
      if (accepts((map) => WeakMapPrototypeHas(map, key), value)) form.prefix = prefixOf(value, "WeakMap");
      else if (accepts((set) => WeakSetPrototypeHas(set, key), value)) form.prefix = prefixOf(value, "WeakSet");
      else if (tagOf(value) === "Promise" && value instanceof Promise) form.prefix = prefixOf(value, "Promise");
      else return false;
      return true;
    }

    properties(value, form, parts, level) {
      const keys = ReflectOwnKeys(value);
      let shown = 0;
      for (let i = 0; i < keys.length; i++) {
        const key = keys[i];
        if (form.skipIndices && typeof key === "string" && isIndex(key)) continue;
        if (key === form.skip || !ObjectPrototypePropertyIsEnumerable(value, key)) continue;
        if (shown++ === MAX_KEYS) return void ArrayPrototypePush(parts, "...");
        const name =
          typeof key === "symbol" ? `[${SymbolPrototypeToString(key)}]`
          : RegExpPrototypeExec(identifier, key) !== null ? key
          : quote(key);
        ArrayPrototypePush(parts, `${name}: ${this.member(ObjectGetOwnPropertyDescriptor(value, key), level)}`);
      }
    }

    member(descriptor, level) {
      if (descriptor.get !== undefined) return descriptor.set === undefined ? "[Getter]" : "[Getter/Setter]";
      if (descriptor.set !== undefined) return "[Setter]";
      return this.inspect(descriptor.value, level);
    }
  }

  const boxes = [
    { name: "Number", read: NumberPrototypeValueOf }, { name: "String", read: StringPrototypeValueOf },
    { name: "Boolean", read: BooleanPrototypeValueOf }, { name: "BigInt", read: BigIntPrototypeValueOf },
    { name: "Symbol", read: SymbolPrototypeValueOf },
  ];
  const hex = (byte) => "0123456789abcdef"[byte >> 4] + "0123456789abcdef"[byte & 15];
  const isIndex = (key) => String(key >>> 0) === key;
  const more = (count, noun = "item") => `... ${count} more ${noun}${count === 1 ? "" : "s"}`;

  /** One line if the parts are short, else one part a line. Many short items share lines. */
  function wrap(parts, open, close) {
    if (parts.length === 0) return open + close;
    let length = 0;
    let longest = 0;
    let broken = false;
    for (let i = 0; i < parts.length; i++) {
      length += parts[i].length + 2;
      if (parts[i].length > longest) longest = parts[i].length;
      broken ||= StringPrototypeIncludes(parts[i], "\n");
    }
    if (!broken && length <= LINE) return `${open} ${ArrayPrototypeJoin(parts, ", ")} ${close}`;
    const lines = !broken && open === "[" && longest <= 20 ? fill(parts) : parts;
    const indented = [];
    for (let i = 0; i < lines.length; i++) indented[i] = indent(lines[i], "  ");
    return `${open}\n${ArrayPrototypeJoin(indented, ",\n")}\n${close}`;
  }

  function fill(parts) {
    const lines = [];
    let line = "";
    for (let i = 0; i < parts.length; i++) {
      const joined = line === "" ? parts[i] : `${line}, ${parts[i]}`;
      if (joined.length > LINE && line !== "") {
        ArrayPrototypePush(lines, line);
        line = parts[i];
      } else {
        line = joined;
      }
    }
    ArrayPrototypePush(lines, line);
    return lines;
  }

  const indent = (text, by) =>
    by === "" ? text : by + ArrayPrototypeJoin(StringPrototypeSplit(text, "\n"), `\n${by}`);

  /** Text of any value; `depth` levels of nested objects are written out. */
  runtime.inspect = (value, depth = 3) => new Inspector(depth).inspect(value, 0);
  runtime.indentText = indent;
});
