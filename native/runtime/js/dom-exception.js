// DOMException (WebIDL, section 2.8.1). Instances are true Error objects, so that they carry a stack and are
// recognized by Error.isError; the class itself does not inherit from the Error constructor, as WebIDL asks.
(function (runtime) {
  "use strict";

  const {
    Error, ErrorPrototype, ErrorCaptureStackTrace, ObjectDefineProperty, ObjectSetPrototypeOf, construct,
  } = runtime.primordials;
  const { converters, configureInterface, defineConstants } = runtime.webidl;

  const constants = {
    __proto__: null, INDEX_SIZE_ERR: 1, DOMSTRING_SIZE_ERR: 2, HIERARCHY_REQUEST_ERR: 3, WRONG_DOCUMENT_ERR: 4,
    INVALID_CHARACTER_ERR: 5, NO_DATA_ALLOWED_ERR: 6, NO_MODIFICATION_ALLOWED_ERR: 7, NOT_FOUND_ERR: 8,
    NOT_SUPPORTED_ERR: 9, INUSE_ATTRIBUTE_ERR: 10, INVALID_STATE_ERR: 11, SYNTAX_ERR: 12, INVALID_MODIFICATION_ERR: 13,
    NAMESPACE_ERR: 14, INVALID_ACCESS_ERR: 15, VALIDATION_ERR: 16, TYPE_MISMATCH_ERR: 17, SECURITY_ERR: 18,
    NETWORK_ERR: 19, ABORT_ERR: 20, URL_MISMATCH_ERR: 21, QUOTA_EXCEEDED_ERR: 22, TIMEOUT_ERR: 23,
    INVALID_NODE_TYPE_ERR: 24, DATA_CLONE_ERR: 25,
  };
  const codes = {
    __proto__: null, IndexSizeError: 1, HierarchyRequestError: 3, WrongDocumentError: 4, InvalidCharacterError: 5,
    NoModificationAllowedError: 7, NotFoundError: 8, NotSupportedError: 9, InUseAttributeError: 10,
    InvalidStateError: 11, SyntaxError: 12, InvalidModificationError: 13, NamespaceError: 14, InvalidAccessError: 15,
    TypeMismatchError: 17, SecurityError: 18, NetworkError: 19, AbortError: 20, URLMismatchError: 21,
    QuotaExceededError: 22, TimeoutError: 23, InvalidNodeTypeError: 24, DataCloneError: 25,
  };

  // Private fields stamped onto an object that another constructor made.
  const Identity = function (object) {
    return object;
  };
  class Fields extends Identity {
    #name;
    #message;
    constructor(error, message, name) {
      super(error);
      this.#message = message;
      this.#name = name;
    }
    static name(error) {
      return error.#name;
    }
    static message(error) {
      return error.#message;
    }
    static has(value) {
      return typeof value === "object" && value !== null && #name in value;
    }
  }

  class DOMException {
    constructor(message = "", name = "Error") {
      message = converters.DOMString(message, "DOMException: message");
      name = converters.DOMString(name, "DOMException: name");
      const error = construct(Error, [], new.target);
      new Fields(error, message, name);
      ErrorCaptureStackTrace?.(error, new.target);
      return error;
    }
    get name() {
      return Fields.name(this);
    }
    get message() {
      return Fields.message(this);
    }
    get code() {
      return codes[Fields.name(this)] ?? 0;
    }
  }
  ObjectSetPrototypeOf(DOMException.prototype, ErrorPrototype);
  configureInterface(DOMException);
  defineConstants(DOMException, constants);
  ObjectDefineProperty(DOMException, "length", { __proto__: null, value: 0, configurable: true });

  runtime.DOMException = DOMException;
  runtime.isDOMException = Fields.has;
  runtime.defineGlobals(["job", "shell"], { __proto__: null, DOMException });
});
