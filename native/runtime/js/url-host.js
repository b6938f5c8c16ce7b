// Hosts and percent-encoding of the URL Standard: sections 1.3 and 3. Internationalized domain names go through Unicode
// normalization (NFKC and lower case in place of the full UTS 46 tables) and Punycode (RFC 3492).
(function (runtime) {
  "use strict";

  const { ops } = runtime;
  const {
    ArrayPrototypeJoin, ArrayPrototypePop, ArrayPrototypePush, ArrayPrototypeSplice, MathFloor, NumberParseInt,
    NumberPrototypeToString, RegExpPrototypeExec, StringFromCodePoint, StringPrototypeCharCodeAt,
    StringPrototypeCodePointAt, StringPrototypeLastIndexOf, StringPrototypeNormalize, StringPrototypeSlice,
    StringPrototypeSplit, StringPrototypeStartsWith, StringPrototypeToLowerCase, StringPrototypeIncludes,
    StringPrototypeEndsWith, TypedArrayPrototypeGetLength, Uint8Array, encodeURIComponent,
  } = runtime.primordials;

  // --- Percent-encoding ---

  /** Which ASCII characters a percent-encode set has, beyond the C0 controls; all above U+007E are in every set. */
  function makeSet(parent, characters) {
    const set = [];
    for (let i = 0; i < 128; i++) set[i] = parent !== null && parent[i] === true;
    for (let i = 0; i < characters.length; i++) set[StringPrototypeCharCodeAt(characters, i)] = true;
    for (let i = 0; i < 32; i++) set[i] = true;
    set[127] = true;
    return set;
  }
  const c0Set = makeSet(null, "");
  const fragmentSet = makeSet(c0Set, ' "<>`');
  const querySet = makeSet(c0Set, ' "#<>');
  const specialQuerySet = makeSet(querySet, "'");
  const pathSet = makeSet(querySet, "?^`{}");
  const userinfoSet = makeSet(pathSet, "/:;=@[\\]|");
  const formSet = makeSet(userinfoSet, "$%&,+!'()~");

  const hexByte = (byte) => `%${"0123456789ABCDEF"[byte >> 4]}${"0123456789ABCDEF"[byte & 15]}`;

  /** UTF-8 percent-encodes a well-formed string. */
  function percentEncode(text, set, spaceAsPlus = false) {
    let out = "";
    let from = 0;
    for (let i = 0; i < text.length; i++) {
      const code = StringPrototypeCharCodeAt(text, i);
      if (code < 128 && !set[code]) continue;
      const size = code >= 0xd800 && code < 0xdc00 ? 2 : 1;
      out += StringPrototypeSlice(text, from, i);
      if (code >= 128) out += encodeURIComponent(StringPrototypeSlice(text, i, i + size));
      else out += code === 0x20 && spaceAsPlus ? "+" : hexByte(code);
      i += size - 1;
      from = i + 1;
    }
    return from === 0 ? text : out + StringPrototypeSlice(text, from);
  }

  const hexValue = (code) =>
    code >= 0x30 && code <= 0x39 ? code - 0x30
    : code >= 0x41 && code <= 0x46 ? code - 0x37
    : code >= 0x61 && code <= 0x66 ? code - 0x57
    : -1;

  /** Percent-decodes, and decodes the bytes as UTF-8 (a byte order mark stays). */
  function percentDecode(text) {
    if (!StringPrototypeIncludes(text, "%")) return text;
    const bytes = new Uint8Array(ops.utf8Encode(text));
    const size = TypedArrayPrototypeGetLength(bytes);
    let length = 0;
    for (let i = 0; i < size; i++) {
      const high = bytes[i] === 0x25 && i + 2 < size ? hexValue(bytes[i + 1]) : -1;
      const low = high >= 0 ? hexValue(bytes[i + 2]) : -1;
      if (low >= 0) i += 2;
      bytes[length++] = low >= 0 ? high * 16 + low : bytes[i];
    }
    return ops.utf8Decode(bytes, 0, length, false);
  }

  // --- Punycode ---

  const BASE = 36;
  const T_MIN = 1;
  const T_MAX = 26;
  const INITIAL_N = 128;
  const INITIAL_BIAS = 72;
  const MAX_CODE_POINT = 0x10ffff;

  function adaptBias(delta, count, first) {
    delta = first ? MathFloor(delta / 700) : delta >> 1;
    delta += MathFloor(delta / count);
    let k = 0;
    for (; delta > ((BASE - T_MIN) * T_MAX) >> 1; k += BASE) delta = MathFloor(delta / (BASE - T_MIN));
    return k + MathFloor(((BASE - T_MIN + 1) * delta) / (delta + 38));
  }
  const threshold = (k, bias) => (k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias);
  const digitText = (digit) => "abcdefghijklmnopqrstuvwxyz0123456789"[digit];

  function codePoints(text) {
    const points = [];
    for (let i = 0; i < text.length; i++) {
      const point = StringPrototypeCodePointAt(text, i);
      if (point > 0xffff) i++;
      ArrayPrototypePush(points, point);
    }
    return points;
  }

  function punycodeEncode(label) {
    const points = codePoints(label);
    let out = "";
    for (let i = 0; i < points.length; i++) if (points[i] < 128) out += StringFromCodePoint(points[i]);
    const basic = out.length;
    if (basic > 0) out += "-";
    let n = INITIAL_N;
    let delta = 0;
    let bias = INITIAL_BIAS;
    for (let done = basic; done < points.length; n++, delta++) {
      let next = MAX_CODE_POINT;
      for (let i = 0; i < points.length; i++) if (points[i] >= n && points[i] < next) next = points[i];
      delta += (next - n) * (done + 1);
      n = next;
      for (let i = 0; i < points.length; i++) {
        if (points[i] < n) delta++;
        if (points[i] !== n) continue;
        let q = delta;
        for (let k = BASE; ; k += BASE) {
          const t = threshold(k, bias);
          if (q < t) break;
          out += digitText(t + ((q - t) % (BASE - t)));
          q = MathFloor((q - t) / (BASE - t));
        }
        out += digitText(q);
        bias = adaptBias(delta, done + 1, done === basic);
        delta = 0;
        done++;
      }
    }
    return out;
  }

  /** The label; null for what no label encodes to. */
  function punycodeDecode(text) {
    const split = StringPrototypeLastIndexOf(text, "-");
    const points = split > 0 ? codePoints(StringPrototypeSlice(text, 0, split)) : [];
    let n = INITIAL_N;
    let i = 0;
    let bias = INITIAL_BIAS;
    for (let at = split + 1; at < text.length; ) {
      const start = i;
      for (let weight = 1, k = BASE; ; k += BASE) {
        const digit = at < text.length ? digitValue(StringPrototypeCharCodeAt(text, at++)) : -1;
        if (digit < 0) return null;
        i += digit * weight;
        if (i > 0x7fffffff) return null;
        const t = threshold(k, bias);
        if (digit < t) break;
        weight *= BASE - t;
      }
      bias = adaptBias(i - start, points.length + 1, start === 0);
      n += MathFloor(i / (points.length + 1));
      i %= points.length + 1;
      if (n > MAX_CODE_POINT || (n >= 0xd800 && n <= 0xdfff)) return null;
      ArrayPrototypeSplice(points, i++, 0, n);
    }
    let label = "";
    for (let k = 0; k < points.length; k++) label += StringFromCodePoint(points[k]);
    return label;
  }
  const digitValue = (code) =>
    code >= 0x61 && code <= 0x7a ? code - 0x61 : code >= 0x30 && code <= 0x39 ? code - 0x30 + 26 : -1;

  // --- Domains ---

  const nonAscii = /[^\0-\x7f]/;
  // Tests of one character; String.prototype.replace would call methods that user code can change.
  const ignored = /[\u00ad\u200b\u2060\ufeff\u034f\u180b-\u180d\ufe00-\ufe0f]/;
  const fullStops = /[\u3002\uff0e\uff61]/;
  const notInLabels = /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zs}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffc\ufffd]/u;
  const leadingMark = /^\p{M}/u;
  const forbiddenInHost = /[\0\t\n\r #/:<>?@[\\\]^|]/;
  const forbiddenInDomain = /[\0-\x20#%/:<>?@[\\\]^|\x7f]/;
  const matches = (pattern, text) => RegExpPrototypeExec(pattern, text) !== null;

  function mapDomain(domain) {
    let mapped = "";
    for (let i = 0; i < domain.length; i++) {
      if (matches(fullStops, domain[i])) mapped += ".";
      else if (!matches(ignored, domain[i])) mapped += domain[i];
    }
    const lower = StringPrototypeToLowerCase(StringPrototypeNormalize(mapped, "NFKC"));
    return StringPrototypeNormalize(lower, "NFKC");
  }
  const isValidLabel = (label) => !matches(notInLabels, label) && !matches(leadingMark, label);

  /** Domain to ASCII; null on failure. */
  function domainToAscii(domain) {
    const lower = StringPrototypeToLowerCase(domain);
    const plain = !matches(nonAscii, domain);
    if (plain && !StringPrototypeIncludes(lower, "xn--")) return lower;
    const labels = StringPrototypeSplit(plain ? lower : mapDomain(domain), ".");
    for (let i = 0; i < labels.length; i++) {
      const label = labels[i];
      if (matches(nonAscii, label)) {
        if (!isValidLabel(label) || StringPrototypeStartsWith(label, "xn--")) return null;
        labels[i] = `xn--${punycodeEncode(label)}`;
      } else if (StringPrototypeStartsWith(label, "xn--")) {
        const decoded = punycodeDecode(StringPrototypeSlice(label, 4));
        if (decoded === null || !matches(nonAscii, decoded) || !isValidLabel(decoded)) return null;
        if (mapDomain(decoded) !== decoded || `xn--${punycodeEncode(decoded)}` !== label) return null;
      }
    }
    return ArrayPrototypeJoin(labels, ".");
  }

  // --- IPv4 ---

  const digitsOnly = /^[0-9]+$/;
  const hexNumber = /^0[xX][0-9A-Fa-f]*$/;

  function ipv4Parts(host) {
    const parts = StringPrototypeSplit(host, ".");
    if (parts.length > 1 && parts[parts.length - 1] === "") ArrayPrototypePop(parts);
    return parts;
  }

  function endsInNumber(host) {
    const parts = StringPrototypeSplit(host, ".");
    if (parts[parts.length - 1] === "") {
      if (parts.length === 1) return false;
      ArrayPrototypePop(parts);
    }
    const last = parts[parts.length - 1];
    return matches(digitsOnly, last) || matches(hexNumber, last);
  }

  /** A number of an IPv4 address: decimal, 0 octal, 0x hexadecimal; NaN for anything else. */
  function ipv4Number(text) {
    if (matches(hexNumber, text)) return text.length === 2 ? 0 : NumberParseInt(text, 16);
    if (!matches(digitsOnly, text)) return NaN;
    if (text.length === 1 || text[0] !== "0") return NumberParseInt(text, 10);
    return matches(/^[0-7]+$/, text) ? NumberParseInt(text, 8) : NaN;
  }

  function parseIpv4(host) {
    const parts = ipv4Parts(host);
    if (parts.length > 4) return null;
    let address = 0;
    for (let i = 0; i < parts.length; i++) {
      const number = ipv4Number(parts[i]);
      const last = i === parts.length - 1;
      if (!(number >= 0 && number < (last ? 256 ** (5 - parts.length) : 256))) return null;
      address += last ? number : number * 256 ** (3 - i);
    }
    return serializeIpv4(address);
  }
  const serializeIpv4 = (address) =>
    `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;

  // --- IPv6 ---

  const ipv4Tail = /^(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}$/;
  const ipv6Piece = /^[0-9A-Fa-f]{1,4}$/;

  /** The 16-bit pieces of one side of "::"; null on failure. A dotted IPv4 address may stand at the very end. */
  function ipv6Pieces(text, mayEndInIpv4) {
    if (text === "") return [];
    const parts = StringPrototypeSplit(text, ":");
    const pieces = [];
    for (let i = 0; i < parts.length; i++) {
      if (mayEndInIpv4 && i === parts.length - 1 && matches(ipv4Tail, parts[i])) {
        const bytes = StringPrototypeSplit(parts[i], ".");
        for (let k = 0; k < 4; k++) if (+bytes[k] > 255) return null;
        ArrayPrototypePush(pieces, +bytes[0] * 256 + +bytes[1], +bytes[2] * 256 + +bytes[3]);
      } else if (matches(ipv6Piece, parts[i])) {
        ArrayPrototypePush(pieces, NumberParseInt(parts[i], 16));
      } else {
        return null;
      }
    }
    return pieces;
  }

  function parseIpv6(text) {
    const halves = StringPrototypeSplit(text, "::");
    if (halves.length > 2) return null;
    const compressed = halves.length === 2;
    const head = ipv6Pieces(halves[0], !compressed);
    const tail = compressed ? ipv6Pieces(halves[1], true) : [];
    if (head === null || tail === null) return null;
    const missing = 8 - head.length - tail.length;
    if (compressed ? missing < 1 : missing !== 0) return null;
    for (let i = 0; i < missing; i++) ArrayPrototypePush(head, 0);
    for (let i = 0; i < tail.length; i++) ArrayPrototypePush(head, tail[i]);
    return serializeIpv6(head);
  }

  function serializeIpv6(pieces) {
    let start = -1;
    let longest = 1; // a single zero is not compressed
    for (let i = 0; i < 8; i++) {
      let run = 0;
      while (i + run < 8 && pieces[i + run] === 0) run++;
      if (run > longest) {
        start = i;
        longest = run;
      }
      if (run > 0) i += run - 1;
    }
    let text = "";
    for (let i = 0; i < 8; i++) {
      if (i === start) {
        text += i === 0 ? "::" : ":";
        i += longest - 1;
        continue;
      }
      text += NumberPrototypeToString(pieces[i], 16) + (i < 7 ? ":" : "");
    }
    return `[${text}]`;
  }

  // --- Hosts ---

  /** The host parser: the serialized host, or null on failure. */
  function parseHost(text, isOpaque) {
    if (StringPrototypeStartsWith(text, "[")) {
      return StringPrototypeEndsWith(text, "]") ? parseIpv6(StringPrototypeSlice(text, 1, -1)) : null;
    }
    if (isOpaque) return matches(forbiddenInHost, text) ? null : percentEncode(text, c0Set);
    const ascii = domainToAscii(percentDecode(text));
    if (ascii === null || ascii === "" || matches(forbiddenInDomain, ascii)) return null;
    return endsInNumber(ascii) ? parseIpv4(ascii) : ascii;
  }

  runtime.urlHost = {
    __proto__: null, parseHost, percentEncode, percentDecode, c0Set, fragmentSet, querySet, specialQuerySet, pathSet,
    userinfoSet, formSet,
  };
});
