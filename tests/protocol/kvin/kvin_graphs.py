"""Values as graphs of JSON, which Python and JavaScript build alike: ``kvin_graphs.js`` is the other side.

A graph is a list of nodes, of which the first is the value; nodes name each other by their place, in cycles too::

    [["object", [["a", 1]]], ["array", 3, [["0", 0]], []]]

``["array", length, elements, properties]``, ``["map", [[key, value]...], properties]``, ``["set", values]``,
``["error", message, properties]``, ``["typed", class, bytes in hexadecimal]`` ...

``describe`` gives a value as one tree, in which ``["seen", n]`` is the object that was met as the n-th, and
members are ``["=", name, value]``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from dcp_protocol import kvin
from dcp_protocol.kvin.describe import number_text

Node = list[Any]
Graph = list[Node]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TYPES = {
    "Int8Array": "i1", "Uint8Array": "u1", "Uint8ClampedArray": "u1", "Int16Array": "<i2", "Uint16Array": "<u2",
    "Int32Array": "<i4", "Uint32Array": "<u4", "Float32Array": "<f4", "Float64Array": "<f8", "BigInt64Array": "<i8",
    "BigUint64Array": "<u8",
}  # fmt: skip
_CLASSES = {np.dtype(code): name for name, code in TYPES.items() if name != "Uint8ClampedArray"}


def build(graph: Graph) -> Any:
    values = [_empty(node) for node in graph]
    for value, node in zip(values, graph, strict=True):
        _fill(value, node, values)
    return values[0]


def _empty(node: Node) -> Any:
    kind, *rest = node
    if kind == "array":
        length, elements, properties = rest
        return [None] * length if len(elements) == length and not properties else kvin.Array(length=length)
    return _EMPTY[kind](*rest)


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if abs(number) <= 2**53 and number.is_integer() and text != "-0" else number


def _typed(name: str, data: str) -> Any:
    held = bytes.fromhex(data)
    if name == "DataView":
        return kvin.DataView(held)
    array = np.frombuffer(held, TYPES[name])
    return array.view(kvin.Uint8ClampedArray) if name == "Uint8ClampedArray" else array


_EMPTY: dict[str, Callable[..., Any]] = {
    "null": lambda: None,
    "undefined": lambda: kvin.UNDEFINED,
    "number": _number,
    "boolean": bool,
    "string": str,
    "bigint": kvin.BigInt,
    "symbol": kvin.Symbol,
    "date": lambda moment: EPOCH + timedelta(milliseconds=moment),
    "regexp": kvin.RegExp,
    "url": kvin.URL,
    "boxed": kvin.Boxed,
    "typed": _typed,
    "object": lambda _: {},
    "map": lambda *_: kvin.Map(),
    "set": lambda _: kvin.Set(),
    "error": lambda message, _: kvin.JSError(message),
}


def _fill(value: Any, node: Node, values: list[Any]) -> None:
    match node:
        case ["object", members]:
            value.update({name: values[place] for name, place in members})
        case ["array", _, elements, properties]:
            if isinstance(value, list):
                value[:] = [values[place] for _, place in elements]
            else:
                value.elements.update({int(index): values[place] for index, place in elements})
                value.properties.update({name: values[place] for name, place in properties})
        case ["map", entries, properties]:
            for key, place in entries:
                value[values[key]] = values[place]
            value.properties.update({name: values[place] for name, place in properties})
        case ["set", places]:
            for place in places:
                value.add(values[place])
        case ["error", _, properties]:
            value.properties.update({name: values[place] for name, place in properties})


_OBJECTS = {"symbol", "date", "regexp", "url", "boxed", "typed", "object", "array", "map", "set", "error"}


def describe(value: Any) -> Any:
    return _Describer().see(value)


class _Describer:
    def __init__(self) -> None:
        self._seen: dict[int, int] = {}

    def see(self, value: Any) -> Any:
        if value is None:
            return ["null"]
        if value is kvin.UNDEFINED:
            return ["undefined"]
        if isinstance(value, bool):
            return ["boolean", value]
        if isinstance(value, str):
            return ["string", value]
        if isinstance(value, kvin.BigInt):
            return ["bigint", str(int(value))]
        if isinstance(value, int | float):
            return ["number", number_text(value)]
        if id(value) in self._seen:
            return ["seen", self._seen[id(value)]]
        self._seen[id(value)] = len(self._seen)
        return self._object(value)

    def _members(self, members: dict[str, Any]) -> list[Any]:
        indices = sorted((name for name in members if _is_index(name)), key=int)
        names = [*indices, *(name for name in members if not _is_index(name))]
        return [["=", name, self.see(members[name])] for name in names]

    def _object(self, value: Any) -> Any:
        match value:
            case dict():
                return ["object", self._members(value)]
            case list():
                elements = [["=", str(index), self.see(element)] for index, element in enumerate(value)]
                return ["array", len(value), elements, []]
            case kvin.Array():
                elements = [["=", str(index), self.see(element)] for index, element in sorted(value.elements.items())]
                return ["array", value.length, elements, self._members(value.properties)]
            case kvin.Map():
                entries = [[self.see(key), self.see(member)] for key, member in value.items()]
                return ["map", entries, self._members(value.properties)]
            case kvin.Set():
                return ["set", [self.see(member) for member in value]]
            case kvin.JSError():
                first = [name for name in ("code", "stack", "lineNumber", "fileName") if name in value.properties]
                ordered = {name: value.properties[name] for name in [*first, *value.properties]}
                return ["error", value.message, self._members(ordered)]
            case np.ndarray():
                clamped = isinstance(value, kvin.Uint8ClampedArray)
                return ["typed", "Uint8ClampedArray" if clamped else _CLASSES[value.dtype], value.tobytes().hex()]
            case kvin.DataView():
                return ["typed", "DataView", value.data.hex()]
            case kvin.Symbol():
                return ["symbol", value.description]
            case datetime():
                return ["date", (value - EPOCH) // timedelta(milliseconds=1)]
            case kvin.RegExp():
                return ["regexp", value.source, value.flags]
            case kvin.URL():
                return ["url", value.href]
            case kvin.Boxed():
                return ["boxed", self.see(value.value)]
        raise TypeError(f"nothing describes a {type(value).__name__}")


def _is_index(name: str) -> bool:
    return name.isascii() and name.isdigit() and str(int(name)) == name and int(name) < 2**32 - 1


def as_kept(tree: Any) -> Any:
    """A described value without what a text does not keep: which plain objects are the same one, and most -0."""
    return _Keeper(tree).tree


_JSON = ("null", "boolean", "string", "number")


class _Keeper:
    def __init__(self, tree: Any) -> None:
        self._objects: list[Any] = []
        self._plain: dict[int, bool] = {}
        self._collect(tree)
        self._numbers: dict[int, int] = {}
        self.tree = self._keep(tree)

    def _collect(self, tree: Any) -> None:
        """In the order in which they are numbered."""
        if _is_object(tree):
            self._objects.append(tree)
        for part in tree:
            if isinstance(part, list):
                self._collect(part)

    def _is_plain(self, tree: Any) -> bool:
        """Whether JSON holds all of it, without a cycle: kvin.js, isPrimitiveLike."""
        if tree[0] == "seen":
            return self._is_plain(self._objects[tree[1]])
        if tree[0] == "object":
            if id(tree) not in self._plain:
                self._plain[id(tree)] = False
                self._plain[id(tree)] = all(self._is_plain(member) for *_, member in tree[1])
            return self._plain[id(tree)]
        if tree[0] == "number":
            return tree[1] not in ("NaN", "Infinity", "-Infinity")
        return tree[0] in _JSON or tree == ["array", 0, [], []]

    def _keep(self, tree: Any) -> Any:
        if tree == ["number", "-0"]:
            return ["number", "0"]
        if tree[:1] == ["seen"]:
            target = self._objects[tree[1]]
            return self._keep(target) if self._is_plain(target) else ["seen", self._numbers[id(target)]]
        if _is_object(tree) and not self._is_plain(tree):
            self._numbers[id(tree)] = len(self._numbers)
        return [self._keep(part) if isinstance(part, list) else part for part in tree]


def _is_object(tree: Any) -> bool:
    return bool(tree) and isinstance(tree[0], str) and tree[0] in _OBJECTS
