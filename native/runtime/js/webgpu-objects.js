// The states behind WebGPU objects: identity, life time, and the errors that the sandbox itself finds.
//
// A state is { id, device, label, ... }; the class of the same object keeps it in a private field. When a state is
// collected, the host is told to release its object.
(function (runtime) {
  "use strict";

  const { gpu, primordials } = runtime;
  const { ArrayPrototypePush, FinalizationRegistry, FinalizationRegistryPrototypeRegister, Symbol } = primordials;
  const { wire } = gpu;

  /** Longer writes go in parts: the host copies one while the next one is copied here. Bytes. */
  gpu.LONGEST_WRITE = 1 << 22;

  gpu.secret = Symbol("WebGPU");
  /** Methods that the generated classes leave to hand-written code: Interface_method(state, ...arguments). */
  gpu.hooks = { __proto__: null };

  // QuickJS forgets the shape of objects when the last one goes, and makes it anew, member by member, for the next one:
  // that takes as long as all the rest of a short-lived dictionary. One object of each shape stays.
  const examples = [];
  gpu.keepShapes = (names) => {
    for (let count = 1; count <= names.length; count++) {
      const example = { __proto__: null };
      for (let i = 0; i < count; i++) example[names[i]] = undefined;
      ArrayPrototypePush(examples, example);
    }
  };
  gpu.keepExample = (Class) => ArrayPrototypePush(examples, gpu.wrap(Class, null));

  let lastId = 0;
  const collected = new FinalizationRegistry((id) => wire.release(id));

  /** Gives a state its id. */
  gpu.register = (state) => {
    state.id = ++lastId;
    FinalizationRegistryPrototypeRegister(collected, state, lastId);
    return state;
  };

  gpu.keepShapes(["id", "device", "label"]);
  gpu.newState = (device, label) => {
    const state = { __proto__: null, id: ++lastId, device, label };
    FinalizationRegistryPrototypeRegister(collected, state, lastId);
    return state;
  };

  gpu.wrap = (Class, state) => new Class(gpu.secret, state);

  /** Raises an error on the device's timeline: "validation", "out-of-memory" or "internal". */
  gpu.injectError = (device, type, message) => {
    if (!device.gone) gpu.commands.injectError(device, type, message);
  };

  /** What a method of an encoder that has ended gives: an error, and an invalid object where it makes one. */
  gpu.closed = (device, name, Class, kind) => {
    gpu.injectError(device, "validation", `${name}: the encoder has ended`);
    if (Class === undefined) return undefined;
    const state = gpu.newState(device, "");
    if (!device.gone) gpu.commands.createInvalid(device, state.id, kind);
    return gpu.wrap(Class, state);
  };
});
