"""Rules of the JavaScript API and of WebIDL that hold for all classes: conversions, order, subclasses, promises."""

from __future__ import annotations

import re
from pathlib import Path

from scripts import EMPTY, EVERYTHING, see


def test_dictionaries_are_converted_member_by_member(tmp_path: Path, engine: str) -> None:
    """Each member is read and converted before the next one is read, in the order of their names."""
    first = ["get address, string address", "get element, string element"]
    if engine == "v8":
        first.reverse()  # newer members come last in V8
    assert see(
        tmp_path,
        """
        const watch = (members) => {
          const seen = [];
          const descriptor = {};
          for (const [name, value] of Object.entries(members)) {
            const convert = (how) => () => { seen.push(`${how} ${name}`); return value; };
            Object.defineProperty(descriptor, name, { get() {
              seen.push(`get ${name}`);
              return typeof value === "string" ? { toString: convert("string") }
                : typeof value === "number" ? { valueOf: convert("number") } : value;
            } });
          }
          return [descriptor, seen];
        };
        const { Memory, Table, Global } = WebAssembly;
        const order = (Class, members) => {
          const [descriptor, seen] = watch(members);
          new Class(descriptor);
          return seen.join(", ");
        };
        results.memory = order(Memory, { shared: false, maximum: 3, initial: 1, address: "i32" });
        results.table = order(Table, { maximum: 3, initial: 1, element: "anyfunc", address: "i32" });
        results.global = order(Global, { value: "i32", mutable: true });
        // A conversion that throws stops it, and what it throws arrives.
        const own = new Error("own");
        const stop = { get initial() { throw own; }, get maximum() { results.reached = true; } };
        results.own = [caught(() => new Memory(stop)) === own,
          caught(() => new Table({ element: "anyfunc", ...{ initial: { valueOf() { throw own; } } } })) === own,
          caught(() => new Global({ value: { toString() { throw own; } } })) === own];
        """,
    ) == {
        "memory": "get address, string address, get initial, number initial, get maximum, number maximum, get shared",
        "table": f"{first[0]}, {first[1]}, get initial, number initial, get maximum, number maximum",
        "global": "get mutable, get value, string value",
        "own": [True, True, True],
    }


def test_descriptors_may_be_any_object(tmp_path: Path) -> None:
    """Functions and proxies as well; inherited members count; null and undefined lack what is required."""
    assert see(
        tmp_path,
        """
        const { Memory, Table, Global, Tag } = WebAssembly;
        const inherited = Object.create({ initial: 2, element: "externref", value: "f64", parameters: [] });
        const callable = Object.assign(() => {}, { initial: 2, element: "externref", value: "f64", parameters: [] });
        results.made = [inherited, callable, new Proxy(callable, {})].map((descriptor) =>
          [Memory, Table, Global, Tag].map((Class) => thrown(() => new Class(descriptor))));
        results.missing = [null, undefined, {}, [], 1, "text", true, 1n, Symbol()].map((descriptor) =>
          [...new Set([Memory, Table, Global, Tag].map((Class) => thrown(() => new Class(descriptor))))].join());
        """,
    ) == {"made": [["nothing"] * 4] * 3, "missing": ["TypeError"] * 9}


def test_enforce_range(tmp_path: Path, engine: str) -> None:
    """[EnforceRange] unsigned long (WebIDL): towards zero, then the range; wherever the API takes one.

    V8 looks at the range first.
    """
    assert see(
        tmp_path,
        """
        const { Memory, Table, Exception, Tag } = WebAssembly;
        const tag = new Tag({ parameters: ["i32"] });
        const exception = new Exception(tag, [5]);
        const takes = {
          initial: (x) => new Memory({ initial: x }), maximum: (x) => new Memory({ initial: 0, maximum: x }),
          entries: (x) => new Table({ element: "anyfunc", initial: x }),
          grow: (x) => new Memory({ initial: 0 }).grow(x),
          get: (x) => new Table({ element: "anyfunc", initial: 2 }).get(x),
          set: (x) => new Table({ element: "anyfunc", initial: 2 }).set(x),
          growTable: (x) => new Table({ element: "anyfunc", initial: 2 }).grow(x),
          getArg: (x) => exception.getArg(tag, x),
        };
        const refused = [NaN, Infinity, -Infinity, -1, 2 ** 32, 1e300, 1n, Symbol(), "x", {}, Object.create(null)];
        const taken = [0, -0, 0.9, "0", "", null, false, [], { valueOf: () => "0" }, new Date(0)];
        for (const [name, take] of Object.entries(takes)) {
          results[name] = [[...new Set(refused.map((value) => thrown(() => take(value))))].join(),
            [...new Set(taken.map((value) => thrown(() => take(value))))].join(), thrown(() => take(-0.9))];
        }
        """,
    ) == {
        name: ["TypeError", "nothing", "nothing" if engine == "quickjs" else "TypeError"]
        for name in ("initial", "maximum", "entries", "grow", "get", "set", "growTable", "getArg")
    }


def test_enumerations_and_booleans(tmp_path: Path, engine: str) -> None:
    """V8 takes lists that have a length for a tag's parameters and an exception's payload, no mere iterables."""
    assert see(
        tmp_path,
        """
        const { Table, Global, Memory, Tag } = WebAssembly;
        const text = (value) => ({ toString: () => value });
        results.table = [text("anyfunc"), ["externref"], "funcref", "ANYFUNC", "anyfunc ", "", null, 1].map((element) =>
          thrown(() => new Table({ element, initial: 0 })));
        results.global = [text("i32"), ["f64"], "funcref", "i31", "I32", "", null, 1].map((value) =>
          thrown(() => new Global({ value })));
        results.mutable = [1, "x", {}, [], 0, "", null, NaN].map((mutable) => {
          const global = new Global({ value: "i32", mutable });
          return thrown(() => { global.value = 1; }) === "nothing";
        });
        results.shared = ["yes", 0, ""].map((shared) =>
          Object.prototype.toString.call(new Memory({ initial: 0, maximum: 1, shared }).buffer).slice(8, -1));
        // sequence<ValueType>: any iterable, read once, each item converted as it comes.
        const seen = [];
        const parameters = { *[Symbol.iterator]() {
          seen.push("one");
          yield "i32";
          seen.push("two");
          yield text("f64");
        } };
        results.iterated = [thrown(() => new Tag({ parameters })), seen.join()];
        const tag = new Tag({ parameters: ["i32", text("f64")] });
        const payload = new Set([7, 0.5]);
        results.iterated.push(thrown(() => new WebAssembly.Exception(tag, payload).getArg(tag, 1)));
        results.sequence = [new WebAssembly.Exception(tag, [7, 0.5]).getArg(tag, 1),
          ...["i32", 1, {}, null].map((parameters) => thrown(() => new Tag({ parameters }))),
          thrown(() => new Tag({ parameters: ["i32", "none"] }))];
        """,
    ) == {
        "table": ["nothing"] * 2 + ["TypeError"] * 6,
        "global": ["nothing"] * 2 + ["TypeError"] * 6,
        "mutable": [True] * 4 + [False] * 4,
        "shared": ["SharedArrayBuffer", "ArrayBuffer", "ArrayBuffer"],
        "iterated": ["nothing", "one,two", "nothing"] if engine == "quickjs" else ["TypeError", "", "TypeError"],
        "sequence": [0.5] + ["TypeError"] * 5,
    }


def test_subclasses_and_new_target(tmp_path: Path, engine: str) -> None:
    """V8 does not look at the new.target of Tag and Exception, and takes any other one's prototype."""
    of_target, fallback = [True] * 10, [True] * 10
    if engine == "v8":
        of_target[5:7], fallback[:5] = [False] * 2, [False] * 5
    assert see(
        tmp_path,
        """
        const { Module, Instance, Memory, Table, Global, Tag, Exception } = WebAssembly;
        const empty = new Tag({ parameters: [] });
        const made = { Module: [modules.empty], Instance: [compile("empty")], Memory: [{ initial: 0 }],
          Table: [{ initial: 0, element: "anyfunc" }], Global: [{ value: "i32" }], Tag: [{ parameters: [] }],
          Exception: [empty, []], CompileError: ["m"], LinkError: ["m"], RuntimeError: ["m"] };
        results.subclass = Object.entries(made).map(([name, args]) => {
          const Class = WebAssembly[name];
          class Own extends Class { get own() { return this instanceof Class; } }
          const object = new Own(...args);
          return object.own === true && object instanceof Own && Object.getPrototypeOf(object) === Own.prototype;
        });
        // The prototype comes from new.target.
        results.target = Object.entries(made).map(([name, args]) => {
          const prototype = {};
          const target = Object.assign(function () {}.bind(), { prototype });
          return Object.getPrototypeOf(Reflect.construct(WebAssembly[name], args, target)) === prototype;
        });
        // Where that has none that is an object, from the class itself.
        results.fallback = Object.entries(made).map(([name, args]) => {
          const target = Object.assign(function () {}.bind(), { prototype: 1 });
          const object = Reflect.construct(WebAssembly[name], args, target);
          return Object.getPrototypeOf(object) === WebAssembly[name].prototype;
        });
        // Objects that are not made by a constructor are of the class itself, whatever was done to it.
        const instance = new Instance(compile("all"));
        const { m, t, g, e } = instance.exports;
        results.plain = [m, t, g, e].map((object, i) =>
          Object.getPrototypeOf(object) === [Memory, Table, Global, Tag][i].prototype);
        results.own = [instance, m, t, g, e, compile("all"), new Exception(empty, [])].map((object) =>
          Reflect.ownKeys(object).length);
        """,
        empty=EMPTY,
        all=EVERYTHING,
    ) == {"subclass": of_target, "target": of_target, "fallback": fallback, "plain": [True] * 4, "own": [0] * 7}


def test_it_works_when_the_builtins_are_overwritten(tmp_path: Path) -> None:
    """Work functions may spoil what the implementation is written with."""
    assert see(
        tmp_path,
        """
        const { stringify } = JSON;
        const poison = () => { throw new Error("poisoned"); };
        const { WebAssembly: { Module, Instance, Memory, Global, Table, Tag, Exception } } = globalThis;
        const { prototype } = Array;
        const names = Reflect.ownKeys(prototype).filter((name) =>
          typeof prototype[name] === "function" && name !== "constructor");
        const kept = names.map((name) => prototype[name]);
        for (let i = 0; i < names.length; i++) prototype[names[i]] = poison;
        const { get } = Map.prototype;
        const saved = [Object.defineProperty, Object.freeze, Reflect.construct];
        Object.defineProperty = Object.freeze = Reflect.construct = Map.prototype.get = poison;
        Object.prototype.item = "polluted";
        let failure = "nothing";
        let sum;
        try {
          const parameters = { length: 0, [Symbol.iterator]: () => ({ next: () => ({ done: true }) }) };
          const tag = new Tag({ parameters });
          new Memory({ initial: 1 }).grow(1);
          new Table({ initial: 1, element: "externref" }).set(0, tag);
          new Global({ value: "i64" }, 5n).value;
          const module = new Module(modules.all);
          Module.exports(module);
          const { f } = new Instance(module).exports;
          sum = f(41, 1n) + 1;
        } catch (error) {
          failure = error.message;
        }
        delete Object.prototype.item;
        for (let i = 0; i < names.length; i++) prototype[names[i]] = kept[i];
        Map.prototype.get = get;
        [Object.defineProperty, Object.freeze, Reflect.construct] = saved;
        results.failure = failure;
        results.sum = sum;
        """,
        all=EVERYTHING,
    ) == {"failure": "nothing", "sum": 42}


def test_promises(tmp_path: Path, engine: str) -> None:
    """Functions that promise never throw, settle later, and read their arguments at the right time.

    V8, which has one thread here, compiles at once and then reads the imports.
    """
    assert see(
        tmp_path,
        """
        const log = [];
        const imports = { get m() { log.push("imports"); return { f() {} }; } };
        const plain = [WebAssembly.compile(modules.wants), WebAssembly.instantiate(modules.wants, imports)];
        results.kinds = plain.map((promise) => Object.getPrototypeOf(promise) === Promise.prototype);
        // Of bytes: compiled first, the imports are read later. Of a module: at once.
        results.bytes = log.length;
        await Promise.all(plain);
        results.later = log.length;
        const alone = WebAssembly.instantiate(compile("wants"), imports);
        results.module = log.length;
        await alone;
        const calls = [() => WebAssembly.compile(), () => WebAssembly.compile(1), () => WebAssembly.instantiate(),
          () => WebAssembly.instantiate(modules.wants, 1), () => WebAssembly.instantiate(compile("wants"), {}),
          () => WebAssembly.compileStreaming(), () => WebAssembly.instantiateStreaming(1)];
        results.thrown = [...new Set(calls.map((call) => thrown(() => call().catch(() => {}))))];
        results.rejected = [...new Set(await Promise.all(calls.map((call) => rejected(call()))))];
        const order = [];
        const first = WebAssembly.compile(modules.wants).then(() => order.push("compiled"));
        order.push("synchronous");
        await first;
        results.order = order;
        """,
        wants='(module (import "m" "f" (func)))',
    ) == {
        "kinds": [True, True],
        "bytes": 0 if engine == "quickjs" else 1,
        "later": 1,
        "module": 2,
        "thrown": ["nothing"],
        "rejected": ["TypeError"],
        "order": ["synchronous", "compiled"],
    }


def test_values_that_javascript_cannot_hold(tmp_path: Path) -> None:
    """v128 and exnref: modules that use them link; a value that should cross is refused."""
    assert see(
        tmp_path,
        """
        const e = exportsOf("vectors", { m: { f: () => 1 } });
        results.global = [thrown(() => e.g.value), thrown(() => e.g.valueOf()), thrown(() => { e.g.value = 1; })];
        results.calls = [thrown(() => e.give()), thrown(() => e.take(1)), thrown(() => e.take()),
          thrown(() => e.through())];
        results.constructor = [thrown(() => new WebAssembly.Global({ value: "v128" })),
          thrown(() => new WebAssembly.Global({ value: "v128", mutable: true }, 1))];
        const again = exportsOf("imports", { m: { g: e.g, give: e.give } });
        results.between = again.lane();
        // Conversion is refused before user code of other arguments runs.
        let ran = false;
        results.first = [thrown(() => e.mixed({ valueOf() { ran = true; return 1; } })), ran];
        """,
        vectors="""(module (import "m" "f" (func $f (result v128)))
          (global (export "g") (mut v128) (v128.const i32x4 1 2 3 4))
          (func (export "give") (result v128) v128.const i32x4 5 6 7 8)
          (func (export "take") (param v128)) (func (export "mixed") (param i32 v128))
          (func (export "through") call $f drop))""",
        imports="""(module (import "m" "g" (global $g (mut v128))) (import "m" "give" (func $give (result v128)))
          (func (export "lane") (result i32)
            (i32.add (i32x4.extract_lane 1 (global.get $g)) (i32x4.extract_lane 3 (call $give)))))""",
    ) == {
        "global": ["TypeError"] * 3,
        "calls": ["TypeError"] * 4,
        "constructor": ["TypeError"] * 2,
        "between": 10,
        "first": ["TypeError", False],
    }


def test_stacks_of_traps_name_their_functions(tmp_path: Path, engine: str) -> None:
    """By the name section where there is one, by index where not; innermost first, JavaScript's frames after them."""
    found = see(
        tmp_path,
        """
        const stack = (run) => caught(run).stack.split("\\n").map((line) => line.trim());
        const e = exportsOf("named", { m: { f: function middle() { e.inner(); } } });
        results.stack = stack(function user() { e.run(); });
        results.name = [caught(() => e.inner()).name, String(caught(() => e.inner())).startsWith("RuntimeError: ")];
        """,
        named="""(module (import "m" "f" (func $f)) (func $deep unreachable) (func $inner (export "inner") call $deep)
          (func $outer (export "run") call $f))""",
    )
    lines = found["stack"]
    places = [next(i for i, line in enumerate(lines) if name in line) for name in ("deep", "inner", "middle", "user")]
    assert places == sorted(places), lines
    module = "" if engine == "quickjs" else r"wasm://wasm/[0-9a-f]+:"
    assert lines[0].startswith("RuntimeError: ")
    assert re.match(rf"at deep \({module}wasm-function\[1\]:0x", lines[1])
    assert found["name"] == ["RuntimeError", True]


def test_errors_of_linking_and_starting_leave_what_was_done(tmp_path: Path) -> None:
    """Active segments are written in order until one is out of bounds; an import's memory and table keep them."""
    assert see(
        tmp_path,
        """
        const memory = new WebAssembly.Memory({ initial: 1 });
        const table = new WebAssembly.Table({ initial: 2, element: "anyfunc" });
        results.data = [thrown(() => exportsOf("data", { m: { memory } })), new Uint8Array(memory.buffer)[0]];
        results.elem = [thrown(() => exportsOf("elem", { m: { table } })), table.get(0)?.(), table.get(1)];
        let seen;
        const f = () => { seen = true; throw new RangeError(); };
        results.start = [thrown(() => exportsOf("start", { m: { f } })), seen];
        """,
        data="""(module (import "m" "memory" (memory 1)) (data (i32.const 0) "a") (data (i32.const 65536) "b"))""",
        elem="""(module (import "m" "table" (table 2 funcref)) (func $f (result i32) i32.const 7)
          (elem (i32.const 0) $f) (elem (i32.const 2) $f))""",
        start='(module (import "m" "f" (func $f)) (start $f))',
    ) == {"data": ["RuntimeError", 97], "elem": ["RuntimeError", 7, None], "start": ["RangeError", True]}


def test_stack_of_an_exception(tmp_path: Path, engine: str) -> None:
    """The attribute `stack` is undefined, unless the option traceStack asks for one."""
    assert see(
        tmp_path,
        """
        const { Exception, Tag, JSTag } = WebAssembly;
        const tag = new Tag({ parameters: [] });
        const make = (options) => function thrower() { return new Exception(tag, [], options); }();
        results.stack = [undefined, null, {}, { traceStack: false }, { traceStack: 0 }].map((options) =>
          make(options).stack === undefined);
        results.traced = /^Error\\n    at thrower /.test(make({ traceStack: 1 }).stack);
        results.wrong = [1, "text", true].map((options) => thrown(() => make(options)));
        results.attribute = attributes(Exception.prototype, "stack");
        results.fromWasm = caught(() => exportsOf("throws").run()).stack === undefined;
        results.jsTag = [attributes(WebAssembly, "JSTag"),
          Object.getOwnPropertyDescriptor(WebAssembly, "JSTag").get?.name ?? "no getter"];
        results.vector = thrown(() => new Exception(new Tag({ parameters: ["v128"] }), [1]));
        """,
        throws='(module (tag $t) (func (export "run") throw $t))',
    ) == {
        "stack": [True] * 5,
        "traced": True,
        "wrong": ["TypeError"] * 3,
        "attribute": "e c get",
        "fromWasm": True,
        "jsTag": ["e c get", "get JSTag"] if engine == "quickjs" else ["c", "no getter"],
        "vector": "TypeError",
    }
