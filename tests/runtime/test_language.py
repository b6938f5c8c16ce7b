"""The language itself, where the engine's library has it wrong and the build corrects it."""

from __future__ import annotations

import json
import operator
import random
from pathlib import Path

from cli_driver import run_script

_OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq}


def test_bigints_compare_with_numbers_by_their_value(tmp_path: Path) -> None:
    """Python compares its integers with its floats exactly, as ECMAScript does (BigInt with Number, 7.2.13)."""
    chosen = random.Random(5)
    integers = [
        sign * (2**power + step) for power in (0, 5, 31, 32, 53, 63, 64, 100) for step in (-1, 0, 1) for sign in (1, -1)
    ]
    floats = [*map(float, integers), 0.5, -0.5, -22.5, 1e-300, -1e300, 9007199254740991.0, -9007199254740992.0]
    pairs = [(chosen.choice(integers), chosen.choice(floats)) for _ in range(3000)]
    source = f"""
      const pairs = {json.dumps([[str(a), b] for a, b in pairs])}.map(([a, b]) => [BigInt(a), b]);
      print(JSON.stringify(pairs.map(([a, b]) => [a < b, a <= b, a > b, a >= b, a == b])));
      print(JSON.stringify(pairs.map(([b, a]) => [a < b, a <= b, a > b, a >= b, a == b])));
    """
    done = run_script(tmp_path, source)
    assert done.returncode == 0, done.stderr
    one_way, other_way = map(json.loads, done.stdout.splitlines())
    assert one_way == [[compare(a, b) for compare in _OPERATORS.values()] for a, b in pairs]
    assert other_way == [[compare(b, a) for compare in _OPERATORS.values()] for a, b in pairs]


def test_running_out_of_memory_is_always_an_error(tmp_path: Path, engine: str) -> None:
    """However little is left: pieces of many sizes fill the last bytes. V8 ends the sandbox at once."""
    source = """
      let message = "";
      for (let size = 1; size < 400; size += 7) {
        let list = [];
        try {
          for (;;) list.push(new Array(1e5).fill(1));
        } catch {
          try {
            for (;;) list.push(new Array(size).fill(1));
          } catch (error) {
            list = undefined;
            message ||= error instanceof Error && error.message === "out of memory" ? "" : `${size}: ${error}`;
          }
        }
      }
      print(message || "an error each time");
    """
    done = run_script(tmp_path, source, "--memory-limit", "24")
    caught, ended = (0, "an error each time\n", ""), (1, "", "InternalError: out of memory\n")
    assert (done.returncode, done.stdout, done.stderr) == (ended if engine == "v8" else caught)


def test_a_string_is_found_where_it_is(tmp_path: Path) -> None:
    """``indexOf`` and what is built on it, as Python finds it; units of a string are of one byte or of two."""
    chosen = random.Random(6)
    alphabets = ["ab", "aé", "aЖ", "aAЖ\u0161"]  # Ж and š have the low bytes of characters of one byte
    cases = [
        ("".join(chosen.choices(a, k=chosen.randrange(12))), "".join(chosen.choices(b, k=chosen.randrange(4))), start)
        for a in alphabets
        for b in alphabets
        for start in (-1, 0, 1, 3, 11, 99)
        for _ in range(20)
    ]
    cases += [("x" * 5000 + "y", "y", 0), ("x" * 5000, "xy", 0), ("", "", 5), ("a", "", 1), ("a\0b", "\0", 0)]
    source = f"""
      const found = ([text, part, from]) =>
        [text.indexOf(part, from), text.lastIndexOf(part), text.includes(part, from), text.split(part || "a").length];
      print(JSON.stringify({json.dumps(cases)}.map(found)));
    """
    done = run_script(tmp_path, source)
    assert done.returncode == 0, done.stderr
    expected = []
    for text, part, start in cases:
        clamped = min(max(start, 0), len(text))
        at = text.find(part, clamped)
        expected.append([at, text.rfind(part), at >= 0, len(text.split(part or "a"))])
    assert json.loads(done.stdout) == expected


def test_an_assignment_converts_its_key_last(tmp_path: Path) -> None:
    """ECMAScript 13.15.2 evaluates object, key, value; PutValue (6.2.5.6) then refuses null, converts the key."""
    source = """
      const told = [];
      const key = { toString() { told.push("conversion"); return "k"; } };
      const step = (name, value) => { told.push(name); return value; };
      const tell = (assign) => {
        told.length = 0;
        try { assign(); } catch (error) { told.push(error.name); }
        print(told.join(" "));
      };
      tell(() => { step("object", {})[step("key", key)] = step("value", 1); });
      tell(() => { step("object", null)[step("key", key)] = step("value", 1); });
      tell(() => { step("object", undefined)[step("key", key)] = 1; });
      tell(() => { step("object", [])[step("key", key)] = step("value", 1); });
      const zero = { toString: () => "0" };
      tell(() => { step("object", new Uint8Array(1))[step("key", zero)] = step("value", 1); });
      let list = [1, 2, 3], at = 0;
      list[at++] = list[at++] = at;
      print(list.join());
      list[at] = (list = [7], at = 0, 9);
      print(list.join());
    """
    done = run_script(tmp_path, source)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "object key value conversion",
        "object key value TypeError",
        "object key TypeError",
        "object key value conversion",
        "object key value",
        "2,2,3",
        "7",
    ]


def test_undefined_is_a_name_that_scopes_may_have(tmp_path: Path) -> None:
    """Only the global one is always undefined."""
    source = """
      print([undefined, typeof undefined, undefined === void 0, delete globalThis.undefined].join());
      print([((undefined) => undefined)(1), (() => { const undefined = 2; return undefined; })()].join());
      with ({ undefined: 3 }) print(undefined);
      print((function () { eval("var undefined = 4"); return undefined; })());
      print((function () { return (() => typeof undefined)(); })());
      undefined = 5;
      print(undefined);
      print((() => { "use strict"; try { undefined = 6; } catch (error) { return error.name; } })());
    """
    done = run_script(tmp_path, source)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [",undefined,true,false", "1,2", "3", "4", "undefined", "undefined", "TypeError"]


def test_literals_have_what_they_say_each_time_they_are_evaluated(tmp_path: Path) -> None:
    """Names twice, numbers, accessors, spread and prototypes: a later object goes the way that the first has made."""
    source = """
      const literals = [
        (x) => ({ a: x, b: 2, a: 3 }),
        (x) => ({ b: x, 1: "one", a: x, 0: "zero" }),
        (x) => ({ get a() { return 1; }, a: x }),
        (x) => ({ a: x, get a() { return "got"; } }),
        (x) => ({ a: 0, ...{ b: x, a: x }, b: 5 }),
        (x) => ({ __proto__: { a: "inherited" }, b: x }),
        (x) => ({ __proto__: null, a: x, b: x, c: x, d: x, e: x, f: x, g: x }),
        (x) => ({ a: x, ["a"]: 7, b() { return x; } }),
      ];
      for (const literal of literals) {
        const made = [1, 2, 3].map(literal);
        made.push(literal(4));
        delete made[0].a;
        Object.freeze(made[1]);
        made[2].a = "changed";
        const last = literal(5);
        print(JSON.stringify(last), Object.keys(last).join(), last.a, Object.isFrozen(last), made.length);
      }
    """
    done = run_script(tmp_path, source)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        '{"a":3,"b":2} a,b 3 false 4',
        '{"0":"zero","1":"one","b":5,"a":5} 0,1,b,a 5 false 4',
        '{"a":5} a 5 false 4',
        '{"a":"got"} a got false 4',
        '{"a":5,"b":5} a,b 5 false 4',
        '{"b":5} b inherited false 4',
        '{"a":5,"b":5,"c":5,"d":5,"e":5,"f":5,"g":5} a,b,c,d,e,f,g 5 false 4',
        '{"a":7} a,b 7 false 4',
    ]


def test_strings_are_put_together_and_taken_apart(tmp_path: Path) -> None:
    """Piece by piece, past every size at which the engine stores them in another way; what was kept stays as it was."""
    source = """
      const found = [];
      function built(pieces) {
        let text = "", kept = [], other;
        for (let i = 0; i < 60000; i++) {
          if (i % 9973 === 0) { kept.push(text); other = text; }
          text += pieces(i);
          if (i === 30000) { const twice = text + "x"; found.push(twice.length - text.length); }
        }
        found.push(kept.every((part) => text.startsWith(part)), text.startsWith(other));
        found.push(kept.map((part) => part.length));
        return text;
      }
      const check = (pieces) => {
        const list = Array.from({ length: 60000 }, (_, i) => pieces(i));
        const text = built(pieces), joined = list.join("");
        let sum = 0, same = true;
        for (let i = 0; i < text.length; i++) {
          sum = (sum * 31 + text.charCodeAt(i)) >>> 0;
          same &&= text.charAt(i) === joined[i];
        }
        found.push(text === joined, same, text.length === joined.length, sum, text.indexOf(joined.slice(-9)) > 0);
      };
      check((i) => String.fromCharCode(97 + i % 26, 65 + i % 7));
      check((i) => String.fromCharCode(i % 256));
      check((i) => i % 1000 === 999 ? "\u20ac" : "ab");
      check((i) => i < 40000 ? "abc" : "\u4e00\u4e8c");
      const closure = () => { let text = "y".repeat(20000); const read = () => text; const seen = [];
        for (let i = 0; i < 4; i++) { const before = read(); text += "z"; seen.push(before.length, read().length); }
        return seen; };
      found.push(closure());
      let self = "s".repeat(9000) + "t";
      for (let i = 0; i < 3; i++) self += self;
      found.push(self.length, self === ("s".repeat(9000) + "t").repeat(8));
      function* parts() { let text = "u".repeat(9000); for (;;) { text += yield text; } }
      const generator = parts();
      const first = generator.next().value, second = generator.next("v").value, third = generator.next("w").value;
      found.push(first.length, second.length, third.length, second.slice(-2), third.slice(-2));
      found.push(["", "a".charAt(1), "a".charAt(-1), "a".charAt(), Number.isNaN("a".charCodeAt(1)), "abc".indexOf(""),
        "".indexOf("a"), "abc".indexOf("c"), "\u20acabc".indexOf("c"), "abc".indexOf("\u20ac"), "abc".length]);
      String.prototype.charAt = () => "replaced";
      found.push("abc".charAt(0));
      Object.defineProperty(String.prototype, "got", { get() { return this.length; } });
      found.push("abcd".got, "abcd".absent === undefined, "abc"[1]);
      print(JSON.stringify(found));
    """
    done = run_script(tmp_path, source)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)

    def checked(pieces: list[str]) -> list[object]:
        text = "".join(pieces)
        total = 0
        for unit in text:
            total = (total * 31 + ord(unit)) & 0xFFFFFFFF
        lengths = [len("".join(pieces[:i])) for i in range(0, 60000, 9973)]
        return [1, True, True, lengths, True, True, True, total, True]

    expected: list[object] = []
    for pieces in (
        [chr(97 + i % 26) + chr(65 + i % 7) for i in range(60000)],
        [chr(i % 256) for i in range(60000)],
        ["\u20ac" if i % 1000 == 999 else "ab" for i in range(60000)],
        ["abc" if i < 40000 else "\u4e00\u4e8c" for i in range(60000)],
    ):
        expected += checked(pieces)
    expected += [[20000, 20001, 20001, 20002, 20002, 20003, 20003, 20004], 72008, True]
    expected += [9000, 9001, 9002, "uv", "vw", ["", "", "", "a", True, 0, -1, 2, 3, -1, 3], "replaced", 4, True, "b"]
    assert found == expected


def test_a_stack_begins_with_name_and_message(tmp_path: Path) -> None:
    """The message is that of the making, the name that of the first look: Error.captureStackTrace is told at once."""
    source = """
      const of = (error) => error.stack.slice(0, error.stack.indexOf("\\n    at "));
      const heads = [];
      const add = (error) => heads.push(of(error));
      class Bare extends Error {}
      class Named extends TypeError { constructor(message) { super(message); this.name = "Named"; } }
      class Getter extends Error { get name() { return "Got"; } get message() { return "no own message"; } }
      class Faulty extends Error { get name() { throw new RangeError("not this one"); } }
      [new Error("here"), new Error(), new Error(""), new RangeError("two\\nlines"), new AggregateError([], "many"),
       new Bare("mine"), new Named("own"), new Getter("given")].forEach(add);
      try { null.property; } catch (error) { heads.push(of(error).slice(0, 11)); }
      try { (0, eval)("let 1"); } catch (error) { heads.push(of(error).slice(0, 13)); }
      const nameless = new Error("nameless");
      nameless.name = "";
      add(nameless);
      const changed = new Error("as it was");
      changed.message = "as it is";
      changed.name = "First";
      add(changed);
      changed.name = "Second";
      add(changed);
      const plain = { name: "Plain", message: "object" };
      Error.captureStackTrace(plain);
      add(plain);
      const empty = {};
      Error.captureStackTrace(empty);
      add(empty);
      const faulty = new Faulty("and fails");
      const [first, second] = [faulty.stack, faulty.stack];
      const own = new Error("own");
      const owned = [Object.getOwnPropertyNames(own).includes("stack"), Object.keys(own)];
      own.stack = 5;
      owned.push(own.stack, Object.keys(own), delete own.stack, Object.getOwnPropertyNames(own));
      const frozen = Object.freeze(new Error("frozen"));
      frozen.stack = "other";
      owned.push(frozen.stack);
      print(JSON.stringify({
        owned, heads, faulty: [first.startsWith("<error"), first === second],
        newline: new Error("x").stack.endsWith("\\n"),
      }));
      Error.prepareStackTrace = (error, sites) => `${error.message} at ${sites.length > 0}`;
      const prepared = [new Error("by function").stack];
      Error.prepareStackTrace = undefined;
      Error.stackTraceLimit = 0;
      prepared.push(new Error("no calls").stack);
      const limited = new Bare("");
      prepared.push(limited.stack);
      print(JSON.stringify(prepared));
      let asked = 0;
      class Asked extends Error { get name() { asked++; return "Asked"; } }
      try { throw new Asked("but not when thrown"); } catch {}
      try { throw { get name() { asked++; }, get message() { asked++; } }; } catch {}
      print(asked);
    """
    done = run_script(tmp_path, source)
    assert done.returncode == 0, done.stderr
    found, prepared, asked = map(json.loads, done.stdout.splitlines())
    assert found == {
        "heads": [
            *("Error: here", "Error", "Error", "RangeError: two\nlines", "AggregateError: many"),
            *("Error: mine", "Named: own", "Got: given", "TypeError: ", "SyntaxError: "),
            *("nameless", "First: as it was", "First: as it was", "Plain: object", "Error"),
        ],
        "owned": [True, [], 5, [], True, ["message"], "other"],
        "faulty": [True, True],
        "newline": False,
    }
    assert prepared == ["by function at true", "Error: no calls", "Error"]
    assert asked == 0
