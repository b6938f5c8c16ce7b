"""WebAssembly.Table and Global."""

from __future__ import annotations

from pathlib import Path

from scripts import EVERYTHING, see


def test_table(tmp_path: Path, engine: str) -> None:
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
        "order": [*(["address", "element"] if engine == "quickjs" else ["element", "address"]), "initial", "maximum"],
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
