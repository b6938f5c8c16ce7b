// Values of JavaScript from graphs (kvin_graphs.py says what those are), and graphs of values.
"use strict";

const ERROR_FIELDS = ["code", "stack", "lineNumber", "fileName"];

const bytesOf = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));

// What can hold others is made empty, so that cycles find it.
function empty([kind, ...rest]) {
  switch (kind) {
    case "null":
      return null;
    case "undefined":
      return undefined;
    case "number":
      return rest[0] === "-0" ? -0 : Number(rest[0]);
    case "boolean":
    case "string":
      return rest[0];
    case "bigint":
      return BigInt(rest[0]);
    case "symbol":
      return Symbol(rest[0]);
    case "date":
      return new Date(rest[0]);
    case "regexp":
      return new RegExp(rest[0], rest[1]);
    case "url":
      return new URL(rest[0]);
    case "boxed":
      return Object(rest[0]);
    case "typed":
      return rest[0] === "Buffer"
        ? Buffer.from(rest[1], "hex")
        : new globalThis[rest[0]](bytesOf(rest[1]).buffer);
    case "object":
      return {};
    case "array":
      return new Array(rest[0]);
    case "map":
      return new Map();
    case "set":
      return new Set();
    case "error": {
      const error = new Error(rest[0]);
      for (const name of ERROR_FIELDS) delete error[name];
      return error;
    }
  }
  throw new Error(`no kind ${kind}`);
}

function fill(value, [kind, ...rest], values) {
  const assign = (entries) => entries.forEach(([name, node]) => (value[name] = values[node]));
  if (kind === "object") assign(rest[0]);
  if (kind === "array") rest.slice(1).forEach(assign);
  if (kind === "error") assign(rest[1]);
  if (kind === "set") rest[0].forEach((node) => value.add(values[node]));
  if (kind === "map") {
    rest[0].forEach(([key, node]) => value.set(values[key], values[node]));
    assign(rest[1]);
  }
}

function build(graph) {
  const values = graph.map(empty);
  graph.forEach((node, index) => fill(values[index], node, values));
  return values[0];
}

function classOf(value) {
  if (Array.isArray(value)) return "Array";
  if (value instanceof Error) return "Error";
  if (Buffer.isBuffer(value)) return "Buffer";
  return Object.prototype.toString.call(value).slice(8, -1);
}

function describe(value) {
  const seen = new Map();
  return see(value);

  function entries(object) {
    return Object.entries(object).map(([name, member]) => ["=", name, see(member)]);
  }

  function see(value) {
    if (value === null) return ["null"];
    if (value === undefined) return ["undefined"];
    if (typeof value === "number") return ["number", Object.is(value, -0) ? "-0" : String(value)];
    if (typeof value === "bigint") return ["bigint", String(value)];
    if (typeof value === "boolean" || typeof value === "string") return [typeof value, value];
    if (seen.has(value)) return ["seen", seen.get(value)];
    seen.set(value, seen.size);
    return typeof value === "symbol" ? ["symbol", value.description] : object(value);
  }

  function object(value) {
    const name = classOf(value);
    if (ArrayBuffer.isView(value))
      return ["typed", name, Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex")];
    switch (name) {
      case "Array": {
        const all = entries(value);
        const elements = Object.keys(value).filter(isIndex).length; // they come first
        return ["array", value.length, all.slice(0, elements), all.slice(elements)];
      }
      case "Map":
        return ["map", [...value].map(([key, member]) => [see(key), see(member)]), entries(value)];
      case "Set":
        return ["set", [...value].map(see)];
      case "Date":
        return ["date", value.getTime()];
      case "RegExp":
        return ["regexp", value.source, value.flags];
      case "URL":
        return ["url", value.href];
      case "Number":
      case "String":
      case "Boolean":
        return ["boxed", see(value.valueOf())];
      case "Error": {
        const fields = ERROR_FIELDS.filter((field) => Object.hasOwn(value, field));
        const own = Object.fromEntries([...fields, ...Object.keys(value)].map((field) => [field, value[field]]));
        return ["error", value.message, entries(own)];
      }
      case "Object":
        return ["object", entries(value)];
    }
    throw new Error(`nothing describes a ${name}`);
  }
}

const isIndex = (key) => String(key >>> 0) === key && key >>> 0 < 2 ** 32 - 1;

exports.build = build;
exports.describe = describe;
