"""What is written of values that JSON does not have: the parts of kvin.js's ``prepare`` that look at a value's class.

What ``describe`` returns is for native/protocol/kvin_writer.cpp, which does the parts of a value itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any

import numpy as np

from ..canonical_json import encode
from .typed_arrays import write_array, write_bytes
from .values import (
    MOST_LENGTH,
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
    Undefined,
)

# native/protocol/kvin_writer.cpp: Kind, Part
_PRIMITIVE, _FORMULA, _OBJECT, _SPARSE = range(4)
_ELEMENTS, _MEMBERS, _BARE_MEMBERS, _NESTED, _LATER = range(5)


CONSTRUCTORS = (
    "Object", "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array",
    "Float32Array", "Float64Array", "RegExp", "Number", "String", "Boolean", "Array", "Function", "Error", "Promise",
    "URL", "Date", "Set",
)  # fmt: skip
"""kvin.js: ``KVIN.prototype.ctors``. What has a place here is written as its number."""
_NUMBERS = {name: number for number, name in enumerate(CONSTRUCTORS)}
NAME = re.compile(r"[A-Za-z_0-9$]+")
_NUMBER = re.compile(r"\s*[-+]?(?:\d|\.\d|Infinity$|0[xXoObB]|$)|NaN$")

Description = tuple[int, Any]


class Describer:
    """What the native writer asks. ``version`` is 8 or 9."""

    big_int = BigInt

    def __init__(self, version: int) -> None:
        self.header = {"_serializeVerId": f"v{version}"}
        self._version = version

    def describe(self, value: Any) -> Description:
        """Raises TypeError for what has no counterpart in JavaScript."""
        for kind in type(value).__mro__:
            if (found := _DESCRIBED.get(kind)) is not None:
                return found(value, self._version)
        if isinstance(value, Mapping):
            return _map(value, self._version)
        if isinstance(value, AbstractSet):
            return _set(value, self._version)
        raise TypeError(f"kvin has nothing for a {type(value).__module__}.{type(value).__qualname__}")


def _object(constructor: str, properties: dict[str, Any], **rest: Any) -> Description:
    if not NAME.fullmatch(constructor):
        raise ValueError(f"no constructor has the name {constructor!a}")
    label = _NUMBERS.get(constructor, constructor)
    return _OBJECT, {"ctr": label, "ps": (_MEMBERS, properties), **rest}


def _scalar(value: np.generic, _: int) -> Description:
    primitive = value.item()
    if not isinstance(primitive, bool | int | float | str):
        raise TypeError(f"kvin has nothing for numpy's {value.dtype}")
    return _PRIMITIVE, primitive


def _undefined(_value: Undefined, _: int) -> Description:
    return _FORMULA, {"undefined": True}


def _symbol(symbol: Symbol, _: int) -> Description:
    return _OBJECT, {"symbol": symbol.description}


def _boxed(boxed: Boxed, _: int) -> Description:
    value = boxed.value
    if isinstance(value, bool):
        return _OBJECT, {"ctr": _NUMBERS["Boolean"], "arg": "true" if value else "false"}
    if isinstance(value, str):
        return _OBJECT, {"ctr": _NUMBERS["String"], "arg": value}
    return _OBJECT, {"ctr": _NUMBERS["Number"], "arg": number_text(float(value))}


def _regexp(expression: RegExp, _: int) -> Description:
    return _OBJECT, {"ctr": _NUMBERS["RegExp"], "args": [expression.source, expression.flags]}


def _url(url: URL, _: int) -> Description:
    return _object(url.constructor, {}, arg=url.href)


def _date(moment: datetime, _: int) -> Description:
    if moment.tzinfo is None:
        raise ValueError("a Date of JavaScript is a moment: give the datetime a time zone")
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return _object("Date", {}, arg=text.removesuffix("+00:00") + "Z")


def _error(error: BaseException, _: int) -> Description:
    if isinstance(error, JSError):
        properties, message = error.properties, error.message
    else:
        properties, message = {"name": type(error).__name__}, str(error)
        if isinstance(code := getattr(error, "code", None), str):
            properties = {"code": code, **properties}
    first = [name for name in ("code", "stack", "lineNumber", "fileName") if name in properties]
    ordered = {name: properties[name] for name in [*first, *properties]}
    return _OBJECT, {"ctr": "Error", "ps": (_BARE_MEMBERS, ordered), "arg": message}


def _function(function: Function, _: int) -> Description:
    return _object(function.constructor, function.properties, fnName=function.name, arg=function.source)


def _promise(promise: Promise, version: int) -> Description:
    if version >= 9:
        return _OBJECT, {"reject" if promise.rejected else "resolve": (_LATER, promise.value)}
    if promise.rejected:
        raise ValueError("kvin 8 has no promises that were rejected")
    return _OBJECT, {"resolve": (_NESTED, promise.value)}


def _constructed(value: Constructed, _: int) -> Description:
    arguments = list(value.arguments)
    if len(arguments) > 1:
        return _object(value.constructor, value.properties, args=arguments)
    return _object(value.constructor, value.properties, **({"arg": arguments[0]} if arguments else {}))


def _map(value: Mapping[Any, Any], _: int) -> Description:
    formula: dict[str, Any] = {"mapKeys": (_ELEMENTS, list(value.keys())), "mapVals": (_ELEMENTS, list(value.values()))}
    if isinstance(value, Map) and value.properties:
        formula["ps"] = (_BARE_MEMBERS, value.properties)
    return _OBJECT, formula


def _set(value: AbstractSet[Any], _: int) -> Description:
    return _OBJECT, {"set": (_ELEMENTS, list(value))}


def _array(array: Array, _: int) -> Description:
    if not array.length and not array.properties:
        return _PRIMITIVE, []
    entries: list[tuple[int | str, Any]] = sorted(array.elements.items(), key=lambda entry: entry[0])
    if not 0 <= array.length <= MOST_LENGTH or any(not 0 <= index < array.length for index in array.elements):
        raise ValueError("an index of an array lies beyond its length, or the length beyond 2**32 - 1")
    for name in array.properties:
        if name in ("length", "__proto__", "hasOwnProperty") or _NUMBER.match(name):
            raise ValueError(f"npm's kvin cannot write an array with a property named {name!a}")
    prefix: list[Any] = []
    while len(prefix) in array.elements:
        prefix.append(array.elements[len(prefix)])
    return _SPARSE, (prefix, [*entries, *array.properties.items()], array.length)


def _view(view: DataView, _: int) -> Description:
    return _OBJECT, write_bytes("DataView", view.data)


def _bytes(data: bytes | bytearray | memoryview, _: int) -> Description:
    return _OBJECT, write_bytes("Uint8Array", memoryview(data).cast("B"))


def _numpy(array: np.ndarray[Any, Any], _: int) -> Description:
    return _OBJECT, write_array(array)


def number_text(number: float) -> str:
    """As JavaScript's ``String(number)``."""
    if number != number:
        return "NaN"
    if number in (float("inf"), float("-inf")):
        return "Infinity" if number > 0 else "-Infinity"
    return encode(number).decode()


_DESCRIBED: dict[type, Callable[[Any, int], Description]] = {
    np.generic: _scalar,
    np.ndarray: _numpy,
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
    Undefined: _undefined,
    Symbol: _symbol,
    Boxed: _boxed,
    RegExp: _regexp,
    URL: _url,
    datetime: _date,
    BaseException: _error,
    Function: _function,
    Promise: _promise,
    Constructed: _constructed,
    Map: _map,
    Set: _set,
    Array: _array,
    DataView: _view,
}
