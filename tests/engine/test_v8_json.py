"""JSON.stringify of V8 has two ways, of which sandboxes take the fast one where they can: both write the same."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import dcp_evaluator as dcp
from dcp_evaluator.settings import installation

pytestmark = pytest.mark.any_engine

# Values of all kinds that JSON.stringify treats in a way of their own, nested at random, and what it makes of each.
WRITE = r"""(seed, count) => {
  let state = seed;
  const below = (n) => (state = (Math.imul(state, 1103515245) + 12345) >>> 0, (state >>> 8) % n);
  const one = (all) => all[below(all.length)];
  const text = () => {
    const part = one(["abc", "é", "中", "\u2028", "\ud800", "\udc00", "\u{1f600}", '"', "\\", "\n", "\u0001", "\x7f"]);
    const whole = one(["", "before, long enough to be put together "]) + part.repeat(below(70)) + one(["", "after"]);
    return below(5) ? whole : whole.slice(2, -1);
  };
  const number = () => one([0, -0, 1, 1.5, NaN, -Infinity, 1e21, 1e-7, 2 ** 31, 2 ** 53, 5e-324, below(1e9) / 7]);
  class Plain { a = 1; get b() { return 2; } }
  class Dated extends Plain { toJSON(key) { return `for ${key}`; } }
  class Many extends Array {}
  const small = [() => null, () => undefined, () => true, number, number, text, text, () => Symbol(), () => WRITE];
  const WRITE = () => {};
  const large = [
    () => [value(), value()], () => ({ a: value(), b: value(), [text()]: value(), [below(20)]: value() }),
    () => Array.from({ length: below(30) }, number), () => Array.from({ length: below(30) }, value),
    () => { const holes = [1, 2]; holes[below(9) + 2] = value(); return holes; },
    () => Object.assign([1.5, 2.5], { length: 4 }), () => Many.of(value(), 1), () => Object.freeze([value()]),
    () => Object.freeze({ a: value() }), () => Object.assign(Object.create({ above: 1 }), { a: value() }),
    () => Object.assign(Object.create(null), { [text()]: value(), 4294967295: 1, 7: 2 }),
    () => { const o = { a: 1, b: value(), c: 3 }; delete o.a; o[below(5)] = value(); return o; },
    () => { const o = {}; for (let i = below(60); i--;) o[text() + i] = i; return o; },
    () => Object.defineProperty({ a: value() }, "hidden", { value: 1 }), () => ({ get a() { return value(); } }),
    () => ({ toJSON: () => value() }), () => ({ __proto__: { toJSON: one([undefined, () => 7]) }, a: 1 }),
    () => ({ [Symbol()]: 1, a: value() }), () => new Proxy({ a: value() }, {}), () => new Proxy([value()], {}),
    () => new Date(below(1e9)), () => new Date(NaN), () => new Number(number()), () => new String(text()),
    () => new Boolean(0), () => new Plain(), () => new Dated(), () => new Map([[1, 2]]), () => new Error("x"),
    () => new Uint8Array([1, 2]), () => new Float64Array([number()]), () => BigInt(below(3)),
    () => { const o = { a: 1 }; o.self = one([o, 1]); return o; },
  ];
  let depth = 0;
  const value = () => {
    depth++;
    const made = one(depth < 6 && below(3) ? large : small)();
    depth--;
    return made;
  };
  const further = () => one([[], [], [], [], [null, below(12)], [["a", "b", "0"]], [(_, x) => x, "--"]]);
  return Array.from({ length: count }, () => {
    try { return String(JSON.stringify(one(large)(), ...further())); } catch (error) { return `thrown: ${error}`; }
  });
}"""
# As programs change the prototypes, from which the fast way has to know that it cannot be taken.
BEFORE = {
    "plain": "",
    "elements of prototypes": "Array.prototype[1] = 'array'; Object.prototype[3] = 'object';",
    "toJSON of primitives": "String.prototype.toJSON = function () { return `text ${this.length}`; };",
    "toJSON of all": "Object.prototype.toJSON = function () { return Array.isArray(this) ? this.length : 'object'; };",
}
SCRIPT = """(() => {{
  {before}
  const write = {write};
  return [1, 2, 3].flatMap((seed) => write(seed, 1000)).join("\\0");
}})()"""
# A string of 1 MiB, whose copies are to be written into one text.
TOO_MUCH = """(copies) => JSON.stringify(Array(copies).fill("x".repeat(1 << 20))).length"""


def by_the_slow_way(script: str, folder: Path) -> str:
    """What the script gives in Node, where V8 does not take the fast one."""
    file, written = folder / "slow.js", folder / "slow.txt"
    file.write_text(f"require('fs').writeFileSync(process.argv[2], {script});")
    command = [installation.node_program(), "--no-json-stringify-fast-path", str(file), str(written)]
    subprocess.run(command, check=True, timeout=60)
    return written.read_bytes().decode()


@pytest.fixture(scope="module")
def v8() -> Iterator[dcp.Evaluator]:
    with dcp.Evaluator(engine="v8") as evaluator:
        yield evaluator


@pytest.mark.parametrize("before", BEFORE)
def test_both_ways_write_the_same(v8: dcp.Evaluator, tmp_path: Path, before: str) -> None:
    script = SCRIPT.format(before=BEFORE[before], write=WRITE)
    (written,) = dcp.compute_for([script], "(script) => (0, eval)(script)").local_exec(1, evaluator=v8)
    texts, expected = written.split("\0"), by_the_slow_way(script, tmp_path).split("\0")
    assert len(texts) == 3000
    assert texts == expected


def test_the_fast_way_is_taken(v8: dcp.Evaluator) -> None:
    """It needs no stack, so that nothing is too deep for it."""
    deep = (
        "(depth) => { let all = []; for (let i = 1; i < depth; i++) all = [all]; return JSON.stringify(all).length; }"
    )
    assert list(dcp.compute_for([100_000], deep).local_exec(1, evaluator=v8)) == [200_000]


def test_a_text_beyond_the_limit_of_memory(v8: dcp.Evaluator) -> None:
    """It ends its sandbox like all that is too large, and the other slices go on."""
    results = dcp.compute_for([1, 400, 2], TOO_MUCH).local_exec(1, evaluator=v8, memory_limit=100 << 20, retries=0)
    results.wait()
    assert list(results.errors) == [1]
    assert "out of memory" in str(results.errors[1])
    assert [results[0], results[2]] == [(1 << 20) + 4, (2 << 20) + 7]
