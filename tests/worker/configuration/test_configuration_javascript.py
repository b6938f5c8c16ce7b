"""Configuration files in JavaScript are evaluated in a sandbox."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable

import pytest
from configured_machine import Machine

from dcp_protocol.kvin import UNDEFINED, URL, RegExp
from dcp_worker.configuration.configuration import Configuration
from dcp_worker.configuration.javascript import Interpreter
from dcp_worker.errors import ConfigurationError

pytestmark = pytest.mark.any_engine

UserFile = Callable[..., Configuration]


@pytest.mark.parametrize(
    "text",
    [
        "{ a: { b: 1 } }",
        "/* a comment { */\n// and another\n{ a: { b: 1 } } // the end",
        "return { a: { b: 1 } }",
        "const b = 1;\nif (b) { return { a: { b } }; }\nreturn {};",
        "({ a: { b: 1 } })",
        "const b = 1; dcpConfig.a = { b };",
        "dcpConfig.a = {}; dcpConfig.a.b = 1",
        "worker.x = 1; dcpConfig.a = { b: worker.x }; return",
    ],
)
def test_forms_of_files(user_file: UserFile, text: str) -> None:
    assert user_file(text).tree["a"] == {"b": 1}


def test_values_survive(user_file: UserFile) -> None:
    tree = user_file(r"""{ x: {
        text: 'é\u{1F600}', number: -1.5, large: 1e21, not: NaN, no: undefined, nothing: null, yes: true,
        list: [1, [2, undefined], { a: /b/ }], pattern: /a\/(b)\s/gi, url: url('http://a.example/x?y#z'),
        real: new URL('http://a.example'), date: new Date(0), big: 10n, f() {},
    } }""").tree["x"]
    assert tree.pop("not") != tree.get("not")
    assert tree == {
        "text": "é😀", "number": -1.5, "large": 1e21, "no": UNDEFINED, "nothing": None, "yes": True,
        "list": [1, [2, UNDEFINED], {"a": RegExp("b")}], "pattern": RegExp(r"a\/(b)\s", "gi"),
        "url": URL("http://a.example/x?y#z"), "real": URL("http://a.example/"), "date": "1970-01-01T00:00:00.000Z",
        "big": 10, "f": UNDEFINED,
    }  # fmt: skip


def test_what_is_in_scope(machine: Machine) -> None:
    machine.environment["COLOUR"] = "red"
    machine.write("etc/dcp/dcp-config.js", "{ lab: { rooms: 3 }, 'no-name': { a: 1 }, class: { b: 2 } }")
    machine.users("""{ seen: {
        rooms: lab.rooms, same: dcpConfig.lab === lab, colour: env.COLOUR, again: require('process').env.COLOUR,
        origin: url('http://a.example:81/b').origin, next: url('http://a.example/b/').resolveUrl('c'),
        cpus: require('os').cpus().length > 0, awkward: dcpConfig['no-name'].a + dcpConfig.class.b,
        node: dcp['dcp-env'].platform,
    } }""")
    assert machine.load().tree["seen"] == {
        "rooms": 3, "same": True, "colour": "red", "again": "red", "origin": "http://a.example:81",
        "next": URL("http://a.example/b/c"), "cpus": True, "awkward": 3, "node": "nodejs",
    }  # fmt: skip


def test_files_may_change_what_was_said_before_them(machine: Machine) -> None:
    machine.write("etc/dcp/dcp-config.js", "{ worker: { allowOrigins: { any: ['http://a.example'] } } }")
    machine.users("worker.allowOrigins.any.push('http://b.example');\nscheduler.location = 'http://c.example';")
    configuration = machine.load()
    assert configuration.settings.allow_origins.any == ("http://a.example", "http://b.example")
    assert configuration.settings.scheduler.location == "http://c.example/"
    layer = configuration.layer(("worker", "allowOrigins", "any"))
    assert layer is not None
    assert layer.place(("worker", "allowOrigins", "any")).endswith("dcp-worker/dcp-config.js:1")


def test_its_console_is_heard(user_file: UserFile) -> None:
    configuration = user_file("console.log('a', 1); console.error('b\\u001b[31m'); return {}")
    assert [message.partition("dcp-config.js: ")[2] for message in configuration.messages] == ["a 1", "b [31m"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{\n a: 1,\n b: nowhere.x\n}", r":3: ReferenceError: nowhere is not defined"),
        ("const a = 1;\nthrow new TypeError('not so')", r":2: TypeError: not so"),
        ("throw 'a text'", r"dcp-config.js: a text; "),
        ("return 5", r"gives a number; it must give an object"),
        ("return [1]", r"gives a list"),
        ("require('fs')", r":1: Error: require\(\"fs\"\): there are process and os here, and no other modules"),
        ("const a = {}; a.a = a; return a", r"the configuration contains itself"),
        ("let a = {}; for (let i = 0; i < 100; i++) a = { a }; return a", r"nested too deep"),
        ("return { a: Array(1e6).fill(0) }", r"too many values"),
        ("return { a: 'x'.repeat(1e7) }", r"cannot be evaluated"),
        ("undeclared = 1", r":1: ReferenceError"),
        ("throw { toString() { throw 1 } }", r"cannot be evaluated"),
    ],
)
def test_errors_name_file_line_and_cause(user_file: UserFile, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        user_file(text)
    assert "dcp-config.js" in str(raised.value)


@pytest.mark.parametrize(
    "lie",
    [
        "5", "{}", "[]", "null", '{"error": 1}', '{"error": {"name": [], "message": {}, "line": "x"}}',
        '{"fragment": 1, "config": 1, "messages": 1}',
        '{"fragment": ["object", 1], "config": ["object", []], "messages": []}',
        '{"fragment": ["object", [["a", ["url", 5]]]], "config": ["object", []], "messages": []}',
        '{"fragment": ["object", []], "config": ["object", []], "messages": 7}', '["list"' + ', ["list"' * 3000,
        '{"fragment": ["object", [["a", ["regexp", 1]]]], "config": ["object", []], "messages": []}',
    ],
)  # fmt: skip
def test_a_file_that_lies_is_refused_or_read(lie: str) -> None:
    with Interpreter({}) as interpreter, contextlib.suppress(ConfigurationError):
        found = interpreter.evaluate(f"JSON.stringify = () => {json.dumps(lie)}; return {{}}", {}, "file.js")
        assert isinstance(found.fragment, dict)


def test_a_loop_without_end_is_ended() -> None:
    with (
        Interpreter({}, seconds=0.5) as interpreter,
        pytest.raises(ConfigurationError, match=r"^file.js: it was evaluated for 0.5 s .* loop without end"),
    ):
        interpreter.evaluate("for (;;);", {}, "file.js")


def test_too_much_memory_is_an_error() -> None:
    with Interpreter({}) as interpreter, pytest.raises(ConfigurationError, match=r"^file.js:1: .* out of memory"):
        interpreter.evaluate("const a = []; for (;;) a.push(new Float64Array(1e6).fill(1));", {}, "file.js")


def test_one_file_knows_nothing_of_another() -> None:
    with Interpreter({}) as interpreter:
        interpreter.evaluate("globalThis.left = 1; Array.prototype.left = 1; return {}", {}, "a.js")
        found = interpreter.evaluate("return { left: typeof left, again: [].left }", {}, "b.js")
    assert found.fragment == {"left": "undefined", "again": UNDEFINED}
