// atob and btoa (HTML, section 8.3).
(function (runtime) {
  "use strict";

  const { ops, DOMException } = runtime;
  const { converters, requiredArguments } = runtime.webidl;

  function checked(result, message) {
    if (result === null) throw new DOMException(message, "InvalidCharacterError");
    return result;
  }

  runtime.defineGlobals(["job", "shell"], {
    __proto__: null,
    atob(data) {
      requiredArguments(arguments.length, 1, "atob");
      return checked(ops.base64Decode(converters.DOMString(data, "atob")), "atob: the string is not correctly encoded");
    },
    btoa(data) {
      requiredArguments(arguments.length, 1, "btoa");
      return checked(ops.base64Encode(converters.DOMString(data, "btoa")), "btoa: a character is above U+00FF");
    },
  });
});
