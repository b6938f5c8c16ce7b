// The basic URL parser of the URL Standard (section 4.4), as its state machine: one function a state.
//
// A URL record: { scheme, username, password, host, port, path, query, fragment }. host is serialized, or null; path is
// an array of segments, or a string where it is opaque.
(function (runtime) {
  "use strict";

  const {
    parseHost, percentEncode, c0Set, fragmentSet, pathSet, querySet, specialQuerySet, userinfoSet,
  } = runtime.urlHost;
  const {
    ArrayPrototypeJoin, ArrayPrototypePop, ArrayPrototypePush, ArrayPrototypeSlice, NumberParseInt,
    RegExpPrototypeExec, StringPrototypeCharCodeAt, StringPrototypeIndexOf, StringPrototypeSlice,
    StringPrototypeSplit, StringPrototypeToLowerCase,
  } = runtime.primordials;

  const defaultPorts = { __proto__: null, "http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21, "file": null };
  const isSpecial = (url) => url.scheme in defaultPorts;
  const matches = (pattern, text) => RegExpPrototypeExec(pattern, text) !== null;

  const isAlpha = (c) => (c >= "a" && c <= "z") || (c >= "A" && c <= "Z");
  const isDigit = (c) => c >= "0" && c <= "9";
  const isSchemeCharacter = (c) => isAlpha(c) || isDigit(c) || c === "+" || c === "-" || c === ".";
  const driveLetter = /^[A-Za-z][:|]$/;
  const normalizedDriveLetter = /^[A-Za-z]:$/;
  const startsWithDriveLetter = /^[A-Za-z][:|](?:$|[/\\?#])/;
  const singleDot = /^(?:\.|%2e)$/i;
  const doubleDot = /^(?:\.|%2e){2}$/i;

  const FAILURE = { __proto__: null };
  const DONE = { __proto__: null };

  const newRecord = () => ({
    __proto__: null, scheme: "", username: "", password: "", host: null, port: null, path: [], query: null,
    fragment: null,
  });
  const copyPath = (path) => (typeof path === "string" ? path : ArrayPrototypeSlice(path));

  function shorten(url) {
    const { path } = url;
    if (url.scheme === "file" && path.length === 1 && matches(normalizedDriveLetter, path[0])) return;
    ArrayPrototypePop(path);
  }

  // In each state: m is the machine { input, at, url, base, override, buffer, ... }, c the character at m.at ("" at the
  // end). m.at moves on by one after each step; `again` lets the next state see the same character.
  const again = (m, state) => {
    m.at--;
    return state;
  };
  const endsAuthority = (m, c) =>
    c === "" || c === "/" || c === "?" || c === "#" || (c === "\\" && isSpecial(m.url));

  function copyAuthority(url, base) {
    url.username = base.username;
    url.password = base.password;
    url.host = base.host;
    url.port = base.port;
  }

  function begin(m, part) {
    m.url[part] = "";
    return states[part];
  }

  const states = {
    __proto__: null,
    schemeStart(m, c) {
      if (isAlpha(c)) {
        m.buffer += StringPrototypeToLowerCase(c);
        return states.scheme;
      }
      return m.override ? FAILURE : again(m, states.noScheme);
    },

    scheme(m, c) {
      if (isSchemeCharacter(c)) {
        m.buffer += StringPrototypeToLowerCase(c);
        return states.scheme;
      }
      if (c === ":") return m.override ? changeScheme(m) : afterScheme(m);
      if (m.override) return FAILURE;
      m.buffer = "";
      m.at = -1;
      return states.noScheme;
    },

    noScheme(m, c) {
      const { url, base } = m;
      if (base === null) return FAILURE;
      if (typeof base.path === "string") {
        if (c !== "#") return FAILURE;
        url.scheme = base.scheme;
        url.path = base.path;
        url.query = base.query;
        return begin(m, "fragment");
      }
      return again(m, base.scheme === "file" ? states.file : states.relative);
    },

    specialRelativeOrAuthority(m, c) {
      if (c !== "/" || m.input[m.at + 1] !== "/") return again(m, states.relative);
      m.at++;
      return states.authoritySlashes;
    },

    pathOrAuthority(m, c) {
      return c === "/" ? states.authority : again(m, states.path);
    },

    relative(m, c) {
      const { url, base } = m;
      url.scheme = base.scheme;
      if (c === "/" || (c === "\\" && isSpecial(url))) return states.relativeSlash;
      copyAuthority(url, base);
      url.path = copyPath(base.path);
      url.query = base.query;
      if (c === "?") return begin(m, "query");
      if (c === "#") return begin(m, "fragment");
      if (c === "") return DONE;
      url.query = null;
      shorten(url);
      return again(m, states.path);
    },

    relativeSlash(m, c) {
      if (isSpecial(m.url) && (c === "/" || c === "\\")) return states.authoritySlashes;
      if (c === "/") return states.authority;
      copyAuthority(m.url, m.base);
      return again(m, states.path);
    },

    // "special authority slashes" and "... ignore slashes" of the standard differ only in validation errors.
    authoritySlashes(m, c) {
      return c === "/" || c === "\\" ? states.authoritySlashes : again(m, states.authority);
    },

    authority(m, c) {
      if (c === "@") {
        takeCredentials(m);
        return states.authority;
      }
      if (!endsAuthority(m, c)) {
        m.buffer += c;
        return states.authority;
      }
      if (m.atSignSeen && m.buffer === "") return FAILURE;
      m.at -= m.buffer.length + 1;
      m.buffer = "";
      return states.host;
    },

    host(m, c) {
      const { url } = m;
      if (m.override && url.scheme === "file") return again(m, states.fileHost);
      if (c === ":" && !m.insideBrackets) {
        if (m.buffer === "" || m.override === states.hostname) return FAILURE;
        return takeHost(m) ? states.port : FAILURE;
      }
      if (endsAuthority(m, c)) {
        m.at--;
        if (m.buffer === "" && isSpecial(url)) return FAILURE;
        if (m.override && m.buffer === "" && (hasCredentials(url) || url.port !== null)) return FAILURE;
        if (!takeHost(m)) return FAILURE;
        return m.override ? DONE : states.pathStart;
      }
      if (c === "[") m.insideBrackets = true;
      if (c === "]") m.insideBrackets = false;
      m.buffer += c;
      return states.host;
    },

    port(m, c) {
      if (isDigit(c)) {
        m.buffer += c;
        return states.port;
      }
      if (!endsAuthority(m, c) && !m.override) return FAILURE;
      if (m.buffer !== "") {
        const port = NumberParseInt(m.buffer, 10);
        if (port > 65535) return FAILURE;
        m.url.port = port === defaultPorts[m.url.scheme] ? null : port;
        m.buffer = "";
        if (m.override) return DONE;
      }
      return m.override ? FAILURE : again(m, states.pathStart);
    },

    file(m, c) {
      const { url, base } = m;
      url.scheme = "file";
      url.host = "";
      if (c === "/" || c === "\\") return states.fileSlash;
      if (base === null || base.scheme !== "file") return again(m, states.path);
      url.host = base.host;
      url.path = copyPath(base.path);
      url.query = base.query;
      if (c === "?") return begin(m, "query");
      if (c === "#") return begin(m, "fragment");
      if (c === "") return DONE;
      url.query = null;
      if (matches(startsWithDriveLetter, StringPrototypeSlice(m.input, m.at, m.at + 3))) url.path = [];
      else shorten(url);
      return again(m, states.path);
    },

    fileSlash(m, c) {
      const { url, base } = m;
      if (c === "/" || c === "\\") return states.fileHost;
      if (base !== null && base.scheme === "file") {
        url.host = base.host;
        const ownDrive = matches(startsWithDriveLetter, StringPrototypeSlice(m.input, m.at, m.at + 3));
        if (!ownDrive && base.path.length > 0 && matches(normalizedDriveLetter, base.path[0])) {
          ArrayPrototypePush(url.path, base.path[0]);
        }
      }
      return again(m, states.path);
    },

    fileHost(m, c) {
      if (c !== "" && c !== "/" && c !== "\\" && c !== "?" && c !== "#") {
        m.buffer += c;
        return states.fileHost;
      }
      m.at--;
      if (!m.override && matches(driveLetter, m.buffer)) return states.path;
      if (m.buffer === "") m.url.host = "";
      else if (!takeHost(m)) return FAILURE;
      if (m.url.host === "localhost") m.url.host = "";
      return m.override ? DONE : states.pathStart;
    },

    pathStart(m, c) {
      const { url } = m;
      if (isSpecial(url)) return c === "/" || c === "\\" ? states.path : again(m, states.path);
      if (!m.override && c === "?") return begin(m, "query");
      if (!m.override && c === "#") return begin(m, "fragment");
      if (c !== "") return c === "/" ? states.path : again(m, states.path);
      if (m.override && url.host === null) ArrayPrototypePush(url.path, "");
      return DONE;
    },

    path(m, c) {
      const slash = c === "/" || (c === "\\" && isSpecial(m.url));
      if (c !== "" && !slash && (m.override || (c !== "?" && c !== "#"))) {
        m.buffer += c;
        return states.path;
      }
      takeSegment(m, slash);
      return slash ? states.path : c === "?" ? begin(m, "query") : c === "#" ? begin(m, "fragment") : DONE;
    },

    opaquePath(m, c) {
      const { url } = m;
      if (c !== "" && c !== "?" && c !== "#") {
        m.buffer += c;
        return states.opaquePath;
      }
      let text = percentEncode(m.buffer, c0Set);
      if (c !== "" && text[text.length - 1] === " ") text = `${StringPrototypeSlice(text, 0, -1)}%20`;
      url.path += text;
      m.buffer = "";
      return c === "?" ? begin(m, "query") : c === "#" ? begin(m, "fragment") : DONE;
    },

    query(m, c) {
      if (c !== "" && (c !== "#" || m.override)) {
        m.buffer += c;
        return states.query;
      }
      m.url.query += percentEncode(m.buffer, isSpecial(m.url) ? specialQuerySet : querySet);
      m.buffer = "";
      return c === "#" ? begin(m, "fragment") : DONE;
    },

    fragment(m) {
      m.url.fragment += percentEncode(StringPrototypeSlice(m.input, m.at), fragmentSet);
      return DONE;
    },
  };
  /** The override of the hostname setter; it differs from that of host in refusing a port. */
  states.hostname = (m, c) => states.host(m, c);

  const hasCredentials = (url) => url.username !== "" || url.password !== "";
  function changeScheme(m) {
    const { url, buffer } = m;
    if (isSpecial(url) !== buffer in defaultPorts) return DONE;
    if (buffer === "file" && (hasCredentials(url) || url.port !== null)) return DONE;
    if (url.scheme === "file" && (url.host === "" || url.host === null)) return DONE;
    url.scheme = buffer;
    if (url.port === defaultPorts[buffer]) url.port = null;
    return DONE;
  }

  function afterScheme(m) {
    const { url, base } = m;
    url.scheme = m.buffer;
    m.buffer = "";
    if (url.scheme === "file") return states.file;
    if (isSpecial(url)) {
      return base !== null && base.scheme === url.scheme ? states.specialRelativeOrAuthority : states.authoritySlashes;
    }
    if (m.input[m.at + 1] === "/") {
      m.at++;
      return states.pathOrAuthority;
    }
    url.path = "";
    return states.opaquePath;
  }

  function takeCredentials(m) {
    const { url } = m;
    const text = m.atSignSeen ? `%40${m.buffer}` : m.buffer;
    m.atSignSeen = true;
    m.buffer = "";
    const colon = m.passwordSeen ? -1 : StringPrototypeIndexOf(text, ":");
    if (m.passwordSeen) {
      url.password += percentEncode(text, userinfoSet);
      return;
    }
    url.username += percentEncode(colon < 0 ? text : StringPrototypeSlice(text, 0, colon), userinfoSet);
    if (colon < 0) return;
    m.passwordSeen = true;
    url.password += percentEncode(StringPrototypeSlice(text, colon + 1), userinfoSet);
  }

  function takeHost(m) {
    const { url } = m;
    const host = m.buffer === "" && !isSpecial(url) ? "" : parseHost(m.buffer, !isSpecial(url));
    if (host === null) return false;
    url.host = host;
    m.buffer = "";
    return true;
  }

  function takeSegment(m, slash) {
    const { url, buffer } = m;
    m.buffer = "";
    if (matches(doubleDot, buffer)) {
      shorten(url);
      if (!slash) ArrayPrototypePush(url.path, "");
    } else if (matches(singleDot, buffer)) {
      if (!slash) ArrayPrototypePush(url.path, "");
    } else if (url.scheme === "file" && url.path.length === 0 && matches(driveLetter, buffer)) {
      ArrayPrototypePush(url.path, `${buffer[0]}:`);
    } else {
      ArrayPrototypePush(url.path, percentEncode(buffer, pathSet));
    }
  }

  function trimControls(text) {
    let from = 0;
    let to = text.length;
    while (from < to && StringPrototypeCharCodeAt(text, from) <= 0x20) from++;
    while (to > from && StringPrototypeCharCodeAt(text, to - 1) <= 0x20) to--;
    return StringPrototypeSlice(text, from, to);
  }
  const remove = (text, character) => ArrayPrototypeJoin(StringPrototypeSplit(text, character), "");
  const removeTabs = (text) => (matches(/[\t\n\r]/, text) ? remove(remove(remove(text, "\t"), "\n"), "\r") : text);

  function runMachine(input, url, base, state, override) {
    const m = {
      __proto__: null, input: removeTabs(input), at: 0, url, base, override, buffer: "", atSignSeen: false,
      passwordSeen: false, insideBrackets: false,
    };
    for (; ; m.at++) {
      state = state(m, m.input[m.at] ?? "");
      if (state === FAILURE) return false;
      if (state === DONE) return true;
    }
  }

  /** A URL record, or null. `base` is a record or null. */
  function parseUrl(input, base) {
    const url = newRecord();
    return runMachine(trimControls(input), url, base, states.schemeStart, null) ? url : null;
  }

  /** Changes a part of a record, as the setters of the URL class do; false on failure. `state`: a name in states. */
  const changeUrl = (url, input, state) => runMachine(input, url, null, states[state], states[state]);

  const serializePath = (url) =>
    typeof url.path === "string" ? url.path : url.path.length === 0 ? "" : `/${ArrayPrototypeJoin(url.path, "/")}`;

  function serializeUrl(url, withoutFragment = false) {
    let text = `${url.scheme}:`;
    if (url.host !== null) {
      text += "//";
      if (hasCredentials(url)) text += `${url.username}${url.password === "" ? "" : `:${url.password}`}@`;
      text += url.host + (url.port === null ? "" : `:${url.port}`);
    } else if (typeof url.path !== "string" && url.path.length > 1 && url.path[0] === "") {
      text += "/.";
    }
    text += serializePath(url);
    if (url.query !== null) text += `?${url.query}`;
    return url.fragment === null || withoutFragment ? text : `${text}#${url.fragment}`;
  }

  runtime.urlParser = { __proto__: null, parseUrl, changeUrl, serializeUrl, serializePath, isSpecial };
});
