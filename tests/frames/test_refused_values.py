"""Values that cannot be sent, and results that cannot leave the sandbox: their slice fails, the others go on."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

import dcp_evaluator as dcp
from process_tree import open_descriptors

LARGE = 200_000  # elements: any type of that many travels in shared memory


def through(evaluator: dcp.Evaluator, value: Any, source: str = "(x) => x") -> Any:
    """What ``source`` makes of ``value``."""
    return dcp.compute_for([value], source).local_exec(1, evaluator=evaluator)[0]


# --- What cannot be sent: the slice fails with EINPUT, the others go on ---

_CYCLE: list[Any] = []
_CYCLE.append(_CYCLE)


def _deep(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1, 2}, r"builtins\.set cannot be sent.*use None, bool, int"),
        (print, "builtin_function_or_method cannot be sent"),
        (object(), "object cannot be sent"),
        (1j, "complex cannot be sent"),
        ({1: 2}, "a dict key of type int .*use str keys"),
        ([{(1,): 2}], "a dict key of type tuple"),
        ("\ud800", "half of a surrogate pair"),
        ({"\udfff": 1}, "half of a surrogate pair"),
        (_CYCLE, "contains itself"),
        (np.array([1j]), "real and the imaginary part"),
        (np.array([object()]), "use a list"),
        (np.array(["a"]), "tolist"),
        (np.zeros(2, "i4,f4"), "fields one by one"),
        (np.array(["2026-01-01"], "M8[s]"), "int64"),
        (np.datetime64("2026-01-01"), "numpy scalar of datetime64"),
        (np.longdouble(1), "numpy scalar of"),
        (np.ones(2, np.longdouble), "float64"),
        (np.ma.masked_array([1, 2], [0, 1]), "filled"),
    ],
    ids=lambda value: f"{value!r:.30}".partition(" at 0x")[0],
)  # fmt: skip
def test_inputs_that_cannot_be_sent(evaluator, value, message):
    results = dcp.compute_for([1, value, 2], "(x) => x").local_exec(1, evaluator=evaluator).wait()
    assert results.errors[1].code == "EINPUT"
    with pytest.raises(dcp.SliceError, match=message):
        results[1]
    assert (results[0], results[2]) == (1, 2)


@pytest.mark.parametrize(("depth", "works"), [(400, True), (600, False), (100_000, False)])
def test_deep_nesting(evaluator, depth, works):
    results = dcp.compute_for([_deep(depth), 1], "(x) => x").local_exec(1, evaluator=evaluator).wait()
    assert results[1] == 1
    if works:
        assert results[0] == _deep(depth)
    else:
        assert results.errors[0].code == "EINPUT"
        assert "nested too deeply" in results.errors[0].message


def test_nothing_is_left_of_an_input_that_fails_half_way(evaluator):
    big = np.ones(LARGE)
    before = len(open_descriptors(os.getpid()))
    dcp.compute_for([[big, big, set()]] * 20, "(x) => x").local_exec(1, evaluator=evaluator).wait()
    assert len(open_descriptors(os.getpid())) <= before


# --- Results that cannot leave the sandbox ---


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("() => () => 1", "a function cannot leave"),
        ("() => ({ a: [Symbol('s')] })", "a symbol cannot leave"),
        ("() => { const a = []; a.push(a); return a; }", "contains itself"),
        ("() => { const a = {}; a.b = { a }; return a; }", "contains itself"),
        ("() => { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a; }", "nested more than 512"),
        ("() => ({ get a() { throw new RangeError('in a getter'); } })", "in a getter"),
        ("() => { const b = new ArrayBuffer(8); structuredClone(b, { transfer: [b] }); return b; }", "detached"),
        ("() => { const b = new Uint8Array(8); b.buffer.transfer(); return [b]; }", "detached"),
        ("() => new Array(5e9)", "array length"),
        ("() => Array(2 ** 32 - 1)", "more than 1 GiB in one value cannot leave the sandbox: result$"),
        ("() => { const a = []; a[4e9] = 1; return { a }; }", "more than 1 GiB in one value .*: result.a$"),
        ("() => Array(2 ** 30 - 100)", "more than 16777216 empty items cannot leave"),
        ("() => new Proxy([], { get: (target, key) => (key === 'length' ? 2 ** 52 : 1) })", "more than 1 GiB"),
        ("() => ({ toJSON() { return this; } })", "contains itself|stack"),
    ],
)
def test_results_that_cannot_leave_the_sandbox(evaluator, source, message):
    results = dcp.compute_for([0, 1], f"(x) => x ? x : ({source})()").local_exec(1, evaluator=evaluator).wait()
    with pytest.raises(dcp.SliceError, match=message):
        results[0]
    assert results[1] == 1


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("/x/g", "a RegExp"),
        ("Promise.resolve(1)", "a Promise"),
        ("new WeakMap()", "a WeakMap"),
        ("new WeakSet()", "a WeakSet"),
        ("new WeakRef({})", "a WeakRef"),
        ("(function* () {})()", "a Generator"),
        ("(async function* () {})()", "an AsyncGenerator"),
        ("new Map().keys()", "a Map Iterator"),
        ("[].values()", "an Array Iterator"),
        ("new Date(NaN)", "an invalid Date"),
        ("Object(Symbol())", "a Symbol"),
        ("new Proxy(new Map(), {})", "a Proxy of a built-in object"),
        ("new Map([[{}, 1]])", "a Map with an object as key"),
        ("new Map([[Symbol(), 1]])", "a Map with a symbol as key"),
        ("new URLSearchParams('a=1')", "an URLSearchParams"),
        ("new TextDecoder()", "a TextDecoder"),
        ("new WebAssembly.Memory({ initial: 1 })", "a WebAssembly.Memory"),
        ("Object.assign(Promise.resolve(), { a: 1 })", "a Promise"),
        ("globalThis", "a global object"),
        ("() => 1", "a function"),
        ("class {}", "a function"),
        ("Symbol()", "a symbol"),
    ],
)
def test_what_has_no_json_is_refused_by_its_place(evaluator, value, what):
    """In results, in progress and in events; nothing arrives without its content."""
    message = f"{what} cannot leave the sandbox: value.a[3]"
    source = f"""(x) => {{
      const said = [progress, (value) => work.emit('e', value)].map((say) => {{
        try {{ say({{ a: [0, 1, 2, {value}] }}); }} catch (error) {{ return error.message.split(';')[0]; }}
      }});
      return x === 0 ? said : [{{ 'a b': new Map([['k', new Set([1, {value}])]]) }}];
    }}"""
    results = dcp.compute_for([0, 1], source).local_exec(1, evaluator=evaluator).wait()
    assert results[0] == [message] * 2
    assert results.errors[1].name == "TypeError"
    assert results.errors[1].message.split(";")[0] == f'{what} cannot leave the sandbox: result[0]["a b"].k[1]'


def test_a_place_far_inside_is_told_in_short(evaluator):
    source = """() => {
      let a = { ['k'.repeat(1000)]: () => 1 };
      for (let i = 0; i < 100; i++) a = [a];
      return a;
    }"""
    message = dcp.compute_for([0], source).local_exec(1, evaluator=evaluator).wait().errors[0].message
    place = "result[0][0][0][0][0] ... [0][0][0][0][0]." + "k" * 40 + "..."
    assert message == f"a function cannot leave the sandbox: {place}"


def test_a_getter_that_sends_a_value_of_its_own(evaluator):
    """The place of an error is that in its own value."""
    source = """() => ({
      a: [{ get b() { try { progress([/x/]); } catch (error) { this.said = error.message; } return 1; } }, () => 1],
    })"""
    error = dcp.compute_for([0], source).local_exec(1, evaluator=evaluator).wait().errors[0]
    assert error.message == "a function cannot leave the sandbox: result.a[1]"


def test_half_a_surrogate_pair_comes_back_as_a_replacement(evaluator):
    assert through(evaluator, 0, "() => ['a\\ud800b', '\\udc00']") == ["a\ufffdb", "\ufffd"]


@pytest.mark.parametrize(
    "source",
    [
        "() => new Uint8Array(200_000)",
        "() => 'x'.repeat(200_000)",
        "() => [new Uint8Array(70_000), new Uint8Array(70_000)]",
        "() => new Array(200_000).fill(1)",
    ],
)
def test_results_that_are_too_large(evaluator, source):
    job = dcp.compute_for([0, 1], f"(x) => x ? x : ({source})()")
    results = job.local_exec(1, result_limit=100_000, evaluator=evaluator).wait()
    assert results.errors[0].code == "ERESULT"
    assert "limit of 100000" in results.errors[0].message
    assert results[1] == 1
    assert job.metrics.sandbox_deaths == 0


def test_dates_out_of_range(evaluator):
    results = dcp.compute_for([8.64e15, 0], "(ms) => new Date(ms)").local_exec(1, evaluator=evaluator).wait()
    assert results.errors[0].code == "ERESULT"
    assert results[1] == datetime(1970, 1, 1, tzinfo=UTC)
