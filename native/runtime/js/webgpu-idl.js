// WebIDL conversions and class set-up for the generated WebGPU client: plain functions, fast for the usual values.
(function (runtime) {
  "use strict";

  const { webidl, primordials } = runtime;
  const { ObjectDefineProperty, ObjectFreeze, SafeArrayIterator, SymbolIterator, SymbolToStringTag,
          TypeError, ReflectOwnKeys } = primordials;
  const { converters, createRecordConverter, configureInterface, isObject } = webidl;

  const enforceRange = ObjectFreeze({ __proto__: null, enforceRange: true });
  const clamp = ObjectFreeze({ __proto__: null, clamp: true });
  const empty = ObjectFreeze({ __proto__: null });

  const idl = { __proto__: null };

  idl.empty = empty;
  idl.callerError = (name, required) => new TypeError(`${name}: ${required} argument${required === 1 ? "" : "s"} required`);
  idl.missing = (what) => new TypeError(`${what} is required`);

  /** [EnforceRange] unsigned long */
  idl.toU32 = (value, what) => {
    if (typeof value === "number" && value >>> 0 === value) return value;
    return converters["unsigned long"](value, what, enforceRange);
  };
  /** unsigned long */
  idl.toUint32 = (value, what) => (typeof value === "number" ? value >>> 0 : converters["unsigned long"](value, what));
  /** [EnforceRange] long */
  idl.toI32 = (value, what) => {
    if (typeof value === "number" && (value | 0) === value) return value;
    return converters.long(value, what, enforceRange);
  };
  /** [EnforceRange] unsigned long long: an integer up to 2^53 - 1 */
  idl.toU64 = (value, what) => {
    if (typeof value === "number" && value >>> 0 === value) return value;
    return converters["unsigned long long"](value, what, enforceRange);
  };
  /** [Clamp] unsigned short */
  idl.clampU16 = (value, what) => converters["unsigned short"](value, what, clamp);
  idl.toDouble = (value, what) => converters.double(value, what);
  idl.toFloat = (value, what) => converters.float(value, what);
  idl.toDOMString = (value, what) => converters.DOMString(value, what);
  idl.toString = (value, what) => (value === "" ? value : converters.USVString(value, what));

  idl.toEnum = (value, values, name, what) => {
    const text = typeof value === "string" ? value : converters.DOMString(value, what);
    if (values[text] === undefined) throw new TypeError(`${what}: "${text}" is not a value of ${name}`);
    return text;
  };
  /** The object that a dictionary is read from. */
  idl.toDictionary = (value, what) => {
    if (value === undefined || value === null) return empty;
    if (!isObject(value)) throw new TypeError(`${what} is not an object`);
    return value;
  };
  idl.toSequence = webidl.toSequence;
  /** [[key, value], ...] */
  idl.toRecord = (value, convert, what) => createRecordConverter(converters.USVString, convert)(value, what);

  /** The union of a sequence of `least` to `most` numbers, named by `names`, and a dictionary. */
  idl.toSequenceWith = (value, names, least, most, convert, toDictionary, what) => {
    if (!isObject(value) || typeof value[SymbolIterator] !== "function") return toDictionary(value, what);
    const items = idl.toSequence(value, convert, what);
    if (items.length < least || items.length > most) {
      throw new TypeError(`${what} has ${items.length} numbers, ${least} to ${most} are expected`);
    }
    const named = { __proto__: null };
    for (let i = 0; i < items.length; i++) named[names[i]] = items[i];
    return toDictionary(named, what);
  };

  /**
   * Makes a generated class look as WebIDL says; `lengths` are those of methods whose parameters do not tell. With
   * `setlike`, iterable as its values.
   */
  idl.defineClass = (Class, name, lengths, setlike = false) => {
    configureInterface(Class, name);
    for (const method of new SafeArrayIterator(ReflectOwnKeys(lengths))) {
      ObjectDefineProperty(Class.prototype[method], "length", { __proto__: null, value: lengths[method] });
    }
    ObjectDefineProperty(Class, "prototype", { __proto__: null, writable: false });
    if (!setlike) return;
    const { values } = Class.prototype;
    ObjectDefineProperty(Class.prototype, SymbolIterator, {
      __proto__: null, value: values, writable: true, configurable: true,
    });
  };

  idl.defineNamespace = (name, constants) => {
    const namespace = {};
    for (const key of new SafeArrayIterator(ReflectOwnKeys(constants))) {
      ObjectDefineProperty(namespace, key, { __proto__: null, value: constants[key], enumerable: true });
    }
    ObjectDefineProperty(namespace, SymbolToStringTag, { __proto__: null, value: name, configurable: true });
    return namespace;
  };

  runtime.gpu = { __proto__: null, idl };
});
