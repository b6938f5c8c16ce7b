// Decoders of the legacy encodings (Encoding Standard, 9 to 14), over tables of the build: native/codegen/encoding_tables.py.
(function (runtime) {
  "use strict";
  const { ops } = runtime;
  const {
    StringFromCharCode, StringPrototypeCharCodeAt, TypeError, TypedArrayPrototypeGetLength,
    TypedArrayPrototypeSubarray, Uint8Array, apply,
  } = runtime.primordials;

  const NOTHING = 0xfffd; // in a table
  const ERROR = -1;
  const NO_UNIT = -2;
  const CHUNK = 4096;

  const tables = { __proto__: null };
  const tableOf = (name) => (tables[name] ??= ops.encodingTable(name));
  const unitAt = StringPrototypeCharCodeAt;
  const within = (byte, from, to) => byte >= from && byte <= to;

  // A step reads one character: step(bytes, i, length, flush, state) says how many bytes that takes, 0 where more have to
  // come, and leaves what it found here: a UTF-16 unit, ERROR or NO_UNIT, and the second unit, or 0.
  let first = 0;
  let second = 0;
  function give(unit, used) {
    first = unit;
    second = 0;
    return used;
  }
  /** A pair of bytes that is none; an ASCII byte behind it is read for itself. */
  const refuse = (trail) => give(ERROR, trail < 0x80 ? 1 : 2);
  function look(table, pointer, trail) {
    const unit = unitAt(table, pointer);
    return unit === NOTHING ? refuse(trail) : give(unit, 2);
  }

  const singleByte = (name) => (bytes, i) => {
    const byte = bytes[i];
    if (byte < 0x80) return give(byte, 1);
    const unit = unitAt(tableOf(name), byte - 0x80);
    return give(unit === NOTHING ? ERROR : unit, 1);
  };

  const userDefined = (bytes, i) => give(bytes[i] < 0x80 ? bytes[i] : 0xf700 + bytes[i], 1);

  function big5(bytes, i, length) {
    const lead = bytes[i];
    if (lead < 0x80) return give(lead, 1);
    if (lead === 0x80 || lead === 0xff) return give(ERROR, 1);
    if (i + 1 === length) return 0;
    const trail = bytes[i + 1];
    if (!within(trail, 0x40, 0x7e) && !within(trail, 0xa1, 0xfe)) return refuse(trail);
    const pointer = (lead - 0x81) * 157 + trail - (trail < 0x7f ? 0x40 : 0x62);
    const table = tableOf("big5"); // of pairs
    const high = unitAt(table, 2 * pointer);
    if (high === 0) return look(table, 2 * pointer + 1, trail);
    first = high;
    second = unitAt(table, 2 * pointer + 1);
    return 2;
  }

  function eucKr(bytes, i, length) {
    const lead = bytes[i];
    if (lead < 0x80) return give(lead, 1);
    if (lead === 0x80 || lead === 0xff) return give(ERROR, 1);
    if (i + 1 === length) return 0;
    const trail = bytes[i + 1];
    if (!within(trail, 0x41, 0xfe)) return refuse(trail);
    return look(tableOf("euc-kr"), (lead - 0x81) * 190 + trail - 0x41, trail);
  }

  function shiftJis(bytes, i, length) {
    const lead = bytes[i];
    if (lead <= 0x80) return give(lead, 1);
    if (within(lead, 0xa1, 0xdf)) return give(0xff61 - 0xa1 + lead, 1);
    if (lead === 0xa0 || lead > 0xfc) return give(ERROR, 1);
    if (i + 1 === length) return 0;
    const trail = bytes[i + 1];
    if (!within(trail, 0x40, 0x7e) && !within(trail, 0x80, 0xfc)) return refuse(trail);
    const pointer = (lead - (lead < 0xa0 ? 0x81 : 0xc1)) * 188 + trail - (trail < 0x7f ? 0x40 : 0x41);
    if (within(pointer, 8836, 10715)) return give(0xe000 - 8836 + pointer, 2);
    return look(tableOf("jis0208"), pointer, trail);
  }

  function eucJp(bytes, i, length) {
    const lead = bytes[i];
    if (lead < 0x80) return give(lead, 1);
    if (lead !== 0x8e && lead !== 0x8f && !within(lead, 0xa1, 0xfe)) return give(ERROR, 1);
    if (i + 1 === length) return 0;
    const trail = bytes[i + 1];
    if (lead === 0x8e && within(trail, 0xa1, 0xdf)) return give(0xff61 - 0xa1 + trail, 2);
    if (!within(trail, 0xa1, 0xfe) || lead === 0x8e) return refuse(trail);
    if (lead !== 0x8f) return look(tableOf("jis0208"), (lead - 0xa1) * 94 + trail - 0xa1, trail);
    if (i + 2 === length) return 0;
    const third = bytes[i + 2];
    if (!within(third, 0xa1, 0xfe)) return give(ERROR, third < 0x80 ? 2 : 3);
    const unit = unitAt(tableOf("jis0212"), (trail - 0xa1) * 94 + third - 0xa1);
    return give(unit === NOTHING ? ERROR : unit, 3);
  }

  /** A character of four bytes; those above U+FFFF are in order. */
  function fromRanges(pointer) {
    if (pointer >= 189000 && pointer <= 1237575) {
      const above = pointer - 189000;
      first = 0xd800 + (above >> 10);
      second = 0xdc00 + (above & 0x3ff);
      return 4;
    }
    if (pointer > 39419) return give(ERROR, 4);
    if (pointer === 7457) return give(0xe7c7, 4);
    const ranges = tableOf("gb18030-ranges");
    let at = ranges.length - 2;
    while (unitAt(ranges, at) > pointer) at -= 2;
    return give(unitAt(ranges, at + 1) + pointer - unitAt(ranges, at), 4);
  }

  function gb18030(bytes, i, length) {
    const lead = bytes[i];
    if (lead < 0x80) return give(lead, 1);
    if (lead === 0x80) return give(0x20ac, 1);
    if (lead === 0xff) return give(ERROR, 1);
    if (i + 1 === length) return 0;
    const trail = bytes[i + 1];
    if (within(trail, 0x30, 0x39)) {
      if (i + 2 === length) return 0;
      const third = bytes[i + 2];
      if (!within(third, 0x81, 0xfe)) return give(ERROR, 1);
      if (i + 3 === length) return 0;
      const fourth = bytes[i + 3];
      if (!within(fourth, 0x30, 0x39)) return give(ERROR, 1);
      return fromRanges(((lead - 0x81) * 10 + trail - 0x30) * 1260 + (third - 0x81) * 10 + fourth - 0x30);
    }
    if (!within(trail, 0x40, 0x7e) && !within(trail, 0x80, 0xfe)) return refuse(trail);
    return look(tableOf("gb18030"), (lead - 0x81) * 190 + trail - (trail < 0x7f ? 0x40 : 0x41), trail);
  }

  const isoModes = { __proto__: null, "(B": "ascii", "(J": "roman", "(I": "katakana", "$@": "pairs", "$B": "pairs" };

  /** ESC and two bytes change the mode. Two such one behind the other are an error. */
  function isoEscape(bytes, i, length, flush, state) {
    if (i + 2 >= length && !flush) return 0;
    const mode = i + 2 < length ? isoModes[StringFromCharCode(bytes[i + 1], bytes[i + 2])] : undefined;
    if (mode === undefined) {
      state.isEmpty = false;
      return give(ERROR, 1);
    }
    const wasEmpty = state.isEmpty;
    state.mode = mode;
    state.isEmpty = true;
    return give(wasEmpty ? ERROR : NO_UNIT, 3);
  }

  function iso2022Jp(bytes, i, length, flush, state) {
    const byte = bytes[i];
    if (byte === 0x1b) return isoEscape(bytes, i, length, flush, state);
    const { mode } = state;
    if (mode === "pairs") {
      if (!within(byte, 0x21, 0x7e)) {
        state.isEmpty = false;
        return give(ERROR, 1);
      }
      if (i + 1 === length) return 0;
      state.isEmpty = false;
      const trail = bytes[i + 1];
      if (trail === 0x1b) return give(ERROR, 1);
      if (!within(trail, 0x21, 0x7e)) return give(ERROR, 2);
      const unit = unitAt(tableOf("jis0208"), (byte - 0x21) * 94 + trail - 0x21);
      return give(unit === NOTHING ? ERROR : unit, 2);
    }
    state.isEmpty = false;
    if (mode === "katakana") return give(within(byte, 0x21, 0x5f) ? 0xff61 - 0x21 + byte : ERROR, 1);
    if (byte > 0x7f || byte === 0x0e || byte === 0x0f) return give(ERROR, 1);
    if (mode === "roman" && byte === 0x5c) return give(0xa5, 1);
    return give(mode === "roman" && byte === 0x7e ? 0x203e : byte, 1);
  }

  /** What TextDecoder calls: (bytes, flush, fatal, state) => { text, rest, state }. */
  const decoder = (encoding, step) => (bytes, flush, fatal, begun) => {
    const state = begun ?? { __proto__: null, mode: "ascii", isEmpty: false };
    const length = TypedArrayPrototypeGetLength(bytes);
    let text = "";
    let units = [];
    let count = 0;
    let i = 0;
    while (i < length) {
      let used = step(bytes, i, length, flush, state);
      if (used === 0) {
        if (!flush) break;
        used = give(ERROR, length - i);
      }
      i += used;
      if (first === ERROR) {
        if (fatal) throw new TypeError(`The encoded data is not valid ${encoding}`);
        first = 0xfffd;
      }
      if (first !== NO_UNIT) units[count++] = first;
      if (second !== 0) units[count++] = second;
      if (count < CHUNK) continue;
      text += apply(StringFromCharCode, undefined, units);
      units = [];
      count = 0;
    }
    text += apply(StringFromCharCode, undefined, units);
    return { text, rest: new Uint8Array(i < length ? TypedArrayPrototypeSubarray(bytes, i) : 0), state };
  };

  const steps = {
    __proto__: null, big5, gbk: gb18030, gb18030, "euc-jp": eucJp, "iso-2022-jp": iso2022Jp, shift_jis: shiftJis,
    "euc-kr": eucKr, "x-user-defined": userDefined, "iso-8859-8-i": singleByte("iso-8859-8"),
  };

  runtime.legacyDecoder = (encoding) => decoder(encoding, steps[encoding] ?? singleByte(encoding));
});
