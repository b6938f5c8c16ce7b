"""WebAssembly.Module and Instance; bytes that are no valid module."""

from __future__ import annotations

from pathlib import Path

from scripts import ADD, EMPTY, EVERYTHING, MEMORY_USER, VALUES, see, wasm


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
          for (let round = 0; round < 250; round++) {
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
    assert found["compiled"] > 50
    assert found["called"] > 50
    assert found["refused"] > 100
