results.tags = [WebAssembly, compile("empty"), new WebAssembly.Instance(compile("empty")),
  new WebAssembly.Memory({ initial: 0 }), new WebAssembly.Table({ initial: 0, element: "anyfunc" }),
  new WebAssembly.Global({ value: "i32" }), new WebAssembly.Tag({ parameters: [] }),
  new WebAssembly.Exception(new WebAssembly.Tag({ parameters: [] }), []),
].map((object) => Object.prototype.toString.call(object).slice(8, -1));
results.global = attributes(globalThis, "WebAssembly");
results.classes = [];
for (const name of ["Module", "Instance", "Memory", "Table", "Global", "Tag", "Exception"]) {
  const Class = WebAssembly[name];
  results.classes.push([attributes(WebAssembly, name), Class.name === name, Class.length,
    attributes(Class, "prototype"), attributes(Class.prototype, "constructor"),
    attributes(Class.prototype, Symbol.toStringTag), thrown(() => Class({})), thrown(() => new Class())]);
}
results.members = {};
const members = { WebAssembly: [WebAssembly, "validate compile instantiate compileStreaming"],
  Module: [WebAssembly.Module, "exports imports customSections"],
  Instance: [WebAssembly.Instance.prototype, "exports"],
  Memory: [WebAssembly.Memory.prototype, "buffer grow"],
  Table: [WebAssembly.Table.prototype, "length get set grow"],
  Global: [WebAssembly.Global.prototype, "value valueOf"],
  Exception: [WebAssembly.Exception.prototype, "is getArg"] };
for (const [owner, [object, names]] of Object.entries(members)) {
  for (const name of names.split(" ")) {
    const { value, get } = Object.getOwnPropertyDescriptor(object, name);
    const fn = value ?? get;
    const plain = Object.getPrototypeOf(fn) === Function.prototype && !("prototype" in fn);
    results.members[`${owner}.${name}`] = [attributes(object, name), fn.name, fn.length, plain];
  }
}
results.setter = Object.getOwnPropertyDescriptor(WebAssembly.Global.prototype, "value").set.name;
results.errors = ["CompileError", "LinkError", "RuntimeError"].map((name) => {
  const Class = WebAssembly[name];
  const error = new Class("why", { cause: 7 });
  return [Class.name === name, Class.length, Object.getPrototypeOf(Class) === Error, error instanceof Error,
    error.name === name, error.message, error.cause, Class("called") instanceof Class,
    Object.prototype.toString.call(error), attributes(WebAssembly, name), Object.keys(error).length];
});
