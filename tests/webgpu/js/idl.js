const refusal = (run) => {
  try {
    const made = run();
    made.catch(() => {});
    return "rejects";
  } catch (error) {
    return nameOf(error);
  }
};
const look = (object, key) => {
  const property = Object.getOwnPropertyDescriptor(object, key);
  if (property === undefined) return null;
  const { value, get, set, writable, enumerable, configurable } = property;
  return {
    enumerable, configurable, writable, value: typeof value === "number" ? value : typeof value,
    length: value?.length, name: value?.name, get: get && [get.name, get.length], set: set && [set.name, set.length],
    // Called on an object of another kind: an operation with a promise rejects, everything else throws.
    refuses: get ? refusal(() => get.call({}))
      : typeof value === "function" && key !== "constructor" ? refusal(() => value.call({})) : undefined,
    constructible: typeof value === "function" ? thrown(() => new value()) : undefined,
  };
};
for (const name in WANTED) {
  const found = (results[name] = { global: look(globalThis, name), members: {}, statics: {} });
  if (found.global === null) continue;
  const Class = globalThis[name];
  found.tag = Object.prototype.toString.call(Class.prototype ?? Class);
  found.base = Class.prototype && Object.getPrototypeOf(Class.prototype)?.constructor.name;
  found.classBase = Class.prototype && Object.getPrototypeOf(Class).name;
  found.own = Class.prototype && Object.getOwnPropertyNames(Class.prototype);
  for (const key of WANTED[name]) {
    (Class.prototype === undefined ? found.statics : found.members)[key] = look(Class.prototype ?? Class, key);
  }
}
