// TextEncoder and TextDecoder (Encoding Standard): UTF-8 through native ops, UTF-16 here, legacy-encodings.js the others.
(function (runtime) {
  "use strict";

  const { ops } = runtime;
  const {
    DataViewPrototypeGetBuffer, DataViewPrototypeGetByteLength, DataViewPrototypeGetByteOffset, MathFloor,
    RangeError, StringFromCharCode, StringPrototypeCharCodeAt, StringPrototypeIsWellFormed, StringPrototypeSlice,
    StringPrototypeToLowerCase, StringPrototypeToWellFormed, TypeError, TypedArrayPrototypeGetBuffer,
    TypedArrayPrototypeGetByteLength, TypedArrayPrototypeGetLength, TypedArrayPrototypeGetByteOffset,
    TypedArrayPrototypeGetSymbolToStringTag, TypedArrayPrototypeSet, TypedArrayPrototypeSubarray, Uint8Array,
    ArrayBufferIsView, apply,
  } = runtime.primordials;
  const { converters, configureInterface, createDictionaryConverter, requiredArguments } = runtime.webidl;

  // --- TextEncoder ---

  const noOptions = { __proto__: null };
  const sharedAllowed = { __proto__: null, allowShared: true, allowResizable: true };

  class TextEncoder {
    #brand;
    get encoding() {
      this.#brand;
      return "utf-8";
    }
    encode(input = "") {
      this.#brand;
      return new Uint8Array(ops.utf8Encode(converters.DOMString(input, "TextEncoder.encode: input")));
    }
    encodeInto(source, destination) {
      this.#brand;
      requiredArguments(arguments.length, 2, "TextEncoder.encodeInto");
      source = converters.DOMString(source, "TextEncoder.encodeInto: source");
      if (TypedArrayPrototypeGetSymbolToStringTag(destination) !== "Uint8Array") {
        throw new TypeError("TextEncoder.encodeInto: destination is not a Uint8Array");
      }
      const capacity = TypedArrayPrototypeGetByteLength(destination);
      if (capacity === 0) return { read: 0, written: 0 };
      // A UTF-16 unit needs at least a byte: what lies beyond cannot fit.
      const packed = ops.utf8EncodeInto(StringPrototypeSlice(source, 0, capacity), destination);
      const read = MathFloor(packed / 0x100000000);
      return { read, written: packed - read * 0x100000000 };
    }
  }
  configureInterface(TextEncoder);

  // --- TextDecoder ---

  function trimAsciiWhitespace(text) {
    const blank = (at) => {
      const code = StringPrototypeCharCodeAt(text, at);
      return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0c || code === 0x0d;
    };
    let from = 0;
    let to = text.length;
    while (from < to && blank(from)) from++;
    while (to > from && blank(to - 1)) to--;
    return StringPrototypeSlice(text, from, to);
  }

  /** The bytes of a BufferSource, without copying. */
  function bytesOf(source) {
    if (!ArrayBufferIsView(source)) return new Uint8Array(source);
    if (TypedArrayPrototypeGetSymbolToStringTag(source) === undefined) {
      return new Uint8Array(
        DataViewPrototypeGetBuffer(source), DataViewPrototypeGetByteOffset(source),
        DataViewPrototypeGetByteLength(source));
    }
    return new Uint8Array(
      TypedArrayPrototypeGetBuffer(source), TypedArrayPrototypeGetByteOffset(source),
      TypedArrayPrototypeGetByteLength(source));
  }

  const lengthOf = TypedArrayPrototypeGetLength; // user code can replace the getter that bytes.length would call

  function concatenate(a, b) {
    const first = lengthOf(a);
    if (first === 0) return b;
    const joined = new Uint8Array(first + lengthOf(b));
    TypedArrayPrototypeSet(joined, a, 0);
    TypedArrayPrototypeSet(joined, b, first);
    return joined;
  }

  /** How many bytes at the end begin a UTF-8 character that more bytes could complete. */
  function incompleteUtf8(bytes) {
    const length = lengthOf(bytes);
    for (let back = 1; back <= 3 && back <= length; back++) {
      const lead = bytes[length - back];
      if ((lead & 0xc0) === 0x80) continue;
      const need = lead < 0xc2 || lead > 0xf4 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
      if (need <= back) return 0;
      if (back === 1) return 1;
      const second = bytes[length - back + 1];
      if (lead === 0xe0 && second < 0xa0) return 0;
      if (lead === 0xed && second > 0x9f) return 0;
      if (lead === 0xf0 && second < 0x90) return 0;
      if (lead === 0xf4 && second > 0x8f) return 0;
      return back;
    }
    return 0;
  }

  const CHUNK = 4096;
  /** A string of `count` UTF-16 units that unit(i) gives. */
  function stringFromUnits(count, unit) {
    let text = "";
    for (let from = 0; from < count; from += CHUNK) {
      const units = [];
      for (let i = from; i < count && i < from + CHUNK; i++) units[i - from] = unit(i);
      text += apply(StringFromCharCode, undefined, units);
    }
    return text;
  }

  // Each decoder: (bytes, flush, fatal, state) => { text, rest, state }; rest and state go into the next call of a stream.
  const empty = new Uint8Array(0);
  function decodeUtf8(bytes, flush, fatal) {
    const kept = flush ? 0 : incompleteUtf8(bytes);
    const length = lengthOf(bytes) - kept;
    const text = length === 0 ? "" : ops.utf8Decode(bytes, 0, length, fatal);
    return { text, rest: kept === 0 ? empty : new Uint8Array(TypedArrayPrototypeSubarray(bytes, length)) };
  }
  const utf16Decoder = (low, high) => (bytes, flush, fatal) => {
    const unit = (i) => bytes[2 * i + low] | (bytes[2 * i + high] << 8);
    let count = lengthOf(bytes) >> 1;
    let kept = lengthOf(bytes) & 1;
    if (!flush && count > 0 && (unit(count - 1) & 0xfc00) === 0xd800) {
      count--;
      kept += 2;
    }
    let text = stringFromUnits(count, unit);
    if (flush && kept === 1) text += "\ud800"; // an odd byte is an error of its own
    if (!StringPrototypeIsWellFormed(text)) {
      if (fatal) throw new TypeError("The encoded data is not valid UTF-16");
      text = StringPrototypeToWellFormed(text);
    }
    return { text, rest: flush || kept === 0 ? empty : new Uint8Array(TypedArrayPrototypeSubarray(bytes, 2 * count)) };
  };
  const decoders = {
    __proto__: null, "utf-8": decodeUtf8, "utf-16le": utf16Decoder(0, 1), "utf-16be": utf16Decoder(1, 0),
  };
  const legacyDecoders = { __proto__: null };

  const flagMember = (key) => ({ key, converter: converters.boolean, defaultValue: false });
  const decoderOptions = createDictionaryConverter("TextDecoderOptions", [
    flagMember("fatal"), flagMember("ignoreBOM"),
  ]);
  const decodeOptions = createDictionaryConverter("TextDecodeOptions", [flagMember("stream")]);

  class TextDecoder {
    #encoding;
    #fatal;
    #ignoreBOM;
    #rest = empty;
    #bomSeen = false;
    #state; // of iso-2022-jp
    constructor(label = "utf-8", options = noOptions) {
      label = converters.DOMString(label, "TextDecoder: label");
      const { fatal, ignoreBOM } = decoderOptions(options, "TextDecoder: options");
      const encoding = runtime.encodingLabels[StringPrototypeToLowerCase(trimAsciiWhitespace(label))];
      if (encoding === undefined || encoding === "replacement") {
        throw new RangeError(`TextDecoder: "${label}" is no label of an encoding that can be decoded`);
      }
      this.#encoding = encoding;
      this.#fatal = fatal;
      this.#ignoreBOM = ignoreBOM;
    }
    get encoding() {
      return this.#encoding;
    }
    get fatal() {
      return this.#fatal;
    }
    get ignoreBOM() {
      return this.#ignoreBOM;
    }
    decode(input = undefined, options = noOptions) {
      const encoding = this.#encoding;
      if (input !== undefined) input = converters.BufferSource(input, "TextDecoder.decode: input", sharedAllowed);
      const { stream } = decodeOptions(options, "TextDecoder.decode: options");
      const bytes = concatenate(this.#rest, input === undefined ? empty : bytesOf(input));
      this.#rest = empty;
      const bomSeen = this.#bomSeen;
      this.#bomSeen = false; // an error ends the stream
      const begun = this.#state;
      this.#state = undefined;
      const decode = decoders[encoding] ?? (legacyDecoders[encoding] ??= runtime.legacyDecoder(encoding));
      let { text, rest, state } = decode(bytes, !stream, this.#fatal, begun);
      if (stream) this.#state = state;
      if (!bomSeen && !this.#ignoreBOM && decoders[encoding] !== undefined && text.length > 0 &&
          StringPrototypeCharCodeAt(text, 0) === 0xfeff) {
        text = StringPrototypeSlice(text, 1);
        this.#bomSeen = stream;
      } else {
        this.#bomSeen = stream && (bomSeen || text.length > 0);
      }
      this.#rest = rest;
      return text;
    }
  }
  configureInterface(TextDecoder);

  runtime.encoding = { __proto__: null, TextEncoder, TextDecoder, bytesOf };
  runtime.defineGlobals(["line", "job", "shell"], { __proto__: null, TextEncoder, TextDecoder });
});
