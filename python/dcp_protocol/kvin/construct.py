"""Values made of what kvin.js wrote: the parts of its ``unprepare`` that make an object of a class.

No name is ever looked up but in the tables here, and nothing of the data is run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from ..canonical_json import decode
from .describe import CONSTRUCTORS, NAME
from .typed_arrays import NAMES, NUMBERED, array_of, read_array
from .values import (
    MOST_LENGTH,
    UNDEFINED,
    URL,
    Array,
    BigInt,
    Boxed,
    Constructed,
    DataView,
    Function,
    JSError,
    Map,
    Promise,
    RegExp,
    Set,
    Symbol,
)

VERSIONS = ("v4", "v5", "v6", "v7", "v8", "v9")
"""What kvin 9.0.0 reads."""
_MOST_DIGITS = 4300  # of a BigInt: Python takes quadratic time, and has this limit
_BIG_INT = re.compile(rf"[-+]?[0-9]{{1,{_MOST_DIGITS}}}")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_MOST_NUMBER = 2000  # characters
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{3})Z", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ERRORS = frozenset(
    {"Error", "EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError", "AggregateError",
     "DCPError"}
)  # fmt: skip
_URLS = frozenset({"URL", "dcpUrl$$DcpURL"})

Constructor = Callable[..., Any]
"""Called with the constructor's arguments, which are JSON values."""


class _Unfinished:
    """Stands in the list of references for an object that is made when its properties are known."""

    def __init__(self, label: str, arguments: tuple[Any, ...]) -> None:
        self.label = label
        self.arguments = arguments


class Constructors:
    """What the native reader asks. ``known``: more constructors, by name; they come before those here."""

    undefined = UNDEFINED
    map = Map
    set = Set
    array = Array

    def __init__(self, known: Mapping[str, Constructor], depth: int) -> None:
        self._known = known
        self._depth = depth

    def construct(self, label: object, arguments: tuple[Any, ...]) -> Any:
        """An object to which properties come, or that is one without."""
        name = _name(label)
        if name in self._known:
            return _Unfinished(name, arguments)
        made = _MADE[name](name, arguments) if name in _MADE else None
        return Constructed(name, arguments) if made is None else made

    def finish(self, made: Any, properties: dict[str, Any]) -> Any:
        if isinstance(made, JSError | Function | Constructed):
            made.properties.update(properties)
            return made
        if isinstance(made, _Unfinished):
            value = self._known[made.label](*made.arguments)
            if properties:
                raise ValueError(f"{made.label} has properties, for which its value has no place")
            return value
        if isinstance(made, dict):
            made.update(properties)
        elif properties:
            raise ValueError(f"a {type(made).__name__} has properties of its own, for which its value has no place")
        return made

    def refer(self, value: Any) -> Any:
        if isinstance(value, _Unfinished):
            raise ValueError(f"{value.label} refers to itself, which its value cannot")
        return value

    def number(self, text: object) -> float:
        if text in ("NaN", "Infinity", "-Infinity"):
            return float(str(text))
        if isinstance(text, str) and len(text) <= _MOST_NUMBER and _NUMBER.fullmatch(text):
            return float(text)
        raise ValueError("a number is written as no number")

    def bigint(self, text: object) -> BigInt:
        if isinstance(text, str) and _BIG_INT.fullmatch(text):
            return BigInt(text)
        raise ValueError(f"a BigInt is written as no whole number of at most {_MOST_DIGITS} digits")

    def symbol(self, description: object) -> Symbol:
        return Symbol(_text(description))

    def function(self, name: object, source: object, label: object) -> Function:
        kind = "Function" if label is None else _name(label)
        return Function(_text(name), "" if source is None else _text(source), {}, kind)

    def promise(self, rejected: bool) -> Promise:
        return Promise(UNDEFINED, rejected)

    def settle(self, promise: Promise, value: Any) -> None:
        promise.value = value

    def json(self, text: object) -> Any:
        return decode(_text(text).encode(), depth=self._depth)

    def typed_array(self, formula: dict[str, Any], most: int) -> tuple[Any, int]:
        """The array and its bytes."""
        name = _name(formula.get("ctr"))
        if name not in NAMES:
            raise ValueError(f"{name} is no typed array")
        array = read_array(name, formula, most)
        return array, len(array.data) if isinstance(array, DataView) else array.nbytes

    def fill_map(self, into: Map, keys: list[Any], values: list[Any], properties: dict[str, Any]) -> None:
        if len(keys) != len(values):
            raise ValueError("a map has not as many values as keys")
        for key, value in zip(keys, values, strict=True):
            into[key] = value
        into.properties.update(properties)

    def fill_set(self, into: Set, values: list[Any]) -> None:
        for value in values:
            into.add(value)

    def fill_array(
        self, into: Array, prefix: list[Any], numbered: list[tuple[int, list[Any]]], properties: dict[str, Any],
        length: int | None,
    ) -> None:  # fmt: skip
        """``numbered``: where an island begins, and its elements."""
        into.elements.update(enumerate(prefix))
        for start, elements in numbered:
            into.elements.update(enumerate(elements, start))
        into.properties.update(properties)
        most = max(into.elements, default=-1) + 1
        if most > MOST_LENGTH:
            raise ValueError("an array has elements beyond 2**32 - 2")
        into.length = length or most
        if into.length < most:
            into.elements = {index: value for index, value in into.elements.items() if index < into.length}

    def check_header(self, formula: object) -> None:
        if not isinstance(formula, dict) or "_serializeVerId" not in formula or "what" not in formula:
            raise ValueError("this is not KVIN: there is no _serializeVerId, or no what")
        if formula["_serializeVerId"] not in VERSIONS:
            raise ValueError(f"KVIN of a version that is not among {', '.join(VERSIONS)}")


def _name(label: object) -> str:
    if isinstance(label, int) and not isinstance(label, bool):
        if 0 <= label < len(CONSTRUCTORS):
            return CONSTRUCTORS[label]
        raise ValueError(f"no constructor has the number {label}")
    if isinstance(label, str) and NAME.fullmatch(label):
        return label
    raise ValueError("a constructor has no name of letters, digits, _ and $")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("no text stands where a name or a source must be")
    return value


def _one(arguments: tuple[Any, ...]) -> Any:
    return arguments[0] if len(arguments) == 1 else None


def _date(_: str, arguments: tuple[Any, ...]) -> datetime | None:
    """None for a moment that Python's years from 1 to 9999 do not have, and for other forms than kvin.js writes."""
    moment = _one(arguments)
    try:
        if isinstance(moment, str) and (parts := _DATE.fullmatch(moment)):
            year, month, day, hour, minute, second, millisecond = map(int, parts.groups())
            return datetime(year, month, day, hour, minute, second, millisecond * 1000, UTC)
        if isinstance(moment, int | float) and not isinstance(moment, bool) and math.isfinite(moment):
            return _EPOCH + timedelta(milliseconds=int(moment))
    except (ValueError, OverflowError):
        pass
    return None


def _regexp(_: str, arguments: tuple[Any, ...]) -> RegExp | None:
    texts = 0 < len(arguments) <= 2 and all(isinstance(argument, str) for argument in arguments)
    return RegExp(*arguments) if texts else None


def _url(name: str, arguments: tuple[Any, ...]) -> URL | None:
    href = _one(arguments)
    return URL(href, name) if isinstance(href, str) else None


def _error(name: str, arguments: tuple[Any, ...]) -> JSError | None:
    message = _one(arguments)
    return JSError(message if isinstance(message, str) else "", constructor=name)


def _boxed(name: str, arguments: tuple[Any, ...]) -> Boxed | None:
    value = _one(arguments)
    if name == "Boolean":
        return Boxed(value not in (False, "false", None, 0, ""))
    if not isinstance(value, str):
        return None
    if name == "String":
        return Boxed(value)
    finite = len(value) <= _MOST_NUMBER and _NUMBER.fullmatch(value)
    return Boxed(float(value)) if finite or value in ("NaN", "Infinity", "-Infinity") else None


def _typed_array(name: str, arguments: tuple[Any, ...]) -> np.ndarray[Any, Any] | None:
    """As kvin.js writes it where it is tuned for speed."""
    numbers = _one(arguments)
    return array_of(name, numbers) if isinstance(numbers, list) else None


def _plain(_: str, arguments: tuple[Any, ...]) -> dict[str, Any] | None:
    return None if arguments else {}


_MADE: dict[str, Callable[[str, tuple[Any, ...]], Any]] = {
    "Object": _plain,
    "Date": _date,
    "RegExp": _regexp,
    "Number": _boxed,
    "String": _boxed,
    "Boolean": _boxed,
    **dict.fromkeys(NUMBERED, _typed_array),
    **dict.fromkeys(_URLS, _url),
    **dict.fromkeys(_ERRORS, _error),
}
