"""Values that keep their identity and their place at the border: references, and signatures of any length."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from crossings import HELPERS, module, quick
from scripts import see

# --- Several values ---

LETTERS = {"i": "i32", "l": "i64", "f": "f32", "d": "f64", "r": "externref"}


@given(signatures=st.lists(st.text("ilfdr", min_size=0, max_size=24), min_size=25, max_size=25))
@quick
def test_any_signature(tmp_path: Path, signatures: list[str]) -> None:
    """Values keep their places, as parameters and results of exports and of imports, however many they are."""

    def text(signature: str) -> str:
        kinds = " ".join(LETTERS[letter] for letter in signature)
        gets = " ".join(f"local.get {i}" for i in range(len(signature)))
        return f"""(module (import "m" "f" (func $f (param {kinds}) (result {kinds})))
          (func (export "own") (param {kinds}) (result {kinds}) {gets})
          (func (export "through") (param {kinds}) (result {kinds}) {gets} call $f))"""

    found = see(
        tmp_path,
        f"""
        const objects = Array.from({{ length: 24 }}, (_, i) => ({{ i }}));
        const make = {{ i: (i) => i - 7, l: (i) => BigInt(i) << 33n, f: (i) => i + 0.5, d: (i) => i / 3,
          r: (i) => objects[i] }};
        const signatures = {json.dumps(signatures)};
        results.wrong = [];
        signatures.forEach((signature, index) => {{
          const values = [...signature].map((letter, i) => make[letter](i));
          let given;
          const e = exportsOf(`module${{index}}`, {{ m: {{ f: (...all) => {{
            given = all;
            return all.length === 1 ? all[0] : all;
          }} }} }});
          for (const f of [e.own, e.through]) {{
            const result = f(...values);
            const list = values.length === 0 ? (result === undefined ? [] : ["something"])
              : values.length === 1 ? [result] : result;
            const same = (some) => some.length === values.length && some.every((x, i) => Object.is(x, values[i]));
            if (!same(list) || f.length !== values.length || (f === e.through && !same(given))) {{
              results.wrong.push(signature);
            }}
          }}
        }});
        """,
        **{f"module{i}": text(signature) for i, signature in enumerate(signatures)},
    )
    assert found["wrong"] == []


# --- References ---

REFERENCES = st.sampled_from(
    ["{}", "[]", "() => {}", "Symbol()", "Symbol.for('x')", "''", "'text'", "-0", "NaN", "1.5", "2n ** 80n", "true",
     "undefined", "null", "new Proxy({}, {})", "new Proxy(function () {}, {})", "Object.create(null)", "globalThis",
     "WebAssembly", "new WebAssembly.Tag({ parameters: [] })", "new Uint8Array(3)", "Promise.resolve()", "echo",
     "document()"]
)  # fmt: skip


@given(values=st.lists(REFERENCES, min_size=60, max_size=60))
@settings(quick, max_examples=1)
def test_externref_is_the_very_value(tmp_path: Path, values: list[str]) -> None:
    """In every place that holds one, tables included."""
    found = see(
        tmp_path,
        f"""
        const {{ echo }} = exportsOf("crosses", {{ m: {{ give() {{}}, take() {{}}, several: () => [1, 2],
          tag: new WebAssembly.Tag({{ parameters: ["externref"] }}),
          global: new WebAssembly.Global({{ value: "externref", mutable: true }}) }} }});
        const document = () => ({{ all: 1 }});
        const values = [{", ".join(values)}];
        {HELPERS}
        const table = new WebAssembly.Table({{ element: "externref", initial: values.length }});
        values.forEach((value, i) => table.set(i, value));
        modules.externref = modules.crosses;
        results.wrong = [];
        values.forEach((value, i) => {{
          const all = {{ ...ways("externref", value), table: table.get(i) }};
          // A missing value is one that is undefined.
          for (const [way, other] of Object.entries(all)) {{
            if (!Object.is(other, value)) results.wrong.push([i, way]);
          }}
        }});
        """,
        crosses=module("externref"),
    )
    assert found["wrong"] == []


def test_funcref_is_null_or_the_very_function(tmp_path: Path) -> None:
    found = see(
        tmp_path,
        f"""
        {HELPERS}
        const {{ one, two }} = exportsOf("functions");
        results.wrong = [];
        for (const value of [null, one, two]) {{
          for (const [way, other] of Object.entries(ways("funcref", value))) {{
            if (other !== value) results.wrong.push([String(value), way]);
          }}
        }}
        const refused = [undefined, {{}}, () => {{}}, Math.max, 1, "", 1n, Symbol(), one.bind(null),
          new Proxy(one, {{}})];
        results.refused = [...new Set(refused.map((value) => thrown(() => ways("funcref", value))))];
        """,
        functions='(module (func (export "one")) (func (export "two") (param i32) (result i32) local.get 0))',
        funcref=module("funcref"),
    )
    assert found == {"wrong": [], "refused": ["TypeError"]}
