// atob and btoa (HTML, section 8.3, on the forgiving-base64 algorithms of the Infra Standard).
(function (runtime) {
  "use strict";

  const { DOMException } = runtime;
  const { ArrayPrototypeJoin, ArrayPrototypePush, StringFromCharCode, StringPrototypeCharCodeAt, apply } =
    runtime.primordials;
  const { converters, requiredArguments } = runtime.webidl;

  const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const values = []; // character code -> 0 to 63, or -1, or -2 for white space
  for (let i = 0; i < 128; i++) values[i] = -1;
  for (let i = 0; i < 64; i++) values[StringPrototypeCharCodeAt(ALPHABET, i)] = i;
  for (const code of [0x09, 0x0a, 0x0c, 0x0d, 0x20]) values[code] = -2;
  const PAD = 0x3d;
  const CHUNK = 4096; // units of one String.fromCharCode call; a multiple of 4

  const invalid = (message) => new DOMException(message, "InvalidCharacterError");

  function encode(data) {
    const pieces = [];
    let units = [];
    const { length } = data;
    const byte = (i) => {
      const code = StringPrototypeCharCodeAt(data, i);
      if (code > 255) throw invalid("btoa: the string has a character above U+00FF");
      return code;
    };
    const digit = (value) => StringPrototypeCharCodeAt(ALPHABET, value & 63);
    for (let i = 0; i < length; i += 3) {
      const a = byte(i);
      const b = i + 1 < length ? byte(i + 1) : 0;
      const c = i + 2 < length ? byte(i + 2) : 0;
      const n = units.length;
      units[n] = digit(a >> 2);
      units[n + 1] = digit((a << 4) | (b >> 4));
      units[n + 2] = i + 1 < length ? digit((b << 2) | (c >> 6)) : PAD;
      units[n + 3] = i + 2 < length ? digit(c) : PAD;
      if (units.length >= CHUNK) {
        ArrayPrototypePush(pieces, apply(StringFromCharCode, undefined, units));
        units = [];
      }
    }
    ArrayPrototypePush(pieces, apply(StringFromCharCode, undefined, units));
    return ArrayPrototypeJoin(pieces, "");
  }

  /** The digits of `data` without white space and without one correct padding. */
  function digits(data) {
    const found = [];
    let padding = 0;
    for (let i = 0; i < data.length; i++) {
      const code = StringPrototypeCharCodeAt(data, i);
      const value = code < 128 ? values[code] : -1;
      if (value === -2) continue;
      if (code === PAD) {
        padding++;
      } else if (value < 0 || padding > 0) {
        throw invalid("atob: the string is not correctly encoded");
      } else {
        found[found.length] = value;
      }
    }
    const correct = padding === 0 || (padding <= 2 && (found.length + padding) % 4 === 0);
    if (!correct || found.length % 4 === 1) throw invalid("atob: the string is not correctly encoded");
    return found;
  }

  function decode(data) {
    const found = digits(data);
    const pieces = [];
    let units = [];
    for (let i = 0; i + 1 < found.length; i += 4) {
      const n = units.length;
      units[n] = ((found[i] << 2) | (found[i + 1] >> 4)) & 255;
      if (i + 2 < found.length) units[n + 1] = ((found[i + 1] << 4) | (found[i + 2] >> 2)) & 255;
      if (i + 3 < found.length) units[n + 2] = ((found[i + 2] << 6) | found[i + 3]) & 255;
      if (units.length >= CHUNK) {
        ArrayPrototypePush(pieces, apply(StringFromCharCode, undefined, units));
        units = [];
      }
    }
    ArrayPrototypePush(pieces, apply(StringFromCharCode, undefined, units));
    return ArrayPrototypeJoin(pieces, "");
  }

  runtime.defineGlobals(["job", "shell"], {
    __proto__: null,
    atob(data) {
      requiredArguments(arguments.length, 1, "atob");
      return decode(converters.DOMString(data, "atob"));
    },
    btoa(data) {
      requiredArguments(arguments.length, 1, "btoa");
      return encode(converters.DOMString(data, "btoa"));
    },
  });
});
