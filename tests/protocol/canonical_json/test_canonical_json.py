"""JSON as JavaScript writes it, beside Node's ``JSON``."""

from __future__ import annotations

import json
import math
import random
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcp_protocol import canonical_json
from node import node
from other_threads import others_run_beside

pytestmark = pytest.mark.any_engine

# A line in, one out: what JSON.stringify(JSON.parse(text)) gives, null for what is no JSON.
_NODE = """
const again = (text) => { try { return JSON.stringify(JSON.parse(text)); } catch { return null; } };
require("readline").createInterface({ input: process.stdin })
  .on("line", (line) => process.stdout.write(JSON.stringify(again(JSON.parse(line))) + "\\n"));
"""

Rewritten = Callable[[bytes], bytes | None]


@pytest.fixture(scope="module")
def rewritten() -> Iterator[Rewritten]:
    """What Node makes of a JSON text when it reads and writes it; None for what is none."""
    with subprocess.Popen([node(), "-e", _NODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        given, answers = process.stdin, process.stdout

        def ask(text: bytes) -> bytes | None:
            given.write(json.dumps(text.decode()).encode() + b"\n")
            given.flush()
            answer = json.loads(answers.readline())
            return None if answer is None else answer.encode()

        yield ask
        given.close()


def refusal(text: bytes, **bounds: int) -> str:
    with pytest.raises(ValueError) as refused:
        canonical_json.decode(text, **bounds)
    return str(refused.value)


# Texts with all kinds of characters, halves of surrogate pairs too; keys that are array indices, or nearly.
_TEXTS = st.text(st.characters(exclude_categories=[]), max_size=20)
_NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
_INDICES = st.integers(0, 2**32).map(str) | st.sampled_from(
    ["00", "-0", "-1", "4294967294", "4294967295", "1.0", "1e3"]
)
_KEYS = _INDICES | st.text(max_size=8) | st.sampled_from(["__proto__", "constructor", "toString", ""])
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(_KEYS, inner, max_size=8),
    max_leaves=30,
)


@settings(max_examples=500)
@given(_VALUES)
def test_what_is_written_comes_back_unchanged(rewritten: Rewritten, value: Any) -> None:
    text = canonical_json.encode(value)
    assert rewritten(text) == text
    assert canonical_json.is_canonical(text)
    assert canonical_json.encode(canonical_json.decode(text)) == text


def test_numbers_are_written_as_javascript_writes_them(rewritten: Rewritten) -> None:
    randomly = random.Random(7)
    doubles = [struct.unpack("<d", randomly.randbytes(8))[0] for _ in range(20_000)]
    doubles += [float(f"{randomly.randrange(1, 10**17)}e{randomly.randrange(-30, 30)}") for _ in range(20_000)]
    doubles += [10.0**power for power in range(-323, 309)] + [2.0**power for power in range(-1074, 1024)]
    doubles += [math.nextafter(10.0**power, way) for power in range(-30, 30) for way in (0, math.inf)]
    numbers = [number for number in doubles if math.isfinite(number)]
    text = canonical_json.encode(numbers)
    assert rewritten(text) == text
    assert [float(number) for number in json.loads(text)] == numbers


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (1.5e300, "1.5e+300"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1.25e-7, "1.25e-7"),
        (5e-324, "5e-324"),
        (123456.789, "123456.789"),
        (2**53, "9007199254740992"),
        (2**53 + 2, "9007199254740994"),
        (-(2**60), "-1152921504606847000"),
        (2**70, "1.1805916207174113e+21"),
        (True, "true"),
    ],
)
def test_forms_of_numbers(number: float, text: str) -> None:
    assert canonical_json.encode(number).decode() == text


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 2**64 - 1, 10**400, -(10**400)])
def test_whole_numbers_that_are_no_doubles(number: int) -> None:
    with pytest.raises(ValueError, match=r"beyond 2\*\*53 .* give it as a str"):
        canonical_json.encode([number])


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_has_not(number: float) -> None:
    with pytest.raises(ValueError, match="no NaN"):
        canonical_json.encode({"a": number})


def test_keys_that_are_array_indices_come_first(rewritten: Rewritten) -> None:
    value = {"b": 1, "10": 2, "a": 3, "2": 4, "4294967294": 5, "4294967295": 6, "02": 7, "0": 8}
    expected = b'{"0":8,"2":4,"10":2,"4294967294":5,"b":1,"a":3,"4294967295":6,"02":7}'
    assert canonical_json.encode(value) == expected
    assert rewritten(expected) == expected


def test_characters_are_raw_but_controls_quotes_and_lone_surrogates(rewritten: Rewritten) -> None:
    text = '\x00\x1f\b\f\n\r\t"\\/\x7f\u2028é😀\udfff\ud800-\ud83d\ude00'
    quoted = rb'"\u0000\u001f\b\f\n\r\t\"\\/' + "\x7f\u2028é😀".encode() + rb"\udfff\ud800-" + "😀".encode() + b'"'
    assert canonical_json.encode(text) == canonical_json.quote(text) == quoted
    assert rewritten(quoted) == quoted
    assert canonical_json.decode(quoted) == '\x00\x1f\b\f\n\r\t"\\/\x7f\u2028é😀\udfff\ud800-😀'


@given(_TEXTS)
def test_texts_of_each_width_are_quoted(text: str) -> None:
    expected = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    assert json.loads(canonical_json.quote(text)) == json.loads(json.dumps(expected))
    for wider in ("é", "\u2028", "😀"):
        assert json.loads(canonical_json.quote(text + wider)) == json.loads(json.dumps(expected)) + wider


@given(st.text(max_size=100))
def test_texts_are_quoted_as_bytes_too(text: str) -> None:
    quoted = canonical_json.quote(text.encode())
    assert quoted == canonical_json.quote(text) == canonical_json.encode(text.encode())
    assert canonical_json.unquote(quoted) == text.encode()


@pytest.mark.parametrize(
    "text", [b"\xff", b"a\xed\xa0\x80", b"\xc3", b"\xf5\x80\x80\x80", b"\xc0\x80", b"\xe0\x80\x80"]
)
def test_bytes_that_are_no_text(text: bytes) -> None:
    with pytest.raises(ValueError, match="UTF-8"):
        canonical_json.quote(text)
    assert "UTF-8" in refusal(b'"%b"' % text)


@pytest.mark.parametrize("value", [{1}, object(), 1j, bytearray(b"a"), {"a": [range(3)]}])
def test_types_that_json_has_not(value: object) -> None:
    with pytest.raises(TypeError, match="JSON has nothing for a "):
        canonical_json.encode(value)


def test_keys_are_str() -> None:
    with pytest.raises(TypeError, match="a key of an object of JSON is a str"):
        canonical_json.encode({1: 2})


def test_a_key_in_two_halves_could_be_there_twice() -> None:
    with pytest.raises(ValueError, match="two halves"):
        canonical_json.encode({"\ud83d\ude00": 1, "😀": 2})
    assert canonical_json.encode({"\ude00\ud83d": 1}) == rb'{"\ude00\ud83d":1}'


def test_values_that_hold_themselves() -> None:
    itself: list[Any] = []
    itself.append({"a": itself})
    with pytest.raises(ValueError, match="nested deeper than 1000, or holds itself"):
        canonical_json.encode(itself)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_nesting_has_a_bound() -> None:
    text = b"[" * 1000 + b"1" + b"]" * 1000
    assert canonical_json.encode(nested(1000)) == text
    assert canonical_json.encode(canonical_json.decode(text)) == text
    with pytest.raises(ValueError, match="nested deeper than 1000"):
        canonical_json.encode(nested(1001))
    assert refusal(b"[" + text + b"]") == "JSON text, byte 1000: nested deeper than 1000"
    assert refusal(b'{"a":' * 10_000_000).endswith("nested deeper than 1000")
    assert canonical_json.decode(b"[[]]", depth=2) == [[]]
    assert refusal(b"[[]]", depth=1).endswith("nested deeper than 1")
    with pytest.raises(ValueError, match="nested deeper than 1000"):
        canonical_json.members(b'{"a":%b}' % text)


def test_memory_has_a_bound() -> None:
    for item in (b"[]", b"{}", b'""', b"1.5", b'{"a":1}'):
        text = b"[" + b",".join([item] * 1000) + b"]"
        assert len(canonical_json.decode(text)) == 1000
        assert "more than 30000 bytes of memory" in refusal(text, memory=30_000)
    assert "more than 1000 bytes" in refusal(b'"%b"' % (b"a" * 1000), memory=1000)


_GRAMMAR = [
    "", " ", "1 2", "[1,]", "[,1]", "[1 2]", "[", "]", "[1", '{"a":1,}', '{"a"}', '{"a":}', "{1:2}", "{a:1}",
    '{"a":1 "b":2}', "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "1_0", "--1", "NaN", "Infinity", "nul", "null0",
    "True", "'a'", '"', '"\\"', '"\\x"', '"\\u12"', '"\\u12g4"', '"\\ud8"', '"\\ud83d\\u"', '"\\ud83d\\uzzzz"', '"\t"',
    '"\n"', '"\x00"', "\ufeff1", "\xa01", "[1]]", "{}{}", "//1", "1/**/", "\x0b1", "[1}", '{"a":1]', "-01", "1.e5",
    "1e5.5", '{"a":1,,"b":2}', "undefined",
]  # fmt: skip

_ODD_BUT_JSON = [
    " [ 1 , 2 ]\r\n\t", '{ "a" : { } }', '"\\ud83d\\ude00"', '"\\ud83d\\ud83d\\ude00"', '"\\uD83D"', '"\\u0041\\/"',
    "-0", "-0.0", "1.0", "1E5", "1e+05", "0e99", "1e-400", "123456789012345678901234567890", "9007199254740993",
    "0.1e1", "-9007199254740992", "9007199254740991", "9007199254740992", '{"a":1,"a":2}', '{"b":1,"2":2,"1":3}',
    '{"__proto__":1}', "0." + "0" * 400 + "1e5", "1" + "0" * 400 + "e-400", "1" * 309, "4.9e-324", "2.4e-324",
    "2.5e-324", "1.7976931348623158e308",
]  # fmt: skip


@pytest.mark.parametrize("text", [text.encode() for text in _GRAMMAR])
def test_texts_that_are_no_json(rewritten: Rewritten, text: bytes) -> None:
    assert rewritten(text) is None
    assert refusal(text).startswith("JSON text, byte ")


@pytest.mark.parametrize("text", [text.encode() for text in _ODD_BUT_JSON])
def test_texts_are_taken_as_javascript_takes_them(rewritten: Rewritten, text: bytes) -> None:
    again = rewritten(text)
    assert canonical_json.encode(canonical_json.decode(text)) == again
    assert canonical_json.is_canonical(text) == (text == again)


@settings(max_examples=1000)
@given((st.text('[]{}:,"\\u0123456789dDaeE+-. tru', max_size=12) | _VALUES.map(json.dumps)).map(str.encode))
def test_any_text_is_taken_as_javascript_takes_it(rewritten: Rewritten, text: bytes) -> None:
    try:
        ours = canonical_json.encode(canonical_json.decode(text))
    except ValueError as error:
        if "too large" in str(error):  # null there
            return
        ours = None
    assert ours == rewritten(text)


def test_numbers_beyond_a_double_are_refused() -> None:
    for text in (b"1e400", b"-1e309", b"9" * 400, b"1" + b"0" * 1_000_000):
        assert refusal(text) == "JSON text, byte 0: the number is too large"


def test_types_of_numbers() -> None:
    values = canonical_json.decode(b"[1,-1,1.0,9007199254740992,9007199254740993,-0,0,1e2]")
    assert [type(value) for value in values] == [int, int, float, int, int, float, int, float]
    assert values[4] == 2**53
    assert math.copysign(1, values[5]) == -1


def test_the_last_of_members_with_one_name_counts() -> None:
    assert canonical_json.decode(rb'{"a":1,"b":2,"\u0061":3}') == {"a": 3, "b": 2}


def test_members_are_given_as_they_stand_in_the_text() -> None:
    text = rb' { "owner":"0x1" , "a b\n" : [1, {"body": 2}] ,"body":{"x":"}\"", "y":{}},"n":-1.50e3,"t":true }' + b"\n"
    found = {name: bytes(part) for name, part in canonical_json.members(text).items()}
    assert found == {
        "owner": b'"0x1"',
        "a b\n": b'[1, {"body": 2}]',
        "body": rb'{"x":"}\"", "y":{}}',
        "n": b"-1.50e3",
        "t": b"true",
    }
    assert canonical_json.members(canonical_json.members(text)["body"])["x"] == rb'"}\""'
    assert canonical_json.members(b"{}") == {}


@pytest.mark.parametrize(
    "text", [b'{"body":1,"body":2}', rb'{"body":1,"\u0062ody":2}', b"[1]", b'"a"', b"1", b"{", b'{"a":[}]}']
)
def test_members_are_of_one_object_with_one_meaning(text: bytes) -> None:
    with pytest.raises(ValueError, match="JSON text"):
        canonical_json.members(text)


def test_elements_are_given_as_they_stand_in_the_text() -> None:
    text = rb' [ 1, "]", [2, [3]] ,{"a":[4]},-1.50e3 ]'
    found = [bytes(part) for part in canonical_json.elements(text)]
    assert found == [b"1", b'"]"', b"[2, [3]]", b'{"a":[4]}', b"-1.50e3"]
    assert canonical_json.elements(b"[]") == []
    assert len(canonical_json.elements(b"[" + b",".join([b"[]"] * 1000) + b"]")) == 1000
    for wrong in (b"[" + b",".join([b"[]"] * 1001) + b"]", b"{}", b"1", b"[1,]", b"[1][2]"):
        with pytest.raises(ValueError, match="JSON text"):
            canonical_json.elements(wrong)


def test_an_object_taken_apart_has_not_too_many_members() -> None:
    text = b"{" + b",".join(b'"%d":0' % i for i in range(1001)) + b"}"
    with pytest.raises(ValueError, match="too many members"):
        canonical_json.members(text)


@pytest.mark.parametrize("text", [b"", b'"', b"1", b"a", b'"a', b'"a"b', rb'"\ud800"', b' "a"'])
def test_what_is_no_string_is_not_unquoted(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON text|half a character"):
        canonical_json.unquote(text)


def test_texts_that_may_change_are_refused() -> None:
    for read in (canonical_json.decode, canonical_json.members, canonical_json.elements, canonical_json.unquote):
        with pytest.raises(TypeError, match="bytes, or a view of bytes"):
            read(bytearray(b"{}"))


def test_long_texts_of_each_width() -> None:
    for character in ("a", "\n", "é", "\u2028", "😀", "\ud800"):
        text = character * 100_000 + '"'
        assert canonical_json.decode(canonical_json.encode([text, text])) == [text, text]
        if character != "\ud800":
            assert canonical_json.unquote(canonical_json.quote(text)) == text.encode()


def test_other_threads_run_while_long_texts_are_read_and_written() -> None:
    text = "a\n" * 10_000_000
    numbers = [1.5] * 2_000_000
    quoted = canonical_json.quote(text)
    many = canonical_json.encode(numbers)
    work = [
        lambda: canonical_json.quote(text),
        lambda: canonical_json.unquote(quoted),
        lambda: canonical_json.members(b'{"a":%b}' % quoted),
        lambda: canonical_json.encode({"a": text}),
        lambda: canonical_json.decode(quoted),
        lambda: canonical_json.decode(many),
        lambda: canonical_json.encode(numbers),
    ]
    for step in work:
        assert others_run_beside(step)


def test_lists_that_others_change_meanwhile() -> None:
    numbers: list[Any] = [[1]] * 500_000
    thread = threading.Thread(target=canonical_json.encode, args=(numbers,))
    thread.start()
    while thread.is_alive():
        del numbers[1000:]
        numbers.extend([[2]] * 100_000)
    assert canonical_json.encode(numbers[:1]) == b"[[1]]"
