// URLSearchParams, and application/x-www-form-urlencoded (URL Standard, sections 5 and 6.2).
(function (runtime) {
  "use strict";

  const { webidl } = runtime;
  const { formSet, percentDecode, percentEncode } = runtime.urlHost;
  const {
    ArrayPrototypeJoin, ArrayPrototypePush, ArrayPrototypeSort, ArrayPrototypeSplice, IteratorPrototype,
    ObjectDefineProperty, ObjectSetPrototypeOf, StringPrototypeIndexOf, StringPrototypeSlice, StringPrototypeSplit,
    SymbolIterator, TypeError, apply,
  } = runtime.primordials;
  const { converters, configureInterface, createRecordConverter, createSequenceConverter, requiredArguments } = webidl;

  const decodePart = (text) => percentDecode(ArrayPrototypeJoin(StringPrototypeSplit(text, "+"), " "));

  function parseForm(text) {
    const list = [];
    const parts = StringPrototypeSplit(text, "&");
    for (let i = 0; i < parts.length; i++) {
      if (parts[i] === "") continue;
      const at = StringPrototypeIndexOf(parts[i], "=");
      const name = at < 0 ? parts[i] : StringPrototypeSlice(parts[i], 0, at);
      const value = at < 0 ? "" : StringPrototypeSlice(parts[i], at + 1);
      ArrayPrototypePush(list, { __proto__: null, name: decodePart(name), value: decodePart(value) });
    }
    return list;
  }

  function serializeForm(list) {
    let text = "";
    for (let i = 0; i < list.length; i++) {
      if (i > 0) text += "&";
      text += `${percentEncode(list[i].name, formSet, true)}=${percentEncode(list[i].value, formSet, true)}`;
    }
    return text;
  }

  const toPair = createSequenceConverter(converters.USVString);
  const toPairs = createSequenceConverter((value, context) => {
    const pair = toPair(value, context);
    if (pair.length !== 2) throw new TypeError(`${context}: a pair needs a name and a value`);
    return pair;
  });
  const toRecord = createRecordConverter(converters.USVString, converters.USVString);

  function listFrom(init, context) {
    if (!webidl.isObject(init)) {
      const text = converters.USVString(init, context);
      return parseForm(text[0] === "?" ? StringPrototypeSlice(text, 1) : text);
    }
    const method = init[SymbolIterator];
    const isRecord = method === undefined || method === null;
    const pairs = isRecord ? toRecord(init, context) : toPairs(init, context);
    const list = [];
    for (let i = 0; i < pairs.length; i++) setPair(list, pairs[i][0], pairs[i][1], isRecord);
    return list;
  }

  /** Two keys of a record may become equal as scalar value strings: the last value wins. */
  function setPair(list, name, value, replace) {
    for (let i = 0; replace && i < list.length; i++) {
      if (list[i].name === name) {
        list[i].value = value;
        return;
      }
    }
    ArrayPrototypePush(list, { __proto__: null, name, value });
  }

  const usv = (value, method) => converters.USVString(value, `URLSearchParams.${method}`);

  class URLSearchParams {
    #list = [];
    #onChange = null;
    constructor(init = "") {
      this.#list = listFrom(init, "URLSearchParams: init");
    }
    static list(params) {
      return params.#list;
    }
    /** Parses anew; onChange is called with the serialization after each change. */
    static connect(params, query, onChange) {
      params.#list = parseForm(query);
      params.#onChange = onChange;
    }
    #changed() {
      this.#onChange?.(serializeForm(this.#list));
    }
    get size() {
      return this.#list.length;
    }
    append(name, value) {
      requiredArguments(arguments.length, 2, "URLSearchParams.append");
      ArrayPrototypePush(this.#list, { __proto__: null, name: usv(name, "append"), value: usv(value, "append") });
      this.#changed();
    }
    delete(name, value = undefined) {
      const list = this.#list;
      requiredArguments(arguments.length, 1, "URLSearchParams.delete");
      name = usv(name, "delete");
      if (value !== undefined) value = usv(value, "delete");
      for (let i = list.length - 1; i >= 0; i--) {
        if (list[i].name === name && (value === undefined || list[i].value === value)) ArrayPrototypeSplice(list, i, 1);
      }
      this.#changed();
    }
    get(name) {
      const list = this.#list;
      requiredArguments(arguments.length, 1, "URLSearchParams.get");
      name = usv(name, "get");
      for (let i = 0; i < list.length; i++) if (list[i].name === name) return list[i].value;
      return null;
    }
    getAll(name) {
      const list = this.#list;
      requiredArguments(arguments.length, 1, "URLSearchParams.getAll");
      name = usv(name, "getAll");
      const values = [];
      for (let i = 0; i < list.length; i++) if (list[i].name === name) ArrayPrototypePush(values, list[i].value);
      return values;
    }
    has(name, value = undefined) {
      const list = this.#list;
      requiredArguments(arguments.length, 1, "URLSearchParams.has");
      name = usv(name, "has");
      if (value !== undefined) value = usv(value, "has");
      for (let i = 0; i < list.length; i++) {
        if (list[i].name === name && (value === undefined || list[i].value === value)) return true;
      }
      return false;
    }
    set(name, value) {
      const list = this.#list;
      requiredArguments(arguments.length, 2, "URLSearchParams.set");
      name = usv(name, "set");
      value = usv(value, "set");
      let found = false;
      for (let i = 0; i < list.length; i++) {
        if (list[i].name !== name) continue;
        if (found) ArrayPrototypeSplice(list, i--, 1);
        else list[i].value = value;
        found = true;
      }
      if (!found) ArrayPrototypePush(list, { __proto__: null, name, value });
      this.#changed();
    }
    sort() {
      // By UTF-16 code units, stable.
      ArrayPrototypeSort(this.#list, (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
      this.#changed();
    }
    entries() {
      return makeIterator(this, (pair) => [pair.name, pair.value]);
    }
    forEach(callback, thisArgument = undefined) {
      requiredArguments(arguments.length, 1, "URLSearchParams.forEach");
      converters.Function(callback, "URLSearchParams.forEach: callback");
      for (let i = 0; i < this.#list.length; i++) {
        apply(callback, thisArgument, [this.#list[i].value, this.#list[i].name, this]);
      }
    }
    keys() {
      return makeIterator(this, (pair) => pair.name);
    }
    values() {
      return makeIterator(this, (pair) => pair.value);
    }
    toString() {
      return serializeForm(this.#list);
    }
  }
  const { connect, list: listOf } = URLSearchParams;
  delete URLSearchParams.connect;
  delete URLSearchParams.list;
  configureInterface(URLSearchParams);
  ObjectDefineProperty(URLSearchParams.prototype, SymbolIterator, {
    __proto__: null, value: URLSearchParams.prototype.entries, writable: true, configurable: true,
  });

  class Cursor {
    #params;
    #read;
    #index = 0;
    constructor(params, read) {
      this.#params = params;
      this.#read = read;
    }
    next() {
      const list = listOf(this.#params);
      if (this.#index >= list.length) return { value: undefined, done: true };
      return { value: this.#read(list[this.#index++]), done: false };
    }
  }
  delete Cursor.prototype.constructor;
  ObjectSetPrototypeOf(Cursor.prototype, IteratorPrototype);
  configureInterface(Cursor, "URLSearchParams Iterator");

  function makeIterator(params, read) {
    listOf(params);
    return new Cursor(params, read);
  }

  runtime.urlSearchParams = { __proto__: null, URLSearchParams, connect };
  runtime.defineGlobals(["job", "shell"], { __proto__: null, URLSearchParams });
});
