"""First lines of help: errors that people who come from Python make again and again say what to do."""

from __future__ import annotations

import numpy as np
import pytest

import dcp_evaluator as dcp
from dcp_evaluator.jobs import run
from dcp_evaluator.jobs.javascript_advice import message_of


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("function helper(x) { return x; }\nfunction f(x) { return helper(x); }", "perhaps: f"),
        ("const f = (x) => x + 1;", "perhaps: f"),
        ("const g = async x => x + 1;\nlet n = 1;", "perhaps: g"),
        ("1 + 1;", "end the script with a line that is the work function's name"),
        ("def f(x):\n    return x * 2", "this looks like Python"),
        ("lambda x: x * 2", "this looks like Python"),
        ("import numpy as np\nnp.zeros(3)", "this looks like Python"),
        ("(x) => { return x * 2", "the { in line 1, column 8 is never closed"),
        ("(x) => {\n  // {\n  return [x, '(', `)`;\n", "the [ in line 3, column 10 is never closed"),
        ("function (x) {\n  if (x) { return 1;\n}", "the { in line 1, column 14 is never closed"),
        ("return 1", "the source is no function: write (x) => { ... }"),
        ("const np = require('numpy');\n(x) => x", "there are no modules in a sandbox"),
    ],
)
def test_work_functions_that_cannot_be_used(evaluator, source, message):
    with pytest.raises(dcp.JobError) as caught:
        dcp.compute_for([1], source).local_exec(1, evaluator=evaluator).wait()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [
        ("(x) => x +* 2", 1, 11),
        ("(x) => {\n  return x +* 2;\n}", 2, 13),
        ("function (x) {\n  return x +* 2;\n}", 2, 13),
        ("function f(x) {\n  return x +* 2;\n}", 2, 13),
    ],
)
def test_an_error_of_syntax_is_where_the_user_has_written_it(evaluator, source, line, column):
    with pytest.raises(dcp.JobError) as caught:
        dcp.compute_for([1], source).local_exec(1, evaluator=evaluator).wait()
    assert caught.value.name == "SyntaxError"
    assert f"work-function.js:{line}:{column}" in caught.value.stack


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("fetch('x')", "a sandbox has no network"),
        ("require('fs')", "there are no modules"),
        ("new ImageData(1, 1)", "there is no web page"),
        ("process.env", "a sandbox is not Node"),
        ("len(x)", "this is JavaScript, not Python: there are x.length"),
        ("None", "it has null, true and false"),
        ("x[0] * 2", "BigInt here; send array.astype(np.int32)"),
        ("Math.abs(x[0])", "BigInt here; send array.astype(np.int32)"),
        ("x.map((v) => v * 2)", "BigInt here; send array.astype(np.int32)"),
    ],
)
def test_errors_of_slices_say_what_there_is_instead(evaluator, body, message):
    rows = np.arange(6).reshape(1, 6)
    error = dcp.compute_for(rows, f"(x) => {body}").local_exec(1, evaluator=evaluator).wait().errors[0]
    assert message in error.message
    assert error.message in str(error)
    assert "work-function.js:1" in error.stack


@pytest.mark.parametrize(
    ("source", "called"),
    [
        ("(x) => x.dispatch(3)", "x.dispatch"),
        ("(x) => {\n  const pass = {};\n  if (x) pass.dispatch(1, 2);\n}", "pass.dispatch"),
        ("(x) => { x = { a: { b: 1 } }; return [1].map(String) && x.a.b(7); }", "x.a.b"),
        ("(x) => {\n  let count = 1;\n  return count(x);\n}", "count"),
    ],
)
def test_what_is_no_function_has_a_name(evaluator, source, called):
    error = dcp.compute_for([1], source).local_exec(1, evaluator=evaluator).wait().errors[0]
    assert (error.name, error.message) == ("TypeError", f"{called} is not a function")


@pytest.mark.parametrize(
    "stack",
    ["", "    at work.js:9:1", "    at other.js:1:1", "    at work.js:0:0", "x" * 10_000, "    at work.js:1:99"],
)
def test_places_that_tell_nothing(stack):
    error = dcp.SliceError(0, "TypeError", "not a function", stack)
    assert message_of(error, "(x) => x()\n", "work.js") == "not a function"


def test_names_of_the_users_own_have_no_advice(evaluator):
    error = dcp.compute_for([1], "() => undefinedName").local_exec(1, evaluator=evaluator).wait().errors[0]
    assert error.message.endswith("is not defined")


@pytest.mark.parametrize(
    ("source", "is_told"),
    [
        ("(x) => { x * 2; }", True),
        ("(x) => { return null; }", False),
        ("(x) => null", False),
        ("(x) => { console.log(x); }", False),
        ("(x) => { work.emit('x', x); }", False),
        ("(x) => { progress(x); }", False),
        ("(x) => { if (x === 2) throw new Error('two'); }", False),
    ],
)
def test_a_forgotten_return_is_told(evaluator, monkeypatch, source, is_told):
    told: list[str] = []
    monkeypatch.setattr(run, "notice", told.append)
    dcp.compute_for([1, 2], source).local_exec(1, evaluator=evaluator).wait()
    assert told == ["every result is None: the work function has no `return`"] * is_told
