// crypto.getRandomValues and crypto.randomUUID (Web Cryptography). There is no crypto.subtle.
(function (runtime) {
  "use strict";

  const { ops, webidl, DOMException } = runtime;
  const { TypedArrayPrototypeGetByteLength, TypedArrayPrototypeGetSymbolToStringTag, Uint8Array } = runtime.primordials;
  const { converters, checkConstructionToken, configureInterface, constructionToken, requiredArguments } = webidl;

  const QUOTA = 65536; // bytes of one call, as the specification sets
  const integerTypes = {
    __proto__: null, Int8Array: true, Uint8Array: true, Uint8ClampedArray: true, Int16Array: true, Uint16Array: true,
    Int32Array: true, Uint32Array: true, BigInt64Array: true, BigUint64Array: true,
  };
  const hex = [];
  for (let i = 0; i < 256; i++) hex[i] = "0123456789abcdef"[i >> 4] + "0123456789abcdef"[i & 15];

  class Crypto {
    #brand;
    constructor(token = undefined) {
      checkConstructionToken(token);
    }
    getRandomValues(array) {
      this.#brand;
      requiredArguments(arguments.length, 1, "Crypto.getRandomValues");
      converters.ArrayBufferView(array, "Crypto.getRandomValues: array");
      const type = TypedArrayPrototypeGetSymbolToStringTag(array);
      if (type === undefined || !integerTypes[type]) {
        throw new DOMException("Crypto.getRandomValues: not an integer typed array", "TypeMismatchError");
      }
      const size = TypedArrayPrototypeGetByteLength(array);
      if (size > QUOTA) {
        const message = `Crypto.getRandomValues: ${size} bytes, at most ${QUOTA} in one call`;
        throw new DOMException(message, "QuotaExceededError");
      }
      if (size > 0) ops.randomBytes(array);
      return array;
    }
    randomUUID() {
      this.#brand;
      const bytes = new Uint8Array(16);
      ops.randomBytes(bytes);
      bytes[6] = (bytes[6] & 0x0f) | 0x40; // version 4
      bytes[8] = (bytes[8] & 0x3f) | 0x80; // the variant of RFC 9562
      let text = "";
      for (let i = 0; i < 16; i++) text += (i === 4 || i === 6 || i === 8 || i === 10 ? "-" : "") + hex[bytes[i]];
      return text;
    }
  }
  configureInterface(Crypto);

  runtime.defineGlobals(["job", "shell"], { __proto__: null, Crypto, crypto: new Crypto(constructionToken) });
});
