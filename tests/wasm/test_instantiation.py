"""Validating, compiling and instantiating, and the imports that it reads."""

from __future__ import annotations

from pathlib import Path

from scripts import ADD, EMPTY, see


def test_validate_and_compile(tmp_path: Path, engine: str) -> None:
    """V8 takes neither a DataView nor a SharedArrayBuffer itself."""
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
        const sources = [bytes, bytes.buffer, shared, wide.subarray(3, 3 + bytes.length), resizable];
        results.valid = sources.map((source) => WebAssembly.validate(source));
        results.compiled = sources.map((source) =>
          new WebAssembly.Instance(new WebAssembly.Module(source)).exports.add(1, 2));
        const others = [shared.buffer, new DataView(wide.buffer, 3, bytes.length)];
        results.others = others.map((source) =>
          [thrown(() => WebAssembly.validate(source)), thrown(() => new WebAssembly.Module(source))]);
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
        "valid": [True] * 5,
        "compiled": [3] * 5,
        "others": [["nothing"] * 2] * 2 if engine == "quickjs" else [["TypeError"] * 2] * 2,
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
          results.kinds[kind] = [taken, other.name, /[^a-z]m[^a-z]+x[^a-z]/.test(other.message)];
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
