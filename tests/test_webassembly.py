"""The WebAssembly JavaScript API in a sandbox, as scripts and work functions see it.

Each test is one script of ``dcp-evaluator --shell``. It finds its modules in ``modules``, and puts what it saw on
``results``, which comes back through JSON.
"""

from __future__ import annotations

import json
import math
import random
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import wasmtime

import dcp_evaluator as dcp
from cli_driver import run_script

PRELUDE = """
const results = {};
/** The name of what run() throws, or "nothing". */
const thrown = (run) => {
  try {
    run();
    return "nothing";
  } catch (error) {
    return error?.name ?? `no error: ${String(error)}`;
  }
};
const caught = (run) => {
  try {
    run();
  } catch (error) {
    return error;
  }
};
const rejected = (promise) => promise.then(() => "nothing", (error) => error.name);
const compile = (name) => new WebAssembly.Module(modules[name]);
const exportsOf = (name, imports) => new WebAssembly.Instance(compile(name), imports).exports;
const attributes = (object, key) => {
  const { writable, enumerable, configurable, get, set } = Object.getOwnPropertyDescriptor(object, key);
  const flags = [writable && "w", enumerable && "e", configurable && "c", get && "get", set && "set"];
  return flags.filter(Boolean).join(" ");
};
"""


def wasm(text: str) -> bytes:
    return bytes(wasmtime.wat2wasm(text))


def shell(
    tmp_path: Path, script: str, modules: dict[str, str | bytes], *options: str
) -> subprocess.CompletedProcess[str]:
    """Runs ``script`` in a fresh sandbox; ``modules``: text or bytes by name."""
    binaries = {name: wasm(module) if isinstance(module, str) else module for name, module in modules.items()}
    literals = ", ".join(f"{name}: new Uint8Array({list(data)})" for name, data in binaries.items())
    return run_script(tmp_path, f"const modules = {{ {literals} }};\n{PRELUDE}\n{script}", *options)


def see(tmp_path: Path, script: str, *options: str, **modules: str | bytes) -> dict[str, Any]:
    """The object ``results`` of ``script``, which must end well; it may await."""
    body = f"(async () => {{\n{script}\n}})().then(() => print(JSON.stringify(results)));"
    done = shell(tmp_path, body, modules, *options)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


EMPTY = "(module)"
ADD = '(module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))'


# --- the namespace ---


def test_namespace(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        results.tags = [WebAssembly, compile("empty"), new WebAssembly.Instance(compile("empty")),
          new WebAssembly.Memory({ initial: 0 }), new WebAssembly.Table({ initial: 0, element: "anyfunc" }),
          new WebAssembly.Global({ value: "i32" }), new WebAssembly.Tag({ parameters: [] }),
          new WebAssembly.Exception(new WebAssembly.Tag({ parameters: [] }), []),
        ].map((object) => Object.prototype.toString.call(object).slice(8, -1));
        results.global = attributes(globalThis, "WebAssembly");
        results.classes = [];
        for (const name of ["Module", "Instance", "Memory", "Table", "Global", "Tag", "Exception"]) {
          const Class = WebAssembly[name];
          results.classes.push([attributes(WebAssembly, name), Class.name === name, Class.length,
            attributes(Class, "prototype"), attributes(Class.prototype, "constructor"),
            attributes(Class.prototype, Symbol.toStringTag), thrown(() => Class({})), thrown(() => new Class())]);
        }
        results.members = {};
        const members = { WebAssembly: [WebAssembly, "validate compile instantiate compileStreaming"],
          Module: [WebAssembly.Module, "exports imports customSections"],
          Instance: [WebAssembly.Instance.prototype, "exports"],
          Memory: [WebAssembly.Memory.prototype, "buffer grow"],
          Table: [WebAssembly.Table.prototype, "length get set grow"],
          Global: [WebAssembly.Global.prototype, "value valueOf"],
          Exception: [WebAssembly.Exception.prototype, "is getArg"] };
        for (const [owner, [object, names]] of Object.entries(members)) {
          for (const name of names.split(" ")) {
            const { value, get } = Object.getOwnPropertyDescriptor(object, name);
            const fn = value ?? get;
            const plain = Object.getPrototypeOf(fn) === Function.prototype && !("prototype" in fn);
            results.members[`${owner}.${name}`] = [attributes(object, name), fn.name, fn.length, plain];
          }
        }
        results.setter = Object.getOwnPropertyDescriptor(WebAssembly.Global.prototype, "value").set.name;
        results.errors = ["CompileError", "LinkError", "RuntimeError"].map((name) => {
          const Class = WebAssembly[name];
          const error = new Class("why", { cause: 7 });
          return [Class.name === name, Class.length, Object.getPrototypeOf(Class) === Error, error instanceof Error,
            error.name === name, error.message, error.cause, Class("called") instanceof Class,
            Object.prototype.toString.call(error), attributes(WebAssembly, name), Object.keys(error).length];
        });
        """,
        empty=EMPTY,
    ) == {
        "tags": ["WebAssembly"]
        + [f"WebAssembly.{name}" for name in ("Module", "Instance", "Memory", "Table", "Global", "Tag", "Exception")],
        "global": "w c",
        "classes": [
            ["w c", True, length, "", "w c", "c", "TypeError", "TypeError"] for length in (1, 1, 1, 1, 1, 1, 2)
        ],
        "members": {
            "WebAssembly.validate": ["w e c", "validate", 1, True],
            "WebAssembly.compile": ["w e c", "compile", 1, True],
            "WebAssembly.instantiate": ["w e c", "instantiate", 1, True],
            "WebAssembly.compileStreaming": ["w e c", "compileStreaming", 1, True],
            "Module.exports": ["w e c", "exports", 1, True],
            "Module.imports": ["w e c", "imports", 1, True],
            "Module.customSections": ["w e c", "customSections", 2, True],
            "Instance.exports": ["e c get", "get exports", 0, True],
            "Memory.buffer": ["e c get", "get buffer", 0, True],
            "Memory.grow": ["w e c", "grow", 1, True],
            "Table.length": ["e c get", "get length", 0, True],
            "Table.get": ["w e c", "get", 1, True],
            "Table.set": ["w e c", "set", 1, True],
            "Table.grow": ["w e c", "grow", 1, True],
            "Global.value": ["e c get set", "get value", 0, True],
            "Global.valueOf": ["w e c", "valueOf", 0, True],
            "Exception.is": ["w e c", "is", 1, True],
            "Exception.getArg": ["w e c", "getArg", 2, True],
        },
        "setter": "set value",
        "errors": [[True, 1, True, True, True, "why", 7, True, "[object Error]", "w c", 0]] * 3,
    }


def test_methods_check_their_receiver_first(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const never = { valueOf() { throw new RangeError("converted"); } };
        const { Memory, Table, Global, Instance, Exception } = WebAssembly;
        const get = (Class, name) => Object.getOwnPropertyDescriptor(Class.prototype, name).get;
        const methods = [Memory.prototype.grow, get(Memory, "buffer"), Table.prototype.get, Table.prototype.set,
          Table.prototype.grow, get(Table, "length"), Global.prototype.valueOf, get(Global, "value"),
          Object.getOwnPropertyDescriptor(Global.prototype, "value").set, get(Instance, "exports"),
          Exception.prototype.is, Exception.prototype.getArg];
        const receivers = [undefined, null, 1, "", {}, Memory, Memory.prototype, WebAssembly];
        results.names = [...new Set(methods.flatMap((method) =>
          receivers.map((receiver) => thrown(() => method.call(receiver, never, never)))))];
        """,
    ) == {"names": ["TypeError"]}


# --- validate, compile, instantiate ---


def test_validate_and_compile(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const bytes = modules.add;
        const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
        shared.set(bytes);
        const wide = new Uint8Array(bytes.length + 8).fill(255);
        wide.set(bytes, 3);
        const resizable = new Uint8Array(new ArrayBuffer(bytes.length, { maxByteLength: 4096 }));
        resizable.set(bytes);
        const sources = [bytes, bytes.buffer, shared, shared.buffer, new DataView(wide.buffer, 3, bytes.length),
          wide.subarray(3, 3 + bytes.length), resizable];
        results.valid = sources.map((source) => WebAssembly.validate(source));
        results.compiled = sources.map((source) =>
          new WebAssembly.Instance(new WebAssembly.Module(source)).exports.add(1, 2));
        results.promised = (await WebAssembly.compile(bytes)) instanceof WebAssembly.Module;
        // The bytes are read at once.
        const changing = bytes.slice();
        const pending = WebAssembly.compile(changing);
        changing.fill(0);
        results.copied = (await pending) instanceof WebAssembly.Module;
        const detached = new Uint8Array(4);
        detached.buffer.transfer();
        results.detached = [WebAssembly.validate(detached), thrown(() => new WebAssembly.Module(detached))];
        const wrong = [undefined, null, 1, "", {}, [0, 97, 115, 109], WebAssembly];
        results.validateWrong = [...new Set(wrong.map((value) => thrown(() => WebAssembly.validate(value))))];
        results.moduleWrong = [...new Set(wrong.map((value) => thrown(() => new WebAssembly.Module(value))))];
        results.compileWrong = [...new Set(await Promise.all(
          wrong.map((value) => rejected(WebAssembly.compile(value)))))];
        results.none = [thrown(() => WebAssembly.validate()), await rejected(WebAssembly.compile()),
          await rejected(WebAssembly.instantiate())];
        """,
        add=ADD,
    ) == {
        "valid": [True] * 7,
        "compiled": [3] * 7,
        "promised": True,
        "copied": True,
        "detached": [False, "CompileError"],
        "validateWrong": ["TypeError"],
        "moduleWrong": ["TypeError"],
        "compileWrong": ["TypeError"],
        "none": ["TypeError"] * 3,
    }


def test_instantiate(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const imports = { m: { f: () => 41 } };
        const both = await WebAssembly.instantiate(modules.wants, imports);
        results.both = [Object.keys(both), both.module instanceof WebAssembly.Module,
          both.instance instanceof WebAssembly.Instance, both.instance.exports.g()];
        const alone = await WebAssembly.instantiate(both.module, imports);
        results.alone = [alone instanceof WebAssembly.Instance, alone.exports.g(),
          alone.exports === both.instance.exports];
        results.sync = new WebAssembly.Instance(both.module, imports).exports.g();
        // Failures of any kind reject; nothing is thrown.
        results.failures = await Promise.all([
          WebAssembly.instantiate(modules.wants), WebAssembly.instantiate(modules.wants, null),
          WebAssembly.instantiate(modules.wants, 1), WebAssembly.instantiate(both.module, {}),
          WebAssembly.instantiate(both.module, { m: {} }), WebAssembly.instantiate(new Uint8Array(3)),
          WebAssembly.instantiate({}), WebAssembly.instantiate(modules.traps),
        ].map(rejected));
        results.syncFailures = [thrown(() => new WebAssembly.Instance(both.module)),
          thrown(() => new WebAssembly.Instance(both.module, 1)), thrown(() => new WebAssembly.Instance({})),
          thrown(() => new WebAssembly.Instance(both.module, { m: { f: 1 } })),
          thrown(() => new WebAssembly.Instance(compile("traps")))];
        const boom = new Error("boom");
        results.getter = await WebAssembly.instantiate(modules.wants, { get m() { throw boom; } })
          .catch((error) => error === boom);
        results.start = await WebAssembly.instantiate(modules.starts, { m: { f() { throw boom; } } })
          .catch((error) => error === boom);
        const unused = await WebAssembly.instantiate(modules.empty, undefined);
        results.unusedImports = unused.instance.exports !== undefined;
        const response = { arrayBuffer: async () => modules.wants };
        results.streaming = [
          (await WebAssembly.compileStreaming(Promise.resolve(response))) instanceof WebAssembly.Module,
          (await WebAssembly.instantiateStreaming(response, imports)).instance.exports.g(),
          await rejected(WebAssembly.compileStreaming({})),
          await rejected(WebAssembly.instantiateStreaming(Promise.reject(new RangeError()))),
        ];
        """,
        wants='(module (import "m" "f" (func $f (result i32))) (func (export "g") (result i32) call $f))',
        starts='(module (import "m" "f" (func $f)) (start $f))',
        traps="(module (func $f unreachable) (start $f))",
        empty=EMPTY,
    ) == {
        "both": [["module", "instance"], True, True, 41],
        "alone": [True, 41, False],
        "sync": 41,
        "failures": ["TypeError"] * 4 + ["LinkError", "CompileError", "TypeError", "RuntimeError"],
        "syncFailures": ["TypeError"] * 3 + ["LinkError", "RuntimeError"],
        "getter": True,
        "start": True,
        "unusedImports": True,
        "streaming": [True, 41, "TypeError", "RangeError"],
    }


def test_imports_are_read_in_order_and_only_those(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const seen = [];
        const watch = (name, object) => new Proxy(object, {
          get(target, key) {
            seen.push(`${name}.${String(key)}`);
            return target[key];
          },
        });
        const imports = watch("imports", {
          b: watch("b", { f() {}, g: new WebAssembly.Global({ value: "i32" }), "": () => {} }),
          a: watch("a", { f() {} }),
        });
        exportsOf("m", imports);
        results.seen = seen;
        """,
        m="""(module (import "b" "f" (func)) (import "a" "f" (func)) (import "b" "g" (global i32))
          (import "b" "" (func)))""",
    ) == {
        "seen": ["imports.b", "b.f", "imports.a", "a.f", "imports.b", "b.g", "imports.b", "b."],
    }


def test_imports_of_a_wrong_kind_or_type(tmp_path: Path) -> None:
    """Each is a LinkError that names the import."""
    found = see(
        tmp_path,
        """
        const { Memory, Table, Global, Tag } = WebAssembly;
        const good = { function: () => {}, memory: new Memory({ initial: 2, maximum: 4 }),
          table: new Table({ initial: 2, maximum: 4, element: "anyfunc" }), global: new Global({ value: "i32" }, 1),
          tag: new Tag({ parameters: ["i32"] }), number: 1, bigint: 1n, string: "1", object: {}, nothing: undefined };
        const kinds = ["function", "memory", "table", "global", "tag"];
        results.kinds = {};
        for (const kind of kinds) {
          const take = (name) => thrown(() => exportsOf(kind, { m: { x: good[name] } }));
          const taken = Object.keys(good).filter((name) => take(name) === "nothing");
          const other = caught(() => exportsOf(kind, { m: { x: good.string } }));
          results.kinds[kind] = [taken, other.name, other.message.includes("m.x")];
        }
        const types = {
          "memory too small": ["memory", new Memory({ initial: 1, maximum: 4 })],
          "memory without maximum": ["memory", new Memory({ initial: 2 })],
          "maximum too large": ["memory", new Memory({ initial: 2, maximum: 5 })],
          "shared memory": ["memory", new Memory({ initial: 2, maximum: 4, shared: true })],
          "table of another type": ["table", new Table({ initial: 2, maximum: 4, element: "externref" })],
          "mutable global": ["global", new Global({ value: "i32", mutable: true }, 1)],
          "global of another type": ["global", new Global({ value: "f64" }, 1)],
          "bigint for an i32": ["global", 1n],
          "number for an i64": ["global64", 1],
          "tag of another type": ["tag", new Tag({ parameters: ["f32"] })],
          "function of another type": ["function", exportsOf("adds").add],
          "plain value for a mutable global": ["mutable", 1],
        };
        results.types = {};
        for (const [name, [module, x]] of Object.entries(types)) {
          results.types[name] = thrown(() => exportsOf(module, { m: { x } }));
        }
        results.fits = [thrown(() => exportsOf("memory", { m: { x: new Memory({ initial: 3, maximum: 3 }) } })),
          thrown(() => exportsOf("global64", { m: { x: 1n } })),
          thrown(() => exportsOf("adder", { m: { x: exportsOf("adds").add } }))];
        """,
        function='(module (import "m" "x" (func)))',
        memory='(module (import "m" "x" (memory 2 4)))',
        table='(module (import "m" "x" (table 2 4 funcref)))',
        tag='(module (import "m" "x" (tag (param i32))))',
        adder='(module (import "m" "x" (func (param i32 i32) (result i32))))',
        adds=ADD,
        **{
            "global": '(module (import "m" "x" (global i32)))',
            "global64": '(module (import "m" "x" (global i64)))',
            "mutable": '(module (import "m" "x" (global (mut i32))))',
        },
    )
    assert found["kinds"] == {
        "function": [["function"], "LinkError", True],
        "memory": [["memory"], "LinkError", True],
        "table": [["table"], "LinkError", True],
        "global": [["global", "number"], "LinkError", True],
        "tag": [["tag"], "LinkError", True],
    }
    assert set(found["types"].values()) == {"LinkError"}, found["types"]
    assert found["fits"] == ["nothing"] * 3


# --- Module and Instance ---


def test_module_tells_its_parts(tmp_path: Path) -> None:
    section = b"\x00" + bytes([1 + 4 + 3]) + b"\x04note" + b"abc"
    assert see(
        tmp_path,
        """
        const { Module } = WebAssembly;
        const parts = compile("parts");
        results.exports = Module.exports(parts);
        results.imports = Module.imports(parts);
        results.fresh = [Module.exports(parts) !== Module.exports(parts), attributes(Module.exports(parts)[0], "name")];
        results.empty = [Module.exports(compile("empty")), Module.imports(compile("empty"))];
        const sections = Module.customSections(compile("notes"), "note");
        results.sections = sections.map((buffer) => [buffer instanceof ArrayBuffer, ...new Uint8Array(buffer)]);
        results.unknown = ["other", "\\ud800"].map((name) => Module.customSections(compile("notes"), name));
        results.wrong = [
          thrown(() => Module.exports()), thrown(() => Module.exports({})), thrown(() => Module.imports(1)),
          thrown(() => Module.customSections(parts)), thrown(() => Module.customSections({}, "")),
          thrown(() => Module.customSections(parts, Symbol()))];
        """,
        parts="""(module
          (import "a" "f" (func $f (param i32))) (import "a" "" (global i64)) (import "\u20ac" "t" (table 0 externref))
          (import "a" "m" (memory 1)) (import "a" "e" (tag))
          (global $g (mut f32) (f32.const 1)) (table $t 1 funcref) (tag $e)
          (export "run" (func $f)) (export "\u00e9" (global $g)) (export "" (table $t))
          (export "mem" (memory 0)) (export "oops" (tag $e)))""",
        notes=wasm(EMPTY) + section + section,
        empty=EMPTY,
    ) == {
        "exports": [
            {"name": "run", "kind": "function"},
            {"name": "\u00e9", "kind": "global"},
            {"name": "", "kind": "table"},
            {"name": "mem", "kind": "memory"},
            {"name": "oops", "kind": "tag"},
        ],
        "imports": [
            {"module": "a", "name": "f", "kind": "function"},
            {"module": "a", "name": "", "kind": "global"},
            {"module": "\u20ac", "name": "t", "kind": "table"},
            {"module": "a", "name": "m", "kind": "memory"},
            {"module": "a", "name": "e", "kind": "tag"},
        ],
        "fresh": [True, "w e c"],
        "empty": [[], []],
        "sections": [[True, 97, 98, 99]] * 2,
        "unknown": [[], []],
        "wrong": ["TypeError"] * 6,
    }


EVERYTHING = """(module
  (func $f (export "f") (export "again") (param i32 i64) (result i32) local.get 0)
  (memory (export "m") 1) (table (export "t") 3 funcref) (elem (i32.const 0) $f)
  (global (export "g") (mut i32) (i32.const 5)) (tag (export "e") (param i32))
  (func (export "0") nop))"""


def test_exports_object(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const instance = new WebAssembly.Instance(compile("all"));
        const { exports } = instance;
        results.object = [Object.getPrototypeOf(exports) === null, Object.isFrozen(exports),
          exports === instance.exports, Object.isExtensible(exports)];
        results.keys = Reflect.ownKeys(exports);
        results.attributes = attributes(exports, "m");
        results.write = (() => { "use strict"; return thrown(() => { exports.f = 1; }); })();
        const { f } = exports;
        results.fn = [typeof f, f.name, f.length, "prototype" in f, thrown(() => new f()), Object.keys(f).length,
          Object.getPrototypeOf(f) === Function.prototype, attributes(f, "name"), attributes(f, "length")];
        results.calls = [f(7, 0n, "ignored"), f.call(null, 7, 0n), exports[0]() === undefined];
        results.kinds = [exports.m instanceof WebAssembly.Memory, exports.t instanceof WebAssembly.Table,
          exports.g instanceof WebAssembly.Global, exports.e instanceof WebAssembly.Tag];
        """,
        all=EVERYTHING,
    ) == {
        "object": [True, True, True, False],
        "keys": ["0", "f", "again", "m", "t", "g", "e"],
        "attributes": "e",
        "write": "TypeError",
        "fn": ["function", "0", 2, False, "TypeError", 0, True, "c", "c"],
        "calls": [7, 7, True],
        "kinds": [True] * 4,
    }


def test_identities(tmp_path: Path) -> None:
    """An item has one object, wherever it is seen."""
    assert see(
        tmp_path,
        """
        const first = exportsOf("all");
        const { f, m, t, g, e } = first;
        results.function = [f === first.again, t.get(0) === f, t.get(0) === t.get(0)];
        const second = exportsOf("through", { x: { f, m, t, g, e } });
        results.through = [second.f === f, second.m === m, second.t === t, second.g === g, second.e === e];
        results.returned = [second.give() === f, second.hold.value === f];
        t.set(1, f);
        results.table = [t.get(1) === f, t.get(2)];
        const own = (a) => a;
        const wrapped = exportsOf("wraps", { m: { own } });
        results.wrapped = [wrapped.own !== own, wrapped.own === wrapped.same, wrapped.own(3)];
        const twice = [exportsOf("all"), exportsOf("all")];
        results.instances = [twice[0].f !== twice[1].f, twice[0].m !== twice[1].m];
        results.buffer = m.buffer === m.buffer;
        """,
        all=EVERYTHING,
        through="""(module
          (import "x" "f" (func $f (param i32 i64) (result i32))) (import "x" "m" (memory 1))
          (import "x" "t" (table 3 funcref)) (import "x" "g" (global (mut i32))) (import "x" "e" (tag (param i32)))
          (global (export "hold") funcref (ref.func $f))
          (export "f" (func $f)) (export "m" (memory 0)) (export "t" (table 0)) (export "g" (global 0))
          (export "e" (tag 0)) (elem declare func $f)
          (func (export "give") (result funcref) ref.func $f))""",
        wraps="""(module (import "m" "own" (func $f (param i32) (result i32)))
          (export "own" (func $f)) (export "same" (func $f)))""",
    ) == {
        "function": [True] * 3,
        "through": [True] * 5,
        "returned": [True, True],
        "table": [True, None],
        "wrapped": [True, True, 3],
        "instances": [True, True],
        "buffer": True,
    }


# --- values ---

VALUES = """(module
  (func (export "i32") (param i32) (result i32) local.get 0) (func (export "i64") (param i64) (result i64) local.get 0)
  (func (export "f32") (param f32) (result f32) local.get 0) (func (export "f64") (param f64) (result f64) local.get 0)
  (func (export "many") (param i32 i64 f32 f64) (result f64 f32 i64 i32)
    local.get 3 local.get 2 local.get 1 local.get 0)
  (func (export "i32u") (param i32) (result i64) local.get 0 i64.extend_i32_u))"""


def test_numbers_cross_the_border_as_ecmascript_converts_them(tmp_path: Path) -> None:
    chosen = random.Random(7)
    numbers = [
        0.0,
        -0.0,
        1.5,
        -1.5,
        2.0**31,
        2.0**32 - 1,
        2.0**32,
        -(2.0**31) - 1,
        2.0**53,
        1e300,
        -1e300,
        5e-324,
        1e-40,
    ]
    numbers += [chosen.uniform(-1, 1) * 2.0 ** chosen.randrange(-160, 160) for _ in range(300)]
    integers = [0, 1, -1, 2**63 - 1, 2**63, -(2**63), 2**64 - 1, 2**64, 2**64 + 5, -(2**64) - 5, 10**30]
    integers += [chosen.randrange(-(2**70), 2**70) for _ in range(300)]
    found = see(
        tmp_path,
        f"""
        const numbers = {json.dumps(numbers)};
        const integers = {json.dumps([str(i) for i in integers])}.map(BigInt);
        const e = exportsOf("values");
        const bits = new DataView(new ArrayBuffer(8));
        const hex = (value) => {{ bits.setFloat64(0, value); return bits.getBigUint64(0).toString(16); }};
        results.i32 = numbers.map((value) => e.i32(value));
        results.u32 = numbers.map((value) => Number(e.i32u(value)));
        results.f32 = numbers.map((value) => hex(e.f32(value)));
        results.f64 = numbers.map((value) => hex(e.f64(value)));
        results.i64 = integers.map((value) => String(e.i64(value)));
        results.many = numbers.map((value, i) => {{
          const [a, b, c, d] = e.many(value, integers[i % integers.length], value, value);
          return hex(a) === hex(value) && hex(b) === hex(Math.fround(value)) && d === (value | 0)
            && c === BigInt.asIntN(64, integers[i % integers.length]);
        }}).every(Boolean);
        results.odd = [e.i32("12"), e.i32(null), e.i32(undefined), e.i32(), e.i32({{ valueOf: () => 3 }}), e.i32(NaN),
          e.i32(true), e.f64("x"), e.f64(), e.f64(Infinity), e.f32(1e39), String(e.i64("7")), String(e.i64(true))]
          .map(String);
        results.wrong = [thrown(() => e.i32(1n)), thrown(() => e.f32(1n)), thrown(() => e.f64(Symbol())),
          thrown(() => e.i64(1)), thrown(() => e.i64()), thrown(() => e.i64("x"))];
        const boom = new Error();
        results.thrown = caught(() => e.i32({{ valueOf() {{ throw boom; }} }})) === boom;
        """,
        values=VALUES,
    )

    def to_int32(value: float) -> int:
        bits = math.trunc(value) & 0xFFFFFFFF
        return bits - 2**32 if bits >= 2**31 else bits

    def to_int64(value: int) -> int:
        bits = value & (2**64 - 1)
        return bits - 2**64 if bits >= 2**63 else bits

    def pattern(value: float) -> str:
        return format(struct.unpack(">Q", struct.pack(">d", value))[0], "x")

    with np.errstate(over="ignore"):
        rounded = [float(np.float32(value)) for value in numbers]
    assert found["i32"] == [to_int32(value) for value in numbers]
    assert found["u32"] == [to_int32(value) & 0xFFFFFFFF for value in numbers]
    assert found["f32"] == [pattern(value) for value in rounded]
    assert found["f64"] == [pattern(value) for value in numbers]
    assert found["i64"] == [str(to_int64(value)) for value in integers]
    assert found["many"] is True
    assert found["odd"] == ["12", "0", "0", "0", "3", "0", "1", "NaN", "NaN", "Infinity", "Infinity", "7", "1"]
    assert found["wrong"] == ["TypeError"] * 5 + ["SyntaxError"]
    assert found["thrown"] is True


def test_results_of_imports(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const call = (f) => exportsOf("several", { m: { f } }).g();
        function* generate() { yield 1; yield 2n; yield 3.5; }
        results.shapes = [call(() => [1, 2n, 3.5]), call(generate), call(() => new Set([1, 2n, 3.5])),
          call(() => ["1", "2", "3.5"])].map((values) => [Array.isArray(values), ...values.map(String)]);
        results.wrong = [call.bind(null, () => [1, 2n]), call.bind(null, () => [1, 2n, 3, 4]), call.bind(null, () => 1),
          call.bind(null, () => {}), call.bind(null, () => [1, 2, 3]), call.bind(null, () => "123")].map(thrown);
        const one = (f) => exportsOf("one", { m: { f } }).g();
        results.one = [one(() => 7.9), one(() => undefined), one(() => "8"), thrown(() => one(() => 1n)),
          thrown(() => one(() => Symbol()))];
        let seen;
        const strict = function () { "use strict"; seen = [this === undefined, ...[...arguments].map(String)]; };
        exportsOf("args", { m: { f: strict } }).g();
        results.args = seen;
        results.none = exportsOf("none", { m: { f: () => Symbol() } }).g() === undefined;
        const sloppy = new Function("if (this !== globalThis) throw 1");
        results.sloppy = exportsOf("none", { m: { f: sloppy } }).g() === undefined;
        results.bound = exportsOf("one", { m: { f: function () { return this.x; }.bind({ x: 9 }) } }).g();
        results.proxied = exportsOf("one", { m: { f: new Proxy(() => 4, {}) } }).g();
        results.klass = thrown(() => exportsOf("none", { m: { f: class {} } }).g());
        """,
        several="""(module (import "m" "f" (func $f (result i32 i64 f64)))
          (func (export "g") (result i32 i64 f64) call $f))""",
        one='(module (import "m" "f" (func $f (result i32))) (func (export "g") (result i32) call $f))',
        none='(module (import "m" "f" (func $f)) (func (export "g") call $f))',
        args="""(module (import "m" "f" (func $f (param i32 i64 f32 f64 externref funcref))) (func (export "g")
          i32.const -1 i64.const -2 f32.const 0.5 f64.const nan ref.null extern ref.null func call $f))""",
    ) == {
        "shapes": [[True, "1", "2", "3.5"]] * 4,
        "wrong": ["TypeError"] * 6,
        "one": [7, 0, 8, "TypeError", "TypeError"],
        "args": [True, "-1", "-2", "0.5", "NaN", "null", "null"],
        "none": True,
        "sloppy": True,
        "bound": 9,
        "proxied": 4,
        "klass": "TypeError",
    }


def test_many_parameters_and_results(tmp_path: Path) -> None:
    """More than the border keeps without an allocation."""
    count = 60
    kinds = " ".join(["i32", "f64", "i64"][i % 3] for i in range(count))
    gets = " ".join(f"local.get {i}" for i in range(count))
    assert see(
        tmp_path,
        f"""
        const values = Array.from({{ length: {count} }}, (_, i) => (i % 3 === 2 ? BigInt(i) : i));
        const e = exportsOf("wide", {{ m: {{ f: (...args) => args }} }});
        const same = (list) => list.length === values.length && list.every((value, i) => value === values[i]);
        results.export = same(e.f(...values));
        results.import = same(e.g(...values));
        results.length = e.f.length;
        """,
        wide=f"""(module (import "m" "f" (func $f (param {kinds}) (result {kinds})))
          (func (export "f") (param {kinds}) (result {kinds}) {gets})
          (func (export "g") (param {kinds}) (result {kinds}) {gets} call $f))""",
    ) == {"export": True, "import": True, "length": count}


def test_references(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const e = exportsOf("refs", { m: { f: (x) => x } });
        const values = [{}, [], () => {}, Symbol("s"), "text", 1.5, 10n, true, null, NaN, new Proxy({}, {}), e];
        results.identity = values.map((value) => Object.is(e.echo(value), value)
          && Object.is(e.through(value), value));
        results.undefined = [e.echo(undefined) === undefined, e.echo() === undefined];
        results.isNull = [e.isNull(null), e.isNull(undefined), e.isNull(0)];
        results.func = [e.funcEcho(null), e.funcEcho(e.echo) === e.echo];
        results.funcWrong = [undefined, () => {}, {}, 1, Math.max].map((value) => thrown(() => e.funcEcho(value)));
        results.call = e.call(e.seven);
        results.callNull = thrown(() => e.call(null));
        // A store's references come and go.
        for (let i = 0; i < 200000; i++) e.echo({ i });
        results.kept = e.keep({ deep: { value: 42 } }) === undefined && e.kept().deep.value === 42;
        results.v128 = [thrown(() => exportsOf("v128").f()), thrown(() => exportsOf("v128").g(1)),
          thrown(() => exportsOf("v128import", { m: { f: () => 1 } }).g())];
        """,
        refs="""(module (import "m" "f" (func $f (param externref) (result externref)))
          (global $kept (mut externref) (ref.null extern)) (type $i (func (result i32))) (table 1 funcref)
          (func (export "echo") (param externref) (result externref) local.get 0)
          (func (export "through") (param externref) (result externref) local.get 0 call $f)
          (func (export "isNull") (param externref) (result i32) local.get 0 ref.is_null)
          (func (export "funcEcho") (param funcref) (result funcref) local.get 0)
          (func (export "keep") (param externref) local.get 0 global.set $kept)
          (func (export "kept") (result externref) global.get $kept)
          (func (export "seven") (result i32) i32.const 7)
          (func (export "call") (param funcref) (result i32)
            i32.const 0 local.get 0 table.set 0 i32.const 0 call_indirect (type $i)))""",
        v128="""(module (func (export "f") (result v128) v128.const i64x2 0 0) (func (export "g") (param v128)))""",
        v128import='(module (import "m" "f" (func $f (result v128))) (func (export "g") call $f drop))',
    ) == {
        "identity": [True] * 12,
        "undefined": [True, True],
        "isNull": [1, 0, 0],
        "func": [None, True],
        "funcWrong": ["TypeError"] * 5,
        "call": 7,
        "callNull": "RuntimeError",
        "kept": True,
        "v128": ["TypeError"] * 3,
    }


# --- Memory ---


def test_memory(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 3 });
        const first = memory.buffer;
        new Uint32Array(first)[3] = 77;
        results.first = [first instanceof ArrayBuffer, first.byteLength, first === memory.buffer,
          Object.isFrozen(first)];
        results.grown = [memory.grow(1), first.detached, first.byteLength, memory.buffer.byteLength,
          memory.buffer !== first, new Uint32Array(memory.buffer)[3]];
        const second = memory.buffer;
        results.zero = [memory.grow(0), second.detached, memory.buffer.byteLength];
        results.tooFar = [thrown(() => memory.grow(2)), memory.buffer.byteLength];
        results.wrongDelta = [thrown(() => memory.grow()), ...[-1, 2 ** 32, "x", Infinity]
          .map((delta) => thrown(() => memory.grow(delta))), memory.grow("0")];
        const descriptors = [undefined, null, 1, {}, { initial: -1 }, { initial: 2 ** 32 }, { initial: "x" },
          { initial: 65537 }, { initial: 2, maximum: 1 }, { initial: 0, maximum: 65537 },
          { initial: 1, shared: true }];
        results.descriptors = descriptors.map((descriptor) => thrown(() => new WebAssembly.Memory(descriptor)));
        const order = [];
        new WebAssembly.Memory(new Proxy({ initial: 0 },
          { get(target, key) { order.push(key); return target[key]; } }));
        results.order = order;
        """,
    ) == {
        "first": [True, 65536, True, False],
        "grown": [1, True, 0, 131072, True, 77],
        "zero": [2, True, 131072],
        "tooFar": ["RangeError", 131072],
        "wrongDelta": ["TypeError"] * 5 + [2],
        "descriptors": ["TypeError"] * 7 + ["RangeError"] * 3 + ["TypeError"],
        "order": ["address", "initial", "maximum", "shared"],
    }


MEMORY_USER = """(module {memory}
  (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
  (func (export "load") (param i32) (result i32) local.get 0 i32.load)
  (func (export "store") (param i32 i32) local.get 0 local.get 1 i32.store))"""


def test_growth_in_wasm_is_seen_at_once(tmp_path: Path) -> None:
    """Of a module's own memory and of an imported one, after a call and in the middle of one."""
    assert see(
        tmp_path,
        """
        const exercise = (e, memory) => {
          const before = memory.buffer;
          e.store(8, 123);
          const same = memory.buffer === before;
          const value = new Int32Array(before)[2];
          const grown = e.grow(2);
          const after = memory.buffer;
          return [same, value, grown, before.detached, after.byteLength / 65536, new Int32Array(after)[2]];
        };
        const own = exportsOf("own");
        results.own = exercise(own, own.memory);
        const memory = new WebAssembly.Memory({ initial: 1 });
        results.imported = exercise(exportsOf("imported", { m: { memory } }), memory);
        const shared = new WebAssembly.Memory({ initial: 1 });
        const user = () => exportsOf("imported", { m: { memory: shared } });
        const [a, b] = [user(), user()];
        a.store(0, 5);
        const old = shared.buffer;
        a.grow(1);
        results.two = [b.load(0), old.detached, b.grow(0)];
        let inside;
        const calls = exportsOf("calls", { m: { f() { inside = [view.detached, calls.memory.buffer.byteLength]; } } });
        const view = calls.memory.buffer;
        calls.run();
        results.inside = inside;
        // A call that ends in a trap, too.
        const traps = exportsOf("traps");
        const held = traps.memory.buffer;
        results.trap = [thrown(() => traps.run()), held.detached, traps.memory.buffer.byteLength];
        """,
        own=MEMORY_USER.format(memory='(memory (export "memory") 1)'),
        imported=MEMORY_USER.format(memory='(import "m" "memory" (memory 1))'),
        calls="""(module (import "m" "f" (func $f)) (memory (export "memory") 1)
          (func (export "run") i32.const 1 memory.grow drop call $f))""",
        traps='(module (memory (export "memory") 1) (func (export "run") i32.const 1 memory.grow drop unreachable))',
    ) == {
        "own": [True, 123, 1, True, 3, 123],
        "imported": [True, 123, 1, True, 3, 123],
        "two": [5, True, 2],
        "inside": [True, 131072],
        "trap": ["RuntimeError", True, 131072],
    }


def test_shared_memory(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
        const first = memory.buffer;
        results.first = [first instanceof SharedArrayBuffer, first.byteLength, Object.isFrozen(first),
          first === memory.buffer];
        const view = new Int32Array(first);
        results.grown = [memory.grow(2), first.byteLength, memory.buffer.byteLength, memory.buffer !== first];
        new Int32Array(memory.buffer)[5] = 99;
        results.same = view[5];
        const e = exportsOf("atomics", { m: { memory } });
        results.atomics = [e.add(20, 1), Atomics.load(view, 5), thrown(() => e.add(21, 1))];
        const atGrowth = memory.buffer;
        e.grow(1);
        results.wasmGrowth = [atGrowth.byteLength, memory.buffer.byteLength];
        // Many come and go.
        for (let i = 0; i < 200; i++) {
          const other = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
          other.buffer;
          other.grow(1);
          other.buffer;
        }
        results.own = exportsOf("own").memory.buffer instanceof SharedArrayBuffer;
        """,
        atomics="""(module (import "m" "memory" (memory 1 4 shared))
          (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.atomic.rmw.add)
          (func (export "grow") (param i32) (result i32) local.get 0 memory.grow))""",
        own='(module (memory (export "memory") 1 2 shared))',
    ) == {
        "first": [True, 65536, True, True],
        "grown": [1, 65536, 3 * 65536, True],
        "same": 99,
        "atomics": [99, 100, "RuntimeError"],
        "wasmGrowth": [3 * 65536, 4 * 65536],
        "own": True,
    }


def test_a_memory_s_buffer_cannot_be_taken_away(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const memory = new WebAssembly.Memory({ initial: 1 });
        const { buffer } = memory;
        results.refused = [thrown(() => buffer.transfer()), thrown(() => buffer.transferToFixedLength()),
          thrown(() => buffer.transfer(10)), thrown(() => structuredClone(buffer, { transfer: [buffer] })),
          thrown(() => buffer.resize(10))];
        results.intact = [buffer.detached, buffer.byteLength, memory.buffer === buffer];
        const copy = structuredClone(buffer);
        results.copy = [copy !== buffer, copy.byteLength, copy.transfer().byteLength];
        results.plain = new ArrayBuffer(8).transfer(4).byteLength;
        results.names = ["transfer", "transferToFixedLength"].map((name) => [ArrayBuffer.prototype[name].name,
          ArrayBuffer.prototype[name].length, attributes(ArrayBuffer.prototype, name)]);
        // A view outlives its memory.
        const make = () => new Uint8Array(exportsOf("own").memory.buffer);
        const views = Array.from({ length: 50 }, make);
        views.forEach((view, i) => view.fill(i));
        results.views = views.every((view, i) => view[65535] === i);
        """,
        own='(module (memory (export "memory") 1))',
    ) == {
        "refused": ["TypeError"] * 3 + ["DataCloneError", "TypeError"],
        "intact": [False, 65536, True],
        "copy": [True, 65536, 65536],
        "plain": 4,
        "names": [["transfer", 0, "w c"], ["transferToFixedLength", 0, "w c"]],
        "views": True,
    }


def test_memory_of_64_bits(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const memory = new WebAssembly.Memory({ initial: 1n, maximum: 4n, address: "i64" });
        results.own = [String(memory.grow(1n)), memory.buffer.byteLength, thrown(() => memory.grow(1)),
          thrown(() => memory.grow(10n))];
        const e = exportsOf("m64", { m: { memory } });
        e.store(8n, 5);
        results.used = [new Int32Array(memory.buffer)[2], thrown(() => e.store(2n ** 40n, 1))];
        results.wrong = [thrown(() => new WebAssembly.Memory({ initial: 1, address: "i64" })),
          thrown(() => new WebAssembly.Memory({ initial: 1n })),
          thrown(() => new WebAssembly.Memory({ initial: 1n, address: "i16" }))];
        """,
        m64="""(module (import "m" "memory" (memory i64 1))
          (func (export "store") (param i64 i32) local.get 0 local.get 1 i32.store))""",
    ) == {
        "own": ["1", 131072, "TypeError", "RangeError"],
        "used": [5, "RuntimeError"],
        "wrong": ["TypeError"] * 3,
    }


def test_linear_memory_counts_against_the_limit_of_the_sandbox(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const pages = 100 * 16;
        const first = new WebAssembly.Memory({ initial: pages });
        new Uint8Array(first.buffer).fill(1);
        results.second = [thrown(() => new WebAssembly.Memory({ initial: pages })), thrown(() => exportsOf("large")),
          thrown(() => new WebAssembly.Memory({ initial: 1, maximum: 65536 })), thrown(() => first.grow(pages))];
        results.remedy = caught(() => exportsOf("large")).message.includes("use it again");
        const grows = exportsOf("grows");
        results.inWasm = [grows.grow(pages), grows.grow(10)];
        results.usable = new Uint8Array(first.buffer)[first.buffer.byteLength - 1];
        """,
        "--memory-limit",
        "128",
        large=f"(module (memory {100 * 16}))",
        grows='(module (memory 1) (func (export "grow") (param i32) (result i32) local.get 0 memory.grow))',
    ) == {
        "second": ["RangeError", "RangeError", "nothing", "RangeError"],
        "remedy": True,
        "inWasm": [-1, 1],
        "usable": 1,
    }


# --- Table and Global ---


def test_table(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const { Table } = WebAssembly;
        const { f } = exportsOf("all");
        const table = new Table({ initial: 2, maximum: 5, element: "anyfunc" });
        results.start = [table.length, table.get(0), table.get(1)];
        table.set(1, f);
        results.set = [table.get(1) === f, table.set(0, null), table.get(0)];
        results.grow = [table.grow(2, f), table.length, table.get(3) === f, table.grow(1), table.get(4)];
        results.outside = [thrown(() => table.get(5)), thrown(() => table.set(5, null)), thrown(() => table.grow(1)),
          thrown(() => table.get(-1)), thrown(() => table.get()), thrown(() => table.get(2 ** 32))];
        results.wrong = [() => {}, 1, {}, undefined].map((value) => thrown(() => table.set(0, value)));
        table.set(1);
        results.cleared = table.get(1);
        const object = {};
        const any = new Table({ initial: 2, element: "externref" }, object);
        results.any = [any.get(0) === object, any.grow(1, "x"), any.get(2), any.set(0), any.get(0) === undefined,
          new Table({ initial: 1, element: "externref" }).get(0) === undefined];
        const descriptors = [undefined, {}, { initial: 1 }, { initial: 1, element: "i32" }, { element: "anyfunc" },
          { initial: -1, element: "anyfunc" }, { initial: 3, maximum: 2, element: "anyfunc" },
          { initial: 10000001, element: "anyfunc" }];
        results.descriptors = descriptors.map((descriptor) => thrown(() => new Table(descriptor)));
        const order = [];
        new Table(new Proxy({ initial: 0, element: "anyfunc" },
          { get(target, key) { order.push(key); return target[key]; } }));
        results.order = order;
        const ones = new Table({ initial: 3, element: "anyfunc" }, exportsOf("ints").one);
        const users = exportsOf("calls", { m: { table: ones } });
        results.indirect = [users.call(0), thrown(() => users.call(3))];
        """,
        all=EVERYTHING,
        ints='(module (func (export "one") (result i32) i32.const 1))',
        calls="""(module (import "m" "table" (table 3 funcref)) (type $i (func (result i32)))
          (func (export "call") (param i32) (result i32) local.get 0 call_indirect (type $i)))""",
    ) == {
        "start": [2, None, None],
        "set": [True, None, None],
        "grow": [2, 4, True, 4, None],
        "outside": ["RangeError"] * 3 + ["TypeError"] * 3,
        "wrong": ["TypeError"] * 4,
        "cleared": None,
        "any": [True, 2, "x", None, True, True],
        "descriptors": ["TypeError"] * 6 + ["RangeError"] * 2,
        "order": ["address", "element", "initial", "maximum"],
        "indirect": [1, "RuntimeError"],
    }


def test_global(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const { Global } = WebAssembly;
        const kinds = ["i32", "i64", "f32", "f64", "externref", "anyfunc"];
        results.defaults = kinds.map((value) => String(new Global({ value }).value));
        results.given = [new Global({ value: "i32" }, 2.9).value, String(new Global({ value: "i64" }, "5").value),
          new Global({ value: "f32" }, 0.1).value === Math.fround(0.1), new Global({ value: "f64" }, "0.1").value,
          new Global({ value: "externref" }, kinds).value === kinds, new Global({ value: "anyfunc" }, null).value];
        const global = new Global({ value: "i64", mutable: true }, 1n);
        global.value = 2n ** 63n;
        results.set = [String(global.value), String(global.valueOf()), thrown(() => { global.value = 1; })];
        const constant = new Global({ value: "i32" }, 4);
        results.constant = [thrown(() => { constant.value = 5; }), constant.value];
        const counts = new Global({ value: "i32", mutable: true }, 10);
        const e = exportsOf("counts", { m: { counts } });
        e.up();
        counts.value += 5;
        e.up();
        results.shared = [counts.value, e.own.value, thrown(() => { e.own.value = 1; })];
        const descriptors = [undefined, 1, {}, { value: "i8" }, { value: "v128" }, { value: Symbol() }];
        results.descriptors = descriptors.map((descriptor) => thrown(() => new Global(descriptor)));
        const wrong = [["i32", 1n], ["i64", 1], ["anyfunc", {}], ["f32", Symbol()]];
        results.wrong = wrong.map(([value, initial]) => thrown(() => new Global({ value }, initial)));
        const order = [];
        new Global(new Proxy({ value: "i32" }, { get(target, key) { order.push(key); return target[key]; } }));
        results.order = order;
        """,
        counts="""(module (import "m" "counts" (global $g (mut i32))) (global (export "own") i32 (i32.const 3))
          (func (export "up") global.get $g i32.const 1 i32.add global.set $g))""",
    ) == {
        "defaults": ["0", "0", "0", "0", "undefined", "null"],
        "given": [2, "5", True, 0.1, True, None],
        "set": [str(-(2**63)), str(-(2**63)), "TypeError"],
        "constant": ["TypeError", 4],
        "shared": [17, 3, "TypeError"],
        "descriptors": ["TypeError"] * 6,
        "wrong": ["TypeError"] * 4,
        "order": ["mutable", "value"],
    }


# --- traps and exceptions ---


def test_each_trap_is_a_runtime_error(tmp_path: Path) -> None:
    found = see(
        tmp_path,
        """
        const e = exportsOf("traps");
        results.traps = Object.keys(e).filter((name) => name !== "ok").map((name) => {
          const error = caught(() => e[name]());
          return [name, error instanceof WebAssembly.RuntimeError, error instanceof Error, error.message,
            error.stack.split("\\n")[0].trim()];
        });
        results.after = e.ok();
        """,
        traps="""(module (memory 1) (table 4 funcref) (elem (i32.const 0) $other) (type $v (func))
          (func $other (result i32) i32.const 0)
          (func (export "unreachable") unreachable)
          (func (export "divide by zero") i32.const 1 i32.const 0 i32.div_s drop)
          (func (export "integer overflow") i32.const 0x80000000 i32.const -1 i32.div_s drop)
          (func (export "overflow") f64.const 1e30 i32.trunc_f64_s drop)
          (func (export "float unrepresentable") f64.const nan i32.trunc_f64_s drop)
          (func (export "memory access out of bounds") i32.const 65533 i32.load drop)
          (func (export "table index is out of bounds") i32.const 4 call_indirect (type $v))
          (func (export "indirect call to null") i32.const 1 call_indirect (type $v))
          (func (export "signature mismatch") i32.const 0 call_indirect (type $v))
          (func (export "null") ref.null $v call_ref $v)
          (func (export "unaligned") i32.const 1 i32.atomic.load drop)
          (func (export "ok") (result i32) i32.const 1))""",
    )
    assert found["after"] == 1
    for name, is_runtime_error, is_error, message, first_frame in found["traps"]:
        assert is_runtime_error and is_error, name
        assert name in message, (name, message)
        assert "wasm-function[" in first_frame, (name, first_frame)


def test_exceptions_cross_wasm_as_the_same_object(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const values = [new Error("boom"), { odd: 1 }, null, undefined, 7, "text", Symbol.iterator, 5n, NaN];
        let next;
        const e = exportsOf("passes", { m: { f() { throw next; } } });
        const same = (run) => values.every((value) => {
          next = value;
          try {
            run();
          } catch (error) {
            return Object.is(error, value);
          }
          return false;
        });
        // Through one wasm frame, and through wasm, JavaScript and wasm.
        const outer = exportsOf("passes", { m: { f: () => e.run() } });
        results.identity = [same(e.run), same(outer.run)];
        const error = new Error("with a stack");
        next = error;
        const before = error.stack;
        results.untouched = [caught(e.run) === error, error.stack === before];
        // wasm catches what JavaScript throws, with JSTag.
        const { JSTag } = WebAssembly;
        results.tag = [JSTag instanceof WebAssembly.Tag, JSTag === WebAssembly.JSTag];
        const catcher = exportsOf("catches", { m: { f() { throw next; }, tag: JSTag } });
        results.caught = values.every((value) => { next = value; return Object.is(catcher.run(), value); });
        // A trap is no exception that wasm could catch.
        const trap = exportsOf("traps").run;
        results.trap = thrown(exportsOf("catches", { m: { f: trap, tag: JSTag } }).run);
        """,
        passes='(module (import "m" "f" (func $f)) (func (export "run") call $f))',
        catches="""(module (import "m" "f" (func $f)) (import "m" "tag" (tag $js (param externref)))
          (func (export "run") (result externref)
            (block $caught (result externref) (try_table (catch $js $caught) call $f) ref.null extern)))""",
        traps='(module (func (export "run") unreachable))',
    ) == {
        "identity": [True, True],
        "untouched": [True, True],
        "tag": [True, True],
        "caught": True,
        "trap": "RuntimeError",
    }


def test_tags_and_exceptions(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const { Tag, Exception, JSTag } = WebAssembly;
        const tag = new Tag({ parameters: ["i32", "f64", "i64", "externref"] });
        const other = new Tag({ parameters: [] });
        const made = new Exception(tag, [1, 2.5, 3n, tag]);
        results.made = [made.is(tag), made.is(other), made.getArg(tag, 0), made.getArg(tag, 1),
          String(made.getArg(tag, 2)), made.getArg(tag, 3) === tag];
        results.wrong = [thrown(() => made.getArg(other, 0)), thrown(() => made.getArg(tag, 4)),
          thrown(() => made.is()), thrown(() => made.is({})), thrown(() => made.getArg(tag, -1)),
          thrown(() => new Exception(tag)), thrown(() => new Exception({}, [])), thrown(() => new Exception(tag, [1])),
          thrown(() => new Exception(tag, [1n, 1, 1n, 1])), thrown(() => new Exception(JSTag, [1])),
          thrown(() => new Tag()), thrown(() => new Tag({})), thrown(() => new Tag({ parameters: ["i8"] }))];
        results.noError = [made instanceof Error, Object.prototype.toString.call(made)];
        const e = exportsOf("throws", { m: { tag, f() { throw made; } } });
        const fresh = caught(() => e.raise(9));
        results.fromWasm = [fresh instanceof Exception, fresh.is(tag), fresh.getArg(tag, 0), fresh.getArg(tag, 1)];
        results.through = caught(e.pass) === made;
        results.inWasm = [e.catchOwn(11), e.catchThrown()];
        results.exported = [e.tag === tag, e.own instanceof Tag, e.own !== tag];
        // A tag's exceptions are its own even where the types are the same.
        results.twin = fresh.is(new Tag({ parameters: ["i32", "f64", "i64", "externref"] }));
        """,
        throws="""(module (import "m" "tag" (tag $t (param i32 f64 i64 externref))) (import "m" "f" (func $f))
          (export "tag" (tag $t)) (tag $own (export "own") (param i32))
          (func (export "raise") (param i32)
            local.get 0 f64.const 0.5 i64.const 1 ref.null extern throw $t)
          (func (export "pass") call $f)
          (func (export "catchOwn") (param i32) (result i32)
            (block $c (result i32) (try_table (catch $own $c) local.get 0 throw $own) i32.const -1))
          (func (export "catchThrown") (result i32)
            (block $c (result i32 f64 i64 externref) (try_table (catch $t $c) call $f) unreachable) drop drop drop))""",
    ) == {
        "made": [True, False, 1, 2.5, "3", True],
        "wrong": ["TypeError", "RangeError"] + ["TypeError"] * 11,
        "noError": [False, "[object WebAssembly.Exception]"],
        "fromWasm": [True, True, 9, 0.5],
        "through": True,
        "inWasm": [11, 1],
        "exported": [True, True, True],
        "twin": False,
    }


def test_stack_overflow_is_an_error(tmp_path: Path) -> None:
    """In wasm, in JavaScript below wasm, and where the two call each other."""
    assert see(
        tmp_path,
        """
        const run = exportsOf("recurse").run;
        results.wasm = [thrown(run), thrown(run)];
        let depth = 0;
        const pair = exportsOf("calls", { m: { f() { depth++; pair.run(); } } });
        results.pair = [thrown(pair.run), depth > 10];
        const js = exportsOf("calls", { m: { f: function f() { return 1 + f(); } } });
        results.js = thrown(js.run);
        const deep = (n) => (n === 0 ? run() : 1 + deep(n - 1));
        results.deep = [1, 10, 100, 1000].map((n) => thrown(() => deep(n)));
        // A valueOf, an iterator and a start function that come back into wasm.
        const values = exportsOf("values", { m: { f: () => ({ valueOf: () => values.run() }) } });
        results.values = thrown(values.run);
        const iterates = exportsOf("several", { m: { f: () => ({ [Symbol.iterator]: () => iterates.run() }) } });
        results.iterates = thrown(iterates.run);
        const starts = () => exportsOf("starts", { m: { f: starts } });
        results.starts = thrown(starts);
        results.after = exportsOf("one").run();
        """,
        recurse='(module (func $f (export "run") call $f))',
        calls='(module (import "m" "f" (func $f)) (func (export "run") call $f))',
        values='(module (import "m" "f" (func $f (result i32))) (func (export "run") (result i32) call $f))',
        several="""(module (import "m" "f" (func $f (result i32 i32)))
          (func (export "run") (result i32 i32) call $f))""",
        starts='(module (import "m" "f" (func $f)) (start $f))',
        one='(module (func (export "run") (result i32) i32.const 1))',
    ) == {
        "wasm": ["RangeError"] * 2,
        "pair": ["RangeError", True],
        "js": "RangeError",
        "deep": ["RangeError"] * 4,
        "values": "RangeError",
        "iterates": "RangeError",
        "starts": "RangeError",
        "after": 1,
    }


# --- invalid modules ---


def test_invalid_modules(tmp_path: Path) -> None:
    good = wasm(EVERYTHING)
    broken = {
        "empty": b"",
        "text": b"(module)",
        "magic": b"\x00asn\x01\0\0\0",
        "version": b"\x00asm\x02\0\0\0",
        "component": b"\x00asm\x0d\0\x01\0",
        "garbage": good + b"\xff" * 20,
        "huge": b"\x00asm\x01\0\0\0" + bytes([10, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]),
        "zeros": bytes(100_000),
        "types": wasm(EMPTY) + bytes([1, 5, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]),
        "stack": wasm(EMPTY) + bytes.fromhex("010401600000 03020100 0a050103006a0b"),
    }
    found = see(
        tmp_path,
        """
        const { prefixes, ...broken } = modules;
        for (const [name, bytes] of Object.entries(broken)) {
          const error = caught(() => new WebAssembly.Module(bytes));
          results[name] = [WebAssembly.validate(bytes), error?.name, error instanceof WebAssembly.CompileError,
            error?.message.length > 0 && !error.message.includes("\\n"), await rejected(WebAssembly.compile(bytes)),
            await rejected(WebAssembly.instantiate(bytes))];
        }
        results.bad = [];
        for (let size = 0; size < prefixes.length; size++) {
          const part = prefixes.subarray(0, size);
          const valid = WebAssembly.validate(part);
          const name = thrown(() => new WebAssembly.Module(part));
          if (name !== (valid ? "nothing" : "CompileError")) results.bad.push([size, valid, name]);
        }
        """,
        prefixes=good,
        **broken,
    )
    assert found.pop("bad") == []
    assert found == {name: [False, "CompileError", True, True, "CompileError", "CompileError"] for name in broken}


def test_mutated_modules_do_no_harm(tmp_path: Path) -> None:
    """Whatever the bytes are: refused, or compiled and called, and the sandbox lives."""
    seeds = [EVERYTHING, VALUES, MEMORY_USER.format(memory='(memory (export "memory") 1 4)'), ADD]
    found = see(
        tmp_path,
        """
        let state = 12345;
        const random = (below) => {
          state = (Math.imul(state, 1103515245) + 12345) >>> 0;
          return (state >>> 8) % below;
        };
        results.compiled = results.called = results.refused = 0;
        for (const seed of Object.values(modules)) {
          for (let round = 0; round < 1000; round++) {
            const bytes = seed.slice();
            for (let change = random(2); change >= 0; change--) bytes[8 + random(bytes.length - 8)] = random(256);
            try {
              const module = new WebAssembly.Module(bytes);
              WebAssembly.Module.exports(module);
              WebAssembly.Module.imports(module);
              results.compiled++;
              const { exports } = new WebAssembly.Instance(module);
              for (const item of Object.values(exports)) {
                if (typeof item === "function") item(1, 2n, 3, 4);
                if (item instanceof WebAssembly.Memory) new Uint8Array(item.buffer).fill(1);
                results.called++;
              }
            } catch (error) {
              if (!(error instanceof Error)) throw error;
              results.refused++;
            }
          }
        }
        """,
        **{f"seed{i}": seed for i, seed in enumerate(seeds)},
    )
    assert found["compiled"] > 100
    assert found["called"] > 100
    assert found["refused"] > 100


# --- where it runs ---


def test_webassembly_in_a_sealed_sandbox() -> None:
    """A job: growth, traps, overflow, atomics and exceptions need nothing that the sandbox does not allow."""
    job = dcp.compute_for(
        range(40),
        """
        async (index, bytes) => {
          const { instance, module } = await WebAssembly.instantiate(bytes, { m: { f() { throw new Error("own"); } } });
          const { grow, store, load, recurse, trap, pass, add } = instance.exports;
          const name = (run) => {
            try { run(); } catch (error) { return error.name; }
            return "nothing";
          };
          const again = new WebAssembly.Instance(module, { m: { f() {} } });
          const pages = grow(1 + (index % 3));
          store(65540, index);
          return [pages, load(65540), name(recurse), name(trap), name(pass), add(40, 2), name(again.exports.pass),
            name(() => new WebAssembly.Module(bytes.subarray(0, 40)))];
        }
        """,
        np.frombuffer(
            wasm("""(module (import "m" "f" (func $f)) (memory 1 8)
              (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
              (func (export "load") (param i32) (result i32) local.get 0 i32.load)
              (func (export "store") (param i32 i32) local.get 0 local.get 1 i32.store)
              (func $r (export "recurse") call $r) (func (export "trap") unreachable) (func (export "pass") call $f)
              (func (export "add") (param i32 i32) (result i32)
                i32.const 8 local.get 0 i32.store
                i32.const 8 local.get 1 i32.atomic.rmw.add drop i32.const 8 i32.load))"""),
            dtype=np.uint8,
        ),
    )
    expected = ["RangeError", "RuntimeError", "Error", 42, "nothing", "CompileError"]
    assert [list(result) for result in job.local_exec(sandboxes=2)] == [[1, i, *expected] for i in range(40)]
