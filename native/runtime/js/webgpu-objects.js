// The states behind WebGPU objects: identity, life time, and the errors that the sandbox itself finds.
//
// A state is { id, device, label, ... }; the class of the same object keeps it in a private field. When a state is
// collected, the host is told to release its object.
(function (runtime) {
  "use strict";

  const { gpu, ops, primordials } = runtime;
  const { ArrayPrototypePush, FinalizationRegistry, FinalizationRegistryPrototypeRegister, ObjectDefineProperty,
          ReflectGetOwnPropertyDescriptor, Symbol } = primordials;
  const { cursor, wire } = gpu;

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
  gpu.exampleOf = { __proto__: null }; // by the name of the class
  gpu.keepExample = (Class, name) => {
    gpu.exampleOf[name] = gpu.wrap(Class, null);
  };

  const LAST_ID = 2; // in the cursor: recorders give ids too
  const collected = new FinalizationRegistry((id) => wire.release(id));

  gpu.newId = () => ++cursor[LAST_ID];
  /** The host hears of it when nobody can reach the state any more. */
  gpu.register = (state) => {
    FinalizationRegistryPrototypeRegister(collected, state, state.id);
    return state;
  };

  gpu.keepShapes(["id", "device", "label"]);
  gpu.newState = (device, label) => gpu.stateWithId(++cursor[LAST_ID], device, label);
  gpu.stateWithId = (id, device, label) => {
    const state = { __proto__: null, id, device, label };
    FinalizationRegistryPrototypeRegister(collected, state, id);
    return state;
  };

  /** Where the engine has recorders, puts one in front of a method; `plan` as in engine/recorder_support.hpp. */
  gpu.recordCalls = (Class, name, plan) => {
    if (ops.gpuRecorder === undefined) return;
    const method = ReflectGetOwnPropertyDescriptor(Class.prototype, name).value;
    ObjectDefineProperty(Class.prototype, name, { __proto__: null, value: ops.gpuRecorder(method, plan) });
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
