// The URL class (URL Standard, section 6.1).
(function (runtime) {
  "use strict";

  const { webidl } = runtime;
  const { percentEncode, userinfoSet } = runtime.urlHost;
  const { parseUrl, changeUrl, serializeUrl, serializePath, isSpecial } = runtime.urlParser;
  const { URLSearchParams, connect } = runtime.urlSearchParams;
  const { StringPrototypeSlice, TypeError } = runtime.primordials;
  const { converters, configureInterface, requiredArguments } = webidl;

  /** A URL record, or null, from the arguments of the constructor and of its static relatives. */
  function parse(url, base, context) {
    url = converters.USVString(url, `${context}: url`);
    if (base === undefined) return parseUrl(url, null);
    const record = parseUrl(converters.USVString(base, `${context}: base`), null);
    return record === null ? null : parseUrl(url, record);
  }

  const cannotHaveCredentials = (record) => record.host === null || record.host === "" || record.scheme === "file";
  const withoutPrefix = (text, prefix) => (text[0] === prefix ? StringPrototypeSlice(text, 1) : text);

  function originOf(record) {
    if (record.scheme === "blob") {
      const inner = parseUrl(serializePath(record), null);
      return inner !== null && (inner.scheme === "http" || inner.scheme === "https") ? originOf(inner) : "null";
    }
    const { scheme, host, port } = record;
    if (!isSpecial(record) || scheme === "file") return "null";
    return `${scheme}://${host}${port === null ? "" : `:${port}`}`;
  }

  class URL {
    #record;
    #searchParams = null;
    constructor(url, base = undefined) {
      requiredArguments(arguments.length, 1, "URL");
      const record = parse(url, base, "URL");
      if (record === null) throw new TypeError(`Invalid URL: ${url}`);
      this.#record = record;
    }
    static parse(url, base = undefined) {
      requiredArguments(arguments.length, 1, "URL.parse");
      const record = parse(url, base, "URL.parse");
      if (record === null) return null;
      const result = new URL("about:blank");
      result.#record = record;
      return result;
    }
    static canParse(url, base = undefined) {
      requiredArguments(arguments.length, 1, "URL.canParse");
      return parse(url, base, "URL.canParse") !== null;
    }
    /** A setter's change works on a copy, which replaces the record unless the change fails. */
    #change(input, state, prepare) {
      const record = { __proto__: null, ...this.#record };
      prepare?.(record);
      if (changeUrl(record, input, state)) this.#record = record;
    }
    #connectSearchParams() {
      if (this.#searchParams === null) return;
      connect(this.#searchParams, this.#record.query ?? "", (query) => {
        this.#record.query = query === "" ? null : query;
      });
    }
    get href() {
      return serializeUrl(this.#record);
    }
    set href(value) {
      const record = parseUrl(converters.USVString(value, "URL.href"), null);
      if (record === null) throw new TypeError(`Invalid URL: ${value}`);
      this.#record = record;
      this.#connectSearchParams();
    }
    toString() {
      return serializeUrl(this.#record);
    }
    get origin() {
      return originOf(this.#record);
    }
    get protocol() {
      return `${this.#record.scheme}:`;
    }
    set protocol(value) {
      this.#change(`${converters.USVString(value, "URL.protocol")}:`, "schemeStart");
    }
    get username() {
      return this.#record.username;
    }
    set username(value) {
      value = converters.USVString(value, "URL.username");
      if (!cannotHaveCredentials(this.#record)) this.#record.username = percentEncode(value, userinfoSet);
    }
    get password() {
      return this.#record.password;
    }
    set password(value) {
      value = converters.USVString(value, "URL.password");
      if (!cannotHaveCredentials(this.#record)) this.#record.password = percentEncode(value, userinfoSet);
    }
    get host() {
      const { host, port } = this.#record;
      return host === null ? "" : port === null ? host : `${host}:${port}`;
    }
    set host(value) {
      value = converters.USVString(value, "URL.host");
      if (typeof this.#record.path === "string") return;
      // A host is taken even where the port behind it is wrong.
      changeUrl(this.#record, value, "host");
    }
    get hostname() {
      return this.#record.host ?? "";
    }
    set hostname(value) {
      value = converters.USVString(value, "URL.hostname");
      if (typeof this.#record.path !== "string") this.#change(value, "hostname");
    }
    get port() {
      const { port } = this.#record;
      return port === null ? "" : `${port}`;
    }
    set port(value) {
      value = converters.USVString(value, "URL.port");
      if (cannotHaveCredentials(this.#record)) return;
      if (value === "") this.#record.port = null;
      else this.#change(value, "port");
    }
    get pathname() {
      return serializePath(this.#record);
    }
    set pathname(value) {
      value = converters.USVString(value, "URL.pathname");
      if (typeof this.#record.path === "string") return;
      this.#change(value, "pathStart", (record) => {
        record.path = [];
      });
    }
    get search() {
      const { query } = this.#record;
      return query === null || query === "" ? "" : `?${query}`;
    }
    set search(value) {
      value = converters.USVString(value, "URL.search");
      if (value === "") {
        this.#record.query = null;
      } else {
        this.#change(withoutPrefix(value, "?"), "query", (record) => {
          record.query = "";
        });
      }
      this.#connectSearchParams();
    }
    get searchParams() {
      if (this.#searchParams === null) {
        this.#record;
        this.#searchParams = new URLSearchParams();
        this.#connectSearchParams();
      }
      return this.#searchParams;
    }
    get hash() {
      const { fragment } = this.#record;
      return fragment === null || fragment === "" ? "" : `#${fragment}`;
    }
    set hash(value) {
      value = converters.USVString(value, "URL.hash");
      if (value === "") {
        this.#record.fragment = null;
        return;
      }
      this.#change(withoutPrefix(value, "#"), "fragment", (record) => {
        record.fragment = "";
      });
    }
    toJSON() {
      return serializeUrl(this.#record);
    }
  }
  configureInterface(URL);

  runtime.URL = URL;
  runtime.defineGlobals(["job", "shell"], { __proto__: null, URL });
});
