"""Slices that fail: what their error says, and that the others go on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import dcp_evaluator as dcp

FAILING = "(x, failing) => { if (failing.includes(x)) throw new RangeError(`not ${x}`); return x; }"


def run(evaluator: dcp.Evaluator, inputs: Any, work_function: Any, *arguments: Any, **options: Any) -> dcp.Results:
    return dcp.compute_for(inputs, work_function, *arguments).local_exec(evaluator=evaluator, **options)


def test_the_stack_has_the_users_lines_only(evaluator):
    source = "(x) => {\n  const inner = () => {\n    throw new RangeError('deep');\n  };\n  inner();\n}"
    error = run(evaluator, [1], source, sandboxes=1).wait().errors[0]
    assert (error.index, error.name, error.message, error.code) == (0, "RangeError", "deep", "EWORK")
    assert "work-function.js:3" in error.stack
    assert "work-function.js:5" in error.stack
    assert "dcp:" not in error.stack
    assert str(error) == "slice 0: RangeError: deep"
    assert error.stack in "".join(error.__notes__)


@pytest.mark.parametrize(
    ("thrown", "name", "message"),
    [
        ("'text'", "Error", "text"),
        ("null", "Error", "null was thrown"),
        ("undefined", "Error", "undefined was thrown"),
        ("7", "Error", "7 was thrown"),
        ("Symbol('s')", "Error", "Symbol(s) was thrown"),
        ("{ a: [1], message: 'm' }", "Error", "{ a: [ 1 ], message: 'm' } was thrown"),
        ("function f() {}", "Error", "[Function: f] was thrown"),
        ("new Error()", "Error", ""),
        ("Object.assign(new Error('m'), { name: undefined })", "Error", "m"),
        ("new Error('outer', { cause: new TypeError('inner') })", "Error", "outer (cause: TypeError: inner)"),
        ("new Error('', { cause: { code: 7 } })", "Error", "(cause: { code: 7 } was thrown)"),
        ("new AggregateError([new Error('a'), 'b', null], 'all')", "AggregateError",
         "all (errors: Error: a; b; null was thrown)"),
        ("new AggregateError(Array(12).fill(new Error('e')), 'm', { cause: 1 })", "AggregateError",
         f"m (errors: {'; '.join(['Error: e'] * 10)}; 2 more) (cause: 1 was thrown)"),
        ("new Error('o', { cause: new Error('x'.repeat(5000)) })", "Error", f"o (cause: Error: {'x' * 993}...)"),
        ("{ name: 'N', message: 'm' }", "N", "m"),
        ("{ get message() { throw 1; } }", "Error", "an error that cannot be described"),
        ("new (class Own extends Error { name = 'Own'; })('mine')", "Own", "mine"),
        ("new DOMException('dom', 'AbortError')", "AbortError", "dom"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["", "async "])
def test_whatever_is_thrown(evaluator, kind, thrown, name, message):
    error = run(evaluator, [0], f"{kind}() => {{ throw {thrown}; }}", sandboxes=1).wait().errors[0]
    assert (error.name, error.message) == (name, message)


def test_causes_without_an_end(evaluator):
    source = """() => {
      const error = new AggregateError([], 'round');
      error.cause = error;
      for (let i = 0; i < 9; i++) error.errors.push(error);
      throw error;
    }"""
    error = run(evaluator, [0], source, sandboxes=1).wait().errors[0]
    assert error.message.startswith("round (errors: AggregateError: round (errors: AggregateError: round")
    assert len(error.message) < 12_000


def test_what_a_timer_throws_is_told_as_what_the_function_throws(evaluator):
    source = "() => new Promise(() => setTimeout(() => { throw new Error('late', { cause: null }); }, 1))"
    error = run(evaluator, [0], source, sandboxes=1).wait().errors[0]
    assert (error.name, error.message) == ("Error", "late (cause: null was thrown)")
    assert "work-function.js:1" in error.stack


def test_a_failing_slice_does_not_stop_the_others(evaluator):
    source = "(x) => { if (x % 2) throw new Error(`odd ${x}`); return x; }"
    results = run(evaluator, range(10), source, sandboxes=2).wait()
    assert {index: error.message for index, error in results.errors.items()} == {x: f"odd {x}" for x in range(1, 10, 2)}
    with pytest.raises(dcp.SliceError, match="slice 3: Error: odd 3"):
        results[3]
    with pytest.raises(dcp.SliceError, match="slice 1: Error: odd 1"):
        list(results)
    assert len(results) == 10


@pytest.mark.parametrize("failed", [[1], [0, 2, 3], [0, 1, 2, 3]])
def test_as_completed_gives_the_values_then_raises_what_failed(evaluator, failed):
    results = run(evaluator, range(4), FAILING, failed, sandboxes=2)
    values = {}
    with pytest.raises(dcp.SliceErrorGroup, match=f"^{len(failed)} of 4 slices failed") as caught:
        for index, value in results.as_completed():
            values[index] = value
    assert values == {x: x for x in range(4) if x not in failed}
    assert {error.index: str(error) for error in caught.value.exceptions} == {
        x: f"slice {x}: RangeError: not {x}" for x in failed
    }
    assert isinstance(caught.value, dcp.DcpError)


def test_failed_slices_may_be_sorted_out_by_except_star(evaluator):
    seen: list[int] = []
    try:
        list(run(evaluator, range(4), FAILING, [1, 3], sandboxes=1).as_completed())
    except* dcp.SliceError as group:
        assert isinstance(group, dcp.SliceErrorGroup)
        seen = [error.index for error in group.exceptions]
    assert seen == [1, 3]


def test_as_completed_gives_pairs_with_the_error_when_asked(evaluator):
    pairs = dict(run(evaluator, range(4), FAILING, [1, 3], sandboxes=2).as_completed(errors="yield"))
    assert {index: getattr(value, "message", value) for index, value in pairs.items()} == {
        0: 0,
        1: "not 1",
        2: 2,
        3: "not 3",
    }
    assert isinstance(pairs[1], dcp.SliceError)


def test_as_completed_leaves_failed_slices_out_when_asked(evaluator):
    results = run(evaluator, range(4), FAILING, [1, 3], sandboxes=2)
    assert dict(results.as_completed(errors="skip")) == {0: 0, 2: 2}
    assert sorted(results.errors) == [1, 3]


def test_as_completed_knows_three_words(evaluator):
    results = run(evaluator, [1], "(x) => x")
    with pytest.raises(ValueError, match="errors is one of 'raise', 'skip', 'yield', not 'ignore'"):
        results.as_completed(errors="ignore")
    assert list(results) == [1]


@pytest.mark.parametrize("errors", ["raise", "skip", "yield"])
def test_as_completed_always_raises_what_ended_the_job(evaluator, errors):
    with pytest.raises(dcp.SliceError, match="slice 1"):
        list(run(evaluator, range(4), FAILING, [1], sandboxes=1, on_error="stop").as_completed(errors=errors))
    with pytest.raises(dcp.JobError, match="SyntaxError"):
        list(run(evaluator, [1], "(x) => {").as_completed(errors=errors))


def test_every_way_to_read_all_results_tells_of_a_failure(evaluator):
    results = run(evaluator, range(4), FAILING, [2], sandboxes=1)

    async def asynchronous() -> list[Any]:
        return [value async for value in results]

    async def awaited() -> list[Any]:
        return await results

    for read in (
        lambda: list(results), lambda: tuple(results), lambda: np.array(results), lambda: results[1:],
        lambda: max(results), lambda: 7 in results, lambda: list(reversed(results)),
        lambda: list(zip(results, range(4), strict=True)),
        lambda: asyncio.run(asynchronous()), lambda: asyncio.run(awaited()),
    ):  # fmt: skip
        with pytest.raises(dcp.SliceError, match="slice 2: RangeError: not 2"):
            read()


def test_the_job_stops_at_the_first_error_when_asked(evaluator):
    taken: list[int] = []

    def inputs() -> Iterator[int]:
        for x in range(100_000):
            taken.append(x)
            yield x

    source = "(x) => { if (x === 3) throw new Error('three'); return x; }"
    results = run(evaluator, inputs(), source, sandboxes=1, on_error="stop")
    with pytest.raises(dcp.SliceError, match="slice 3: Error: three"):
        results.wait(60)
    assert results[2] == 2
    assert len(taken) < 1000


def test_reject(evaluator):
    source = """(x) => {
      globalThis.tries ??= {};
      globalThis.tries[x] = (globalThis.tries[x] ?? 0) + 1;
      if (x === 0 && globalThis.tries[x] < 3) work.reject("not yet", 5);
      if (x === 1) work.reject("never", 2);
      if (x === 2) work.reject();
      return globalThis.tries;
    }"""
    results = run(evaluator, [0, 1, 2], source, sandboxes=1).wait()
    assert results[0]["0"] == 3
    assert {index: error.code for index, error in results.errors.items()} == {1: "EWORKREJECT", 2: "EWORKREJECT"}
    assert "never" in results.errors[1].message
    assert (
        run(
            evaluator,
            [1],
            "(x) => { globalThis.n = (globalThis.n ?? 0) + 1; work.reject({ a: [globalThis.n] }, 2); }",
            sandboxes=1,
        )
        .wait()
        .errors[0]
        .message.endswith("{ a: [ 3 ] }")
    )


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("'why'", "why"),
        ("null", "null"),
        ("1.5", "1.5"),
        ("10n ** 40n", f"1{40 * '0'}n"),
        ("[1, [2]]", "[ 1, [ 2 ] ]"),
        ("() => 1", "[Function (anonymous)]"),
        ("{ get a() { throw 1; } }", "{ a: [Getter] }"),
        ("new Proxy({}, { ownKeys() { throw 1; } })", "[an object that cannot be read]"),
    ],
)
def test_the_reason_of_a_rejection_is_shown_as_the_console_does(evaluator, reason, text):
    results = run(evaluator, [0, 1], f"(x) => {{ if (x === 0) work.reject({reason}); return x; }}", sandboxes=1).wait()
    assert results.errors[0].message == f"the work function rejected its slice: {text}"
    assert results[1] == 1


def test_a_long_reason_costs_its_slice_only(evaluator):
    source = "(x) => { if (x === 0) work.reject(10n ** 5000n); if (x === 1) work.reject('x'.repeat(3e6)); return x; }"
    job = dcp.compute_for(range(4), source)
    results = job.local_exec(1, evaluator=evaluator).wait(60)
    assert {index: error.code for index, error in results.errors.items()} == {0: "EWORKREJECT", 1: "EWORKREJECT"}
    assert max(len(error.message) for error in results.errors.values()) < 1.1e6
    assert results[2:] == [2, 3]
    assert job.metrics.sandbox_deaths == 0


def test_long_texts_are_cut_and_cost_nothing_else(evaluator):
    long = "'€'.repeat(3e6)"
    source = f"(x) => {{ if (x) {{ console.log({long}); work.emit({long}, 1); return x; }} throw new Error({long}); }}"
    job = dcp.compute_for([0, 1], source)
    lengths = []
    job.on("console", lambda event: lengths.append(len(event.message)))
    results = job.local_exec(1, evaluator=evaluator).wait(60)
    assert results.errors[0].message == (1 << 20) * "€"
    assert lengths == [1 << 20]
    assert results[1] == 1
    assert job.metrics.sandbox_deaths == 0


def test_a_promise_that_nothing_can_settle(evaluator):
    error = run(evaluator, [0], "() => new Promise(() => {})", sandboxes=1).wait(20).errors[0]
    assert "promise that nothing can settle" in error.message


def test_errors_outside_of_the_slice_fail_it(evaluator):
    source = "() => new Promise(() => setTimeout(() => { throw new TypeError('late'); }, 5))"
    error = run(evaluator, [0], source, sandboxes=1).wait(20).errors[0]
    assert (error.name, error.message) == ("TypeError", "late")
    assert "work-function.js:1" in error.stack


def test_rejections_without_a_handler_are_logged(evaluator):
    job = dcp.compute_for([0], "async () => { Promise.reject(new Error('lost')); await null; return 1; }")
    heard: list[dcp.ConsoleEvent] = []
    job.on("console", heard.append)
    assert list(job.local_exec(1, evaluator=evaluator)) == [1]
    assert any("Uncaught (in promise) Error: lost" in event.message for event in heard)


@pytest.mark.parametrize(
    "call",
    [
        "atob('!')", "structuredClone(() => 1)", "new TextDecoder('nope')", "work.array(1, 2)", "setTimeout()",
        "new URL('x')", "[1].map(() => atob('!'))", "work.emit('x', Symbol())",
    ],
)  # fmt: skip
def test_what_the_sandbox_throws_has_the_line_of_the_call(evaluator, call):
    error = run(evaluator, [0], f"(x) => {{\n  return {call};\n}}", sandboxes=1).wait().errors[0]
    assert "work-function.js:2" in error.stack
    assert "dcp:" not in error.stack


def test_what_no_call_of_the_user_threw_has_no_line(evaluator):
    error = run(evaluator, [0], "() => new Promise(() => {})", sandboxes=1).wait(20).errors[0]
    assert error.stack == ""
