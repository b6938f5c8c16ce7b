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


def test_strings_are_put_together_and_taken_apart(tmp_path: Path, script: str) -> None:
    """Piece by piece, past every size at which the engine stores them in another way; what was kept stays as it was."""
    done = run_script(tmp_path, script)
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


def test_a_stack_begins_with_name_and_message(tmp_path: Path, script: str) -> None:
    """The message is that of the making, the name that of the first look: Error.captureStackTrace is told at once."""
    done = run_script(tmp_path, script)
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


def test_a_call_may_have_many_arguments(tmp_path: Path) -> None:
    source = """
      const many = new Array(200000).fill(1);
      const wide = new Uint16Array(100000).fill(120);
      function mapped(a) { a = 2; return arguments.length + arguments[0]; }
      class Base { constructor(...all) { this.count = all.length; } }
      class Derived extends Base {}
      const proxy = new Proxy(mapped, { apply: (target, self, list) => list.length });
      const ways = [
        () => Math.max(...many), () => Math.max.apply(null, many), () => Reflect.apply(Math.hypot, null, many) | 0,
        () => { const list = [0]; list.push(...many); return list.length; },
        () => String.fromCharCode.apply(null, wide).length, () => String.fromCodePoint(...wide).length,
        () => Reflect.construct(Array, many).length, () => new Derived(...many).count,
        () => mapped(...many), () => ((a, b, ...rest) => rest.length)(...many), () => mapped.bind(null, 1, 2)(...many),
        () => proxy(...many), () => (function* (...all) { yield all.length; })(...many).next().value,
        () => [].concat(...many).length, () => Array.of(...many).length, () => mapped.call(...many),
      ];
      print(ways.map((way) => way()).join());
      const tooMany = { length: 2 ** 32 - 1 };
      const lengths = [3e6, 2 ** 25].map((length) => new Array(length).fill(0));
      const refused = [
        () => Math.max(...lengths[0]), () => Math.max.apply(null, lengths[1]), () => Reflect.construct(Base, tooMany),
        () => mapped.bind(null, 1)(...lengths[0]), () => new Derived(...lengths[1]), () => eval(...lengths[1]),
      ];
      print(refused.map((call) => { try { return call(); } catch (error) { return error.name; } }).join());
      (async function () { return arguments.length; })(...many).then(print);
    """
    done = run_script(tmp_path, source)
    assert done.returncode == 0, done.stderr
    calls, refused, asynchronous = done.stdout.splitlines()
    expected = [1, 1, 447, 200001, 100000, 100000, 200000, 200000, 200002, 199998, 200004, 200000, 200000, 200000]
    assert json.loads(f"[{calls}]") == [*expected, 200000, 200001]
    assert refused == ",".join(["RangeError"] * 6)
    assert asynchronous == "200000"
