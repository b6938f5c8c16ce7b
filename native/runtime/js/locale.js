// toLocaleString and localeCompare where the engine has no Intl: those of en-US. What needs more throws a TypeError.
(function (runtime) {
  "use strict";
  const {
    ArrayIsArray, ArrayPrototypePush, BigIntPrototypeValueOf, DatePrototypeGetDate, DatePrototypeGetFullYear,
    DatePrototypeGetHours, DatePrototypeGetMinutes, DatePrototypeGetMonth, DatePrototypeGetSeconds, DatePrototypeGetTime,
    Number, NumberPrototypeValueOf, ObjectDefineProperty, ObjectKeys, RangeError, String, StringPrototypeCharCodeAt,
    StringPrototypeIndexOf, StringPrototypeNormalize, StringPrototypePadStart, StringPrototypeRepeat,
    StringPrototypeSlice, StringPrototypeToLowerCase, StringPrototypeToUpperCase, TypeError,
    TypedArrayPrototypeGetLength, apply, globalThis,
  } = runtime.primordials;
  if (globalThis.Intl !== undefined) return;

  const remedy = "this engine has no Intl, and follows en-US alone; the engine v8 has it";

  function checkLocale(locale, name) {
    const tag = StringPrototypeToLowerCase(String(locale));
    if (tag !== "en-us" && tag !== "en") throw new TypeError(`${name}: the locale "${locale}" is not known: ${remedy}`);
  }

  /** The options that are given, which must be among `known`. */
  function checked(name, locales, options, known) {
    if (ArrayIsArray(locales)) for (let i = 0; i < locales.length; i++) checkLocale(locales[i], name);
    else if (locales !== undefined) checkLocale(locales, name);
    const given = { __proto__: null };
    if (options === undefined) return given;
    if (options === null) throw new TypeError(`${name}: options are null`);
    const keys = ObjectKeys(options);
    for (let i = 0; i < keys.length; i++) {
      const value = options[keys[i]];
      if (value === undefined) continue;
      const values = known[keys[i]];
      if (values === undefined || (values !== "any" && StringPrototypeIndexOf(values, ` ${String(value)} `) < 0)) {
        throw new TypeError(`${name}: the option ${keys[i]}: ${String(value)} is not known: ${remedy}`);
      }
      given[keys[i]] = value;
    }
    return given;
  }

  // --- Numbers ---

  function grouped(digits) {
    let text = "";
    for (let end = digits.length; end > 0; end -= 3) {
      text = StringPrototypeSlice(digits, end > 3 ? end - 3 : 0, end) + (text === "" ? "" : `,${text}`);
    }
    return text;
  }

  /** The digits of a positive number, and how many of them stand before the point. */
  function digitsOf(value) {
    const text = String(value);
    const e = StringPrototypeIndexOf(text, "e");
    const mantissa = e < 0 ? text : StringPrototypeSlice(text, 0, e);
    const point = StringPrototypeIndexOf(mantissa, ".");
    const before = point < 0 ? mantissa.length : point;
    const digits = point < 0 ? mantissa : StringPrototypeSlice(mantissa, 0, point) + StringPrototypeSlice(mantissa, point + 1);
    return { digits, before: before + (e < 0 ? 0 : Number(StringPrototypeSlice(text, e + 1))) };
  }

  /** The digits before and behind the point of a positive number, rounded to `most` of these; half of one goes up. */
  function rounded(value, most) {
    let { digits, before } = digitsOf(value);
    if (before < 0) {
      digits = StringPrototypeRepeat("0", -before) + digits;
      before = 0;
    }
    const kept = before + most;
    if (kept < digits.length) {
      const isUp = StringPrototypeCharCodeAt(digits, kept) >= 0x35;
      digits = `0${StringPrototypeSlice(digits, 0, kept)}`;
      before++;
      if (isUp) {
        let at = digits.length - 1;
        while (StringPrototypeCharCodeAt(digits, at) === 0x39) at--;
        const next = Number(digits[at]) + 1;
        digits = StringPrototypeSlice(digits, 0, at) + next + StringPrototypeRepeat("0", digits.length - 1 - at);
      }
    } else if (before > digits.length) {
      digits += StringPrototypeRepeat("0", before - digits.length);
    }
    let from = 0;
    while (from < before - 1 && digits[from] === "0") from++;
    return { whole: StringPrototypeSlice(digits, from, before) || "0", fraction: StringPrototypeSlice(digits, before) };
  }

  const numberOptions = {
    __proto__: null, minimumFractionDigits: "any", maximumFractionDigits: "any", minimumIntegerDigits: "any",
    useGrouping: " true false auto always ", style: " decimal ", numberingSystem: " latn ", notation: " standard ",
  };

  function digitCount(value, least, most, fallback, name) {
    if (value === undefined) return fallback;
    const count = Number(value);
    if (!(count >= least && count <= most)) throw new RangeError(`${name} is out of range`);
    return count - (count % 1);
  }

  function localeNumber(value, locales, options, name) {
    const given = checked(name, locales, options, numberOptions);
    const leastWhole = digitCount(given.minimumIntegerDigits, 1, 21, 1, "minimumIntegerDigits");
    let least = digitCount(given.minimumFractionDigits, 0, 100, undefined, "minimumFractionDigits");
    let most = digitCount(given.maximumFractionDigits, 0, 100, undefined, "maximumFractionDigits");
    if (least === undefined) least = 0;
    if (most === undefined) most = least > 3 ? least : 3;
    if (most < least) throw new RangeError("maximumFractionDigits is out of range");
    if (value !== value) return "NaN";
    const isNegative = value < 0 || (value === 0 && 1 / value < 0);
    const sign = isNegative ? "-" : "";
    const size = isNegative ? -value : value;
    if (size === Infinity) return `${sign}∞`;
    let { whole, fraction } = rounded(size, most);
    whole = StringPrototypePadStart(whole, leastWhole, "0");
    let end = fraction.length;
    while (end > least && fraction[end - 1] === "0") end--;
    fraction = StringPrototypeSlice(fraction, 0, end);
    if (fraction.length < least) fraction += StringPrototypeRepeat("0", least - fraction.length);
    const isGrouped = given.useGrouping !== false && given.useGrouping !== "false";
    return sign + (isGrouped ? grouped(whole) : whole) + (fraction === "" ? "" : `.${fraction}`);
  }

  // --- Dates ---

  const two = (value) => StringPrototypePadStart(String(value), 2, "0");
  const dateOptions = {
    __proto__: null, timeZone: " UTC ", calendar: " gregory ", hour12: " true false ", timeZoneName: " short ",
  };

  function localeDate(date, locales, options, name, hasDate, hasTime) {
    const time = DatePrototypeGetTime(date);
    const { hour12 = true, timeZoneName } = checked(name, locales, options, dateOptions);
    if (time !== time) return "Invalid Date";
    const year = DatePrototypeGetFullYear(date);
    const hour = DatePrototypeGetHours(date);
    const day = `${DatePrototypeGetMonth(date) + 1}/${DatePrototypeGetDate(date)}/${year > 0 ? year : 1 - year}`;
    const minutes = `${two(DatePrototypeGetMinutes(date))}:${two(DatePrototypeGetSeconds(date))}`;
    const clock = hour12 ? `${hour % 12 || 12}:${minutes} ${hour < 12 ? "AM" : "PM"}` : `${two(hour)}:${minutes}`;
    const part = hasDate && hasTime ? `${day}, ${clock}` : hasDate ? day : clock;
    return timeZoneName === undefined ? part : `${part}${hasTime ? "" : ","} UTC`;
  }

  // --- Strings ---

  // What is no letter comes before them, in this order.
  const FIRST = "\t\n\v\f\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789";
  const LETTERS = 0x100; // above the places of FIRST
  const collation = {
    __proto__: null, numeric: " true false ", sensitivity: " base accent case variant ", usage: " sort ",
    ignorePunctuation: " false ", caseFirst: " false ",
  };
  const isMark = (unit) => unit >= 0x300 && unit <= 0x36f;
  const isDigit = (unit) => unit >= 0x30 && unit <= 0x39;

  /** What three rounds compare: the letters, their marks, their case. */
  function keysOf(text, isNumeric) {
    const units = StringPrototypeNormalize(text, "NFD");
    const keys = { __proto__: null, letters: [], marks: [], cases: [] };
    for (let i = 0; i < units.length; i++) {
      const unit = StringPrototypeCharCodeAt(units, i);
      if (isMark(unit)) {
        ArrayPrototypePush(keys.marks, unit);
        continue;
      }
      if (unit < 9 || (unit > 13 && unit < 32) || unit === 127) continue;
      if (isNumeric && isDigit(unit)) {
        let end = i;
        while (end < units.length && isDigit(StringPrototypeCharCodeAt(units, end))) end++;
        while (i < end - 1 && units[i] === "0") i++;
        ArrayPrototypePush(keys.letters, StringPrototypeIndexOf(FIRST, "0"), end - i);
        for (; i < end; i++) ArrayPrototypePush(keys.letters, StringPrototypeCharCodeAt(units, i));
        i--;
        continue;
      }
      const small = StringPrototypeToLowerCase(units[i]);
      const place = StringPrototypeIndexOf(FIRST, units[i]);
      ArrayPrototypePush(keys.letters, place >= 0 ? place : LETTERS + StringPrototypeCharCodeAt(small, 0));
      ArrayPrototypePush(keys.marks, 0);
      ArrayPrototypePush(keys.cases, small === units[i] ? 0 : 1);
    }
    return keys;
  }

  function order(a, b) {
    for (let i = 0; i < a.length && i < b.length; i++) {
      if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
    }
    return a.length === b.length ? 0 : a.length < b.length ? -1 : 1;
  }

  function compare(a, b, { numeric, sensitivity = "variant" }) {
    if (a === b) return 0;
    const first = keysOf(a, numeric === true);
    const second = keysOf(b, numeric === true);
    return (
      order(first.letters, second.letters) ||
      (sensitivity === "base" || sensitivity === "case" ? 0 : order(first.marks, second.marks)) ||
      (sensitivity === "base" || sensitivity === "accent" ? 0 : order(first.cases, second.cases))
    );
  }

  function join(list, length, locales, options) {
    let text = "";
    for (let i = 0; i < length; i++) {
      if (i > 0) text += ",";
      const item = list[i];
      if (item === undefined || item === null) continue;
      const { toLocaleString } = item;
      text += String(apply(toLocaleString, item, [locales, options]));
    }
    return text;
  }

  function text(value, name) {
    if (value === undefined || value === null) throw new TypeError(`String.prototype.${name} called on null or undefined`);
    return String(value);
  }

  // --- The methods; a count of parameters is that of the specification ---

  const methods = {
    __proto__: null,
    Number: {
      toLocaleString(locales = undefined, options = undefined) {
        return localeNumber(NumberPrototypeValueOf(this), locales, options, "Number.prototype.toLocaleString");
      },
    },
    BigInt: {
      toLocaleString(locales = undefined, options = undefined) {
        return localeNumber(BigIntPrototypeValueOf(this), locales, options, "BigInt.prototype.toLocaleString");
      },
    },
    Date: {
      toLocaleString(locales = undefined, options = undefined) {
        return localeDate(this, locales, options, "Date.prototype.toLocaleString", true, true);
      },
      toLocaleDateString(locales = undefined, options = undefined) {
        return localeDate(this, locales, options, "Date.prototype.toLocaleDateString", true, false);
      },
      toLocaleTimeString(locales = undefined, options = undefined) {
        return localeDate(this, locales, options, "Date.prototype.toLocaleTimeString", false, true);
      },
    },
    Array: {
      toLocaleString(locales = undefined, options = undefined) {
        return join(this, this.length, locales, options);
      },
    },
    TypedArray: {
      toLocaleString(locales = undefined, options = undefined) {
        return join(this, TypedArrayPrototypeGetLength(this), locales, options);
      },
    },
    String: {
      localeCompare(that, locales = undefined, options = undefined) {
        const self = text(this, "localeCompare");
        return compare(self, String(that), checked("String.prototype.localeCompare", locales, options, collation));
      },
      toLocaleUpperCase(locales = undefined) {
        const self = text(this, "toLocaleUpperCase");
        checked("String.prototype.toLocaleUpperCase", locales, undefined, collation);
        return StringPrototypeToUpperCase(self);
      },
      toLocaleLowerCase(locales = undefined) {
        const self = text(this, "toLocaleLowerCase");
        checked("String.prototype.toLocaleLowerCase", locales, undefined, collation);
        return StringPrototypeToLowerCase(self);
      },
    },
  };
  const owners = ObjectKeys(methods);
  for (let i = 0; i < owners.length; i++) {
    const { prototype } = runtime.primordials[owners[i]];
    const names = ObjectKeys(methods[owners[i]]);
    for (let k = 0; k < names.length; k++) {
      const value = methods[owners[i]][names[k]];
      ObjectDefineProperty(prototype, names[k], { __proto__: null, value, writable: true, configurable: true });
    }
  }
});
