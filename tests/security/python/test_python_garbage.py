"""Results, errors and events that run code while they leave, and forged ones, which never were values of Python."""

from __future__ import annotations

import json

import numpy as np
import pytest
from python_target import Attacks, Fails, PythonTarget, error


def result_of_many_faces():
    class Face:
        def __reduce__(self):
            raise KeyboardInterrupt

        __array__ = __await__ = __iter__ = __getstate__ = __len__ = __reduce__

        @property
        def __class__(self):
            raise SystemExit("no class")

    return Face()


def array_that_ends_its_views():
    class Array(np.ndarray):
        def __array_finalize__(self, other):
            raise SystemExit("no view")

    return np.zeros(3).view(Array)


def generator():
    yield 1


def list_that_lies():
    class Liar(list):
        def __iter__(self):
            while True:
                yield 1

        def __len__(self):
            raise ValueError("no length")

    return Liar([1, 2])


def numbers_that_lie():
    class Number(int):
        def __index__(self):
            raise KeyboardInterrupt

        __int__ = __str__ = __repr__ = __index__

    class Text(str):
        def __str__(self):
            raise KeyboardInterrupt

        __len__ = encode = __repr__ = __str__

    return [Number(5), Text("text")]


def bytes_whose_buffer_grows_memory():
    class Growing(bytes):
        taken = None

        def __buffer__(self, flags):
            if Growing.taken is None:
                Growing.taken = np.ones(8 << 20)
            return bytes.__buffer__(self, flags)

    return [np.full(1000, 7), Growing(b"x" * 5000), np.full(1000, 8)][::-1]


def bytes_without_a_buffer():
    class Refusing(bytes):
        def __buffer__(self, flags):
            raise KeyboardInterrupt("no buffer")

    return Refusing(b"x" * 5000)


def coroutine_in_a_list():
    async def later():
        return 1

    return [later()]


def not_a_value():
    import js

    return [js.eval("({})")]


RESULTS: Attacks = {
    "many faces": (result_of_many_faces, error("no class")),
    "an array that ends its views": (array_that_ends_its_views, error("SystemExit: no view")),
    "a generator": (generator, error(r"generator cannot travel; use list\(")),
    "a list that lies": (list_that_lies, error("no length")),
    "numbers and texts that lie": (numbers_that_lie, [5, "text"]),
    "bytes without a buffer": (bytes_without_a_buffer, error("no buffer")),
    "a coroutine in a list": (coroutine_in_a_list, error(r"value\[0\]: .*coroutine cannot travel")),
    "a value of JavaScript": (not_a_value, error("JsProxy cannot travel")),
}


@pytest.mark.parametrize("name", RESULTS)
def test_results(pythons: PythonTarget, name: str) -> None:
    pythons.check(*RESULTS[name])


def test_memory_that_grows_while_a_result_leaves(pythons: PythonTarget) -> None:
    last, text, first = pythons.attack(bytes_whose_buffer_grows_memory).outcome()
    assert (first.tolist(), text, last.tolist()) == ([7] * 1000, b"x" * 5000, [8] * 1000)


def text_that_raises():
    class OwnError(Exception):
        def __str__(self):
            raise KeyboardInterrupt

    raise OwnError


def text_that_calls_itself():
    class OwnError(Exception):
        def __str__(self):
            return str(self)

    raise OwnError


def text_of_another_kind():
    class Text(str):
        def __getitem__(self, key):
            raise KeyboardInterrupt

        __len__ = __str__ = __getitem__

    class OwnError(Exception):
        def __str__(self):
            return Text("text")

    raise OwnError


def attributes_that_raise():
    class OwnError(Exception):
        @property
        def __class__(self):
            raise KeyboardInterrupt

        __traceback__ = __cause__ = __context__ = __notes__ = __dict__ = __class__

    raise OwnError("hidden")


def class_that_raises():
    class Meta(type):
        def __getattribute__(cls, name):
            raise KeyboardInterrupt

        __instancecheck__ = __subclasscheck__ = __getattribute__

    class OwnError(Exception, metaclass=Meta):
        pass

    raise OwnError("meta")


def causes_in_a_circle():
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    raise one


def many_causes():
    last = None
    for number in range(3000):
        last, before = ValueError(number), last
        last.__cause__ = before
    raise last


def long_text():
    raise ValueError("x" * (20 << 20))


def half_a_character():
    raise ValueError("a\ud800")


def group_without_end():
    group = ValueError()
    for _ in range(1000):
        group = ExceptionGroup("group", [group])
    raise group


ERRORS: Attacks = {
    "a text that raises": (text_that_raises, error("^OwnError: its message cannot be shown: KeyboardInterrupt")),
    "a text that calls itself": (text_that_calls_itself, error("its message cannot be shown: RecursionError")),
    "a text of another kind": (text_of_another_kind, error("OwnError: ")),
    "attributes that raise": (attributes_that_raise, error("^OwnError: hidden$")),
    "a class that raises": (class_that_raises, error("^OwnError: meta$|^KeyboardInterrupt")),
    "causes in a circle": (causes_in_a_circle, error("^ValueError: one$")),
    "many causes": (many_causes, error("^ValueError: 2999$")),
    "a long text": (long_text, error("^ValueError: x{1000}")),
    "half a character": (half_a_character, error("^ValueError: a")),
    "a group of groups": (group_without_end, error("^ExceptionGroup: group")),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(pythons: PythonTarget, name: str) -> None:
    pythons.check(*ERRORS[name])


def forged_result(items):
    """Answers with ``items``, of JavaScript's source, where Python answers with buffers."""
    from dcp_guest import driver

    import js

    to_wire = driver.to_wire

    def forge(value):
        driver.to_wire = to_wire
        if isinstance(items, list):
            return [bytes(item) for item in items]
        return js.eval(
            f"""((items) => typeof items === "string" ? items : ({{
              length: items.length, destroy() {{}}, get: (index) => ({{
                getBuffer: () => ({{ data: items[index], nbytes: 0, release() {{}} }}), destroy() {{}},
              }}),
            }}))({items})"""
        )

    driver.to_wire = forge


def text(value):
    return [json.dumps(value).encode()]


REFUSED = Fails("ERESULT", "the result cannot be taken")
FORGED = {
    "nothing": ("[]", REFUSED),
    "a number": ("[5]", REFUSED),
    "a huge number": ("[2n ** 60n]", REFUSED),
    "null": ("[null]", error("null")),
    "an object": ("[{ length: 5 }]", REFUSED),
    "lists in lists": ("[[[[[]]]]]", REFUSED),
    "numbers for a header": ("[new Float64Array(3)]", REFUSED),
    "objects for buffers": ('[\'[[0],[["bytes",[1,0,4]]]]\', {}, [], 5]', REFUSED),
    "floats for bytes": ('[\'[[0],[["bytes",[0,0,8]]]]\', new Float64Array([0])]', bytes(8)),
    "text that is no JSON": ("'this'", REFUSED),
    "text with lists": ("'[' + '[],'.repeat(1e6) + '0]'", REFUSED),
    "text that is deep": ("'['.repeat(1e6)", REFUSED),
    "text with a space": ("' [0]'", REFUSED),
    "text with an object": ('\'{"a": 1}\'', REFUSED),
    "a long number": ("'1'.repeat(1e6)", REFUSED),
    "infinity": ("'1e999'", float("inf")),
    "deep": ([b"[" * 10**6], REFUSED),
    "a buffer that is not there": (text([[0], [["bytes", [1, 0, 4]]]]), REFUSED),
    "bytes that are not there": ([*text([[0], [["array", [0, 0, 1 << 40], "<f8", [1 << 37], "C"]]]), b"x"], REFUSED),
    "an array of nothing, often": (text([[0], [["array", [0, 0, 0], "|V0", [2**61], "C"]]]), REFUSED),
    "a large array of objects": (text([[0], [["objects", [10**9], "C", []]]]), REFUSED),
    "a function": (text([[0], [["function", 0]]]), REFUSED),
    "a module": (text([[0], [["module", "os", []]]]), REFUSED),
    "a call": (text([[0], [["call", "os", "system", ["true"]]]]), REFUSED),
    "a class that is not registered": (
        text([[0], [["object", "os.system", ["command"], ["true"]]]]), {"command": "true"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_forged_results(pythons: PythonTarget, name: str) -> None:
    pythons.check(forged_result, FORGED[name][1], FORGED[name][0])


SAME_BYTES = json.dumps([[0], [["list", [[1 + n] for n in range(2000)]], *([["bytes", [0, 0, 60_000]]] * 2000)]])


def test_the_same_bytes_again_and_again_are_counted_each_time(pythons: PythonTarget) -> None:
    items = [SAME_BYTES.encode(), bytes(60_000)]
    pythons.check(forged_result, Fails("ERESULT", "more bytes than it may take"), items, result_limit=10 << 20)


def forged_event(source):
    import js

    js.eval(source)
    return "not noticed"


FORGED_EVENTS = [
    "work.emit('x', { a: 1 })",
    "work.emit('x')",
    "work.emit('x', [5])",
    "work.emit('x', ['[[1],[]]'])",
    "progress(7)",
    "progress([])",
    "progress({ get length() { return 2 ** 40; } })",
]


@pytest.mark.parametrize("source", FORGED_EVENTS)
def test_forged_events_end_their_sandbox(pythons: PythonTarget, source: str) -> None:
    pythons.check(forged_event, Fails("ESANDBOX", "an event cannot be read"), source)


def test_an_event_costs_what_its_bytes_justify(pythons: PythonTarget) -> None:
    source = f"work.emit('x', [{json.dumps(SAME_BYTES)}, new Uint8Array(60000)])"
    pythons.check(forged_event, Fails("ESANDBOX", "more bytes than it may take"), source)


def events_of_values(payload):
    import dcp

    for value in payload:
        dcp.progress(value)
        dcp.emit("x", value)


def test_honest_events_are_not_refused(pythons: PythonTarget) -> None:
    payload = ["", None, [[[]] * 50] * 50, [[] for _ in range(999)], [1.5] * 5000, {n: (n,) for n in range(500)}]
    found = pythons.attack(events_of_values, payload)
    assert found.outcome() is None
    assert found.events == [value for value in payload for _ in range(2)]


def garbage_to_the_host():
    from dcp_guest import api
    from pyodide.ffi import JsException

    import js

    host, refused = api._Connection.host, 0
    stranger = js.eval("({ get [Symbol.toPrimitive]() { throw 1; } })")
    for arguments in [(), (None,), (stranger, stranger), ("no level", stranger), (5, 5), (js.eval("Symbol()"), "x")]:
        try:
            host.tell(*arguments)
        except JsException:
            refused += 1
    return refused > 0


def test_garbage_on_the_console(pythons: PythonTarget) -> None:
    outcome = pythons.check(garbage_to_the_host, Fails("ESANDBOX", "a text was expected")).outcome()
    assert "protocol" in outcome[1]
