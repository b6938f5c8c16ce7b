"""A value as a header and buffers: ``objects`` has the grammar."""

from __future__ import annotations

import dataclasses
import json
import sys
from array import array
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from types import BuiltinFunctionType, CoroutineType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from . import arrays, registry

PLAIN = frozenset((bool, float, str, type(None)))
DEEPEST = 512
"""So deep may tuples and frozensets lie in each other: a hash goes down all of them, in C."""
_SHORT = PLAIN - {str}
_ATOMS = PLAIN | {int}
_INLINE_INTEGER = 1 << 63
_LONGEST_TEXT = 4096
_POOLED = 4096
_ALIGNMENT = 16
_FEWEST_NUMBERS = 32
_LONGEST_PLACE = 20

_to_json = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


class _Frame:
    """A container on the way: ``out`` has what stands for its first ``items``."""

    __slots__ = ("depth", "entry", "items", "labels", "mutable", "out", "reference")

    def __init__(
        self, entry: list[Any], items: Sequence[Any], labels: Sequence[str] | None = None, *, mutable: bool = True
    ) -> None:
        self.entry = entry
        self.items = items
        self.labels = labels
        self.mutable = mutable
        self.out: list[Any] = []
        self.reference: list[Any] = []
        self.depth = 0

    def place(self) -> str:
        """Where the item that is looked at stands, as in Python."""
        index = len(self.out)
        return f"[{index}]" if self.labels is None else self.labels[index]


class Encoder:
    """Makes the header and the buffers of one value. The first buffer has all short pieces, one after the other."""

    def __init__(self) -> None:
        self._entries: list[list[Any]] = []
        self._references: dict[int, list[Any]] = {}
        self._alive: list[Any] = []  # an id may be taken again when its object is gone
        self._stack: list[_Frame] = []
        self._pool = bytearray()
        self._buffers: list[Any] = [self._pool]

    def encode(self, value: Any) -> tuple[bytes, list[Any]]:
        """Without a buffer where nothing is in any. Raises TypeError for what cannot travel, with place and remedy."""
        try:
            root = self._child(value)
            while self._stack:
                self._go_on(self._stack[-1])
        except TypeError as error:
            raise TypeError(f"{self._place()}: {error}") from None
        header = _to_json([root, self._entries]).encode("utf-8", "surrogatepass")
        return header, self._buffers if self._pool or len(self._buffers) > 1 else []

    def _place(self) -> str:
        parts = [frame.place() for frame in self._stack]
        if len(parts) > _LONGEST_PLACE:
            parts[_LONGEST_PLACE // 2 : -_LONGEST_PLACE // 2] = ["..."]
        return "".join(["value", *parts])

    def _go_on(self, frame: _Frame) -> None:
        items, out = frame.items, frame.out
        for index in range(len(out), len(items)):
            child = self._child(items[index])
            if self._stack[-1] is not frame:
                return  # its reference is added when it is done, so that ``place`` is right until then
            out.append(child)
        self._stack.pop()
        self._close(frame)

    def _close(self, frame: _Frame) -> None:
        self._finish(frame.reference, [*frame.entry, self.numbers(frame.out)])
        if self._stack:
            self._stack[-1].out.append(frame.reference)

    def _finish(self, reference: list[Any], entry: list[Any]) -> None:
        reference.append(len(self._entries))
        self._entries.append(entry)

    def _child(self, value: Any) -> Any:
        """What stands for ``value``: itself, or its reference, which gets its number when the value is done."""
        kind = type(value)
        if kind is str:
            if len(value) <= _LONGEST_TEXT:
                return value
        elif kind in PLAIN or (kind is int and -_INLINE_INTEGER <= value < _INLINE_INTEGER):
            return value
        known = self._references.get(id(value))
        if known is not None:
            return self._again(known)
        opener = _OPENERS.get(kind)
        if opener is None:
            opener = _other_opener(value)
        opened = opener(self, value)
        if type(opened) is not _Frame and type(opened) is not list:
            return self._child(opened)  # a subclass's plain value
        reference: list[Any] = []
        self._references[id(value)] = reference
        self._alive.append(value)
        if isinstance(opened, _Frame):
            self._push(opened, reference)
        else:
            self._finish(reference, opened)
        return reference

    def _push(self, frame: _Frame, reference: list[Any]) -> None:
        frame.reference = reference
        if not frame.mutable and self._stack:
            frame.depth = self._stack[-1].depth + 1
            if frame.depth > DEEPEST:
                raise TypeError(f"tuples may lie in each other {DEEPEST} deep; use lists")
        self._stack.append(frame)

    def _again(self, reference: list[Any]) -> list[Any]:
        """``reference``, where the value can be made again: what contains itself needs something mutable between."""
        if not reference:
            for frame in reversed(self._stack):
                if frame.mutable:
                    break
                if frame.reference is reference:
                    raise TypeError(f"a registered {frame.entry[1]} contains itself; put a list or a dict between")
        return reference

    def is_key(self) -> bool:
        """Whether what is looked at must have a hash, on the other side too: a key, in a set, or in a tuple that is."""
        for frame in reversed(self._stack):
            if frame.entry[0] == "dict":
                return 2 * len(frame.out) < len(frame.items)
            if frame.mutable or frame.entry[0] == "frozenset":
                return frame.entry[0] in ("set", "frozenset")
        return False

    def place(self, data: Any) -> list[int]:
        """Puts bytes-like ``data``, contiguous, into the buffers: the number of its buffer, its start, its bytes."""
        view = memoryview(data)
        if view.nbytes > _POOLED:
            self._buffers.append(data)
            return [len(self._buffers) - 1, 0, view.nbytes]
        start = len(self._pool)
        if view.nbytes:
            self._pool += view.cast("B")
            self._pool += bytes(-len(self._pool) % _ALIGNMENT)
        return [0, start, view.nbytes]

    def numbers(self, items: list[Any]) -> Any:
        """``items``; many floats, or many ints, as bytes: their digits would take far longer."""
        if len(items) >= _FEWEST_NUMBERS:
            kinds = set(map(type, items))
            for kind, code in (float, "d"), (int, "q"):
                if kinds == {kind}:
                    return {code: self.place(memoryview(array(code, items)).cast("B"))}
        return items

    def container(self, entry: list[Any], items: list[Any], labels: Sequence[str] | None, **more: Any) -> Any:
        """The entry of a container where all items stand for themselves, else its frame."""
        if _stand_for_themselves(items):
            return [*entry, self.numbers(items)]
        return _Frame(entry, items, labels, **more)


def _stand_for_themselves(items: list[Any]) -> bool:
    """Whether all are plain, as far as that is seen at once."""
    kinds = set(map(type, items))
    if kinds == {int}:
        return bool(min(items) >= -_INLINE_INTEGER and max(items) < _INLINE_INTEGER)
    if kinds == {str}:
        return max(map(len, items)) <= _LONGEST_TEXT
    return kinds <= _SHORT or (kinds <= _ATOMS and all(map(_stands_for_itself, items)))


def _stands_for_itself(item: Any) -> bool:
    kind = type(item)
    if kind is int:
        return bool(-_INLINE_INTEGER <= item < _INLINE_INTEGER)
    return kind is not str or len(item) <= _LONGEST_TEXT


# --- What there is for each type: its entry, or a frame where it has items ---


def _open_integer(encoder: Encoder, value: int) -> list[Any]:
    return ["int", format(value, "x")]


def _open_text(encoder: Encoder, value: str) -> list[Any]:
    return ["str", encoder.place(value.encode("utf-8", "surrogatepass"))]


def _open_bytes(encoder: Encoder, value: bytes | bytearray) -> list[Any]:
    return ["bytes" if isinstance(value, bytes) else "bytearray", encoder.place(value)]


def _open_view(encoder: Encoder, value: memoryview) -> list[Any]:
    form, shape = arrays.view_format(value), list(value.shape or ())
    flat = value.cast("B") if value.c_contiguous and value.nbytes else value.tobytes()
    return ["memoryview", encoder.place(flat), form, shape]


def _open_list(encoder: Encoder, value: list[Any]) -> Any:
    return encoder.container(["list"], list(value), None)


def _open_tuple(encoder: Encoder, value: tuple[Any, ...]) -> Any:
    return encoder.container(["tuple"], list(value), None, mutable=False)


def _open_set(encoder: Encoder, value: set[Any]) -> Any:
    return encoder.container(["set"], list(value), ["{...}"] * len(value))


def _open_frozenset(encoder: Encoder, value: frozenset[Any]) -> Any:
    return encoder.container(["frozenset"], list(value), ["{...}"] * len(value), mutable=False)


class _KeyPlaces(Sequence[str]):
    """The places of a dict's keys, then those of its values; as text only where one is asked for."""

    def __init__(self, keys: list[Any]) -> None:
        self._keys = keys

    def __len__(self) -> int:
        return 2 * len(self._keys)

    def __getitem__(self, index: Any) -> Any:
        key = self._keys[index % len(self._keys)]
        shown = repr(key) if type(key) in (str, int) else f"<a {type(key).__name__}>"
        return f"[{shown:.80}]" if index >= len(self._keys) else f"{{key {shown:.80}}}"


def _open_dict(encoder: Encoder, value: dict[Any, Any]) -> Any:
    keys, values = list(value), list(value.values())
    if _stand_for_themselves(keys) and _stand_for_themselves(values):
        return ["dict", encoder.numbers([*keys, *values])]
    return _Frame(["dict"], [*keys, *values], _KeyPlaces(keys))


def _open_dataclass(encoder: Encoder, value: Any) -> _Frame:
    if encoder.is_key():
        raise TypeError(f"a {type(value).__qualname__} is a key or in a set, where no dict may be; register its class")
    fields = registry.all_fields(value)
    return _Frame(["dict"], [*fields, *fields.values()], [f".{name}" for name in fields] * 2)


def _open_registered(encoder: Encoder, value: Any) -> _Frame:
    known = registry.registered_type(type(value))
    assert known is not None
    fields = known.fields(value)
    return _Frame(["object", known.name, list(fields)], list(fields.values()), [f".{f}" for f in fields], mutable=False)


def _open_range(encoder: Encoder, value: range) -> Any:
    return encoder.container(["range"], [value.start, value.stop, value.step], None, mutable=False)


def _open_slice(encoder: Encoder, value: slice) -> Any:
    labels = [".start", ".stop", ".step"]
    return encoder.container(["slice"], [value.start, value.stop, value.step], labels, mutable=False)


def _open_complex(encoder: Encoder, value: complex) -> list[Any]:
    return ["complex", value.real, value.imag]


def _open_datetime(encoder: Encoder, value: datetime) -> list[Any]:
    if type(value).__module__.startswith("pandas"):
        raise TypeError("a time of pandas cannot travel; use .to_pydatetime() or .to_datetime64()")
    naive = value.replace(tzinfo=None, fold=0)
    return ["datetime", naive.isoformat(), value.fold, _zone(value.tzinfo, value)]


def _open_date(encoder: Encoder, value: date) -> list[Any]:
    return ["date", value.isoformat()]


def _open_time(encoder: Encoder, value: time) -> list[Any]:
    return ["time", value.replace(tzinfo=None, fold=0).isoformat(), value.fold, _zone(value.tzinfo, None)]


def _open_timedelta(encoder: Encoder, value: timedelta) -> list[Any]:
    return ["timedelta", value.days, value.seconds, value.microseconds]


def _open_zone(encoder: Encoder, value: tzinfo) -> list[Any]:
    return ["zone", _zone(value, None)]


def _zone(zone: tzinfo | None, when: datetime | None) -> list[Any] | None:
    """A zone by its name, with the offset at ``when`` for where the name is not known; all others by their offset."""
    if zone is None:
        return None
    offset = zone.utcoffset(when)
    microseconds = None if offset is None else offset // timedelta(microseconds=1)
    if isinstance(zone, ZoneInfo):
        if zone.key is None:
            raise TypeError("a ZoneInfo without a key cannot travel")
        return [microseconds, zone.key, True]
    if microseconds is None:
        raise TypeError(f"a time zone of type {type(zone).__name__} cannot travel; use datetime.timezone or ZoneInfo")
    named = isinstance(zone, timezone) and len(zone.__getinitargs__()) > 1  # type: ignore[attr-defined]
    return [microseconds, zone.tzname(None) if named else None, False]


def _open_decimal(encoder: Encoder, value: Decimal) -> list[Any]:
    return ["decimal", str(value)]


def _open_uuid(encoder: Encoder, value: UUID) -> list[Any]:
    return ["uuid", value.hex]


def _open_ellipsis(encoder: Encoder, value: Any) -> list[Any]:
    return ["ellipsis"]


def _open_array(encoder: Encoder, value: Any) -> list[Any] | _Frame:
    numpy = sys.modules["numpy"]
    if isinstance(value, numpy.ma.MaskedArray):
        raise TypeError("a masked array cannot travel; use array.filled()")
    value = numpy.asarray(value)
    order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
    shape = list(value.shape)
    if value.dtype.kind == "O":
        return _Frame(["objects", shape, order], value.ravel(order).tolist())
    described = arrays.describe(value.dtype)
    flat = value.ravel(order)  # a view where the array is contiguous
    data = flat.view(numpy.uint8) if value.nbytes else b""
    return ["array", encoder.place(data), described, shape, order]


def _open_scalar(encoder: Encoder, value: Any) -> list[Any]:
    if value.dtype.hasobject:
        raise TypeError(f"a numpy scalar of {value.dtype} cannot travel; send its fields one by one")
    return ["scalar", encoder.place(value.tobytes()), arrays.describe(value.dtype)]


_OPENERS: dict[type, Callable[[Encoder, Any], Any]] = {
    int: _open_integer,
    str: _open_text,
    bytes: _open_bytes,
    bytearray: _open_bytes,
    memoryview: _open_view,
    list: _open_list,
    tuple: _open_tuple,
    set: _open_set,
    frozenset: _open_frozenset,
    dict: _open_dict,
    range: _open_range,
    slice: _open_slice,
    complex: _open_complex,
    datetime: _open_datetime,
    date: _open_date,
    time: _open_time,
    timedelta: _open_timedelta,
    timezone: _open_zone,
    ZoneInfo: _open_zone,
    Decimal: _open_decimal,
    UUID: _open_uuid,
    type(...): _open_ellipsis,
}


def keeps_its_type(value: Any) -> bool:
    """Whether ``value`` arrives as an instance of its own class, if it can travel: what it has inside is not seen."""
    if type(value) in _ATOMS or type(value) in _OPENERS or registry.registered_type(type(value)) is not None:
        return True
    numpy = sys.modules.get("numpy")
    return numpy is not None and (type(value) is numpy.ndarray or isinstance(value, numpy.generic))


def _other_opener(value: Any) -> Callable[[Encoder, Any], Any]:
    """For numpy's values, registered classes, dataclasses, and subclasses, which travel as what they are made of."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        return _open_array
    if numpy is not None and isinstance(value, numpy.generic):
        return _open_scalar
    if registry.registered_type(type(value)) is not None:
        return _open_registered
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _open_dataclass
    for base, plain in _PLAIN_BASES.items():
        if isinstance(value, base):
            return plain
    for base, opener in _OPENERS.items():
        if isinstance(value, base):
            return opener
    raise TypeError(_refusal(value))


_PLAIN_BASES: dict[type, Callable[[Encoder, Any], Any]] = {
    int: lambda encoder, value: int.__index__(value),
    float: lambda encoder, value: float.__float__(value),
    str: lambda encoder, value: str.__str__(value),
}


_TYPE_REMEDIES: dict[type, str] = {
    FunctionType: "send what it returns",
    BuiltinFunctionType: "send what it returns",
    MethodType: "send what it returns",
    GeneratorType: "use list(...)",
    CoroutineType: "it was not awaited: write await before the call",
    ModuleType: "import it on the other side",
    type: "send its name, or what you make with it",
    BaseException: "use str(error), or raise it",
    tzinfo: "use datetime.timezone or zoneinfo.ZoneInfo",
}
_NAME_REMEDIES = {
    "pandas.DataFrame": "use frame.to_dict('list') or frame.to_numpy()",
    "pandas.Series": "use series.to_numpy()",
    "pandas.Index": "use index.to_numpy()",
    "pathlib.Path": "use str(path)",
    "enum.Enum": "use its .value, or register its class: dcp.register(...)",
    "fractions.Fraction": "use (fraction.numerator, fraction.denominator)",
    "collections.deque": "use list(...)",
    "array.array": "use numpy.array(...), or memoryview(...)",
    "scipy.sparse": "use matrix.toarray()",
    "PIL.Image": "use numpy.asarray(image)",
    "pyodide.ffi.JsProxy": "use proxy.to_py()",
    "pyodide.ffi.JsNull": "use None",
}


def _refusal(value: Any) -> str:
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"a value of type {name} cannot travel; {_remedy(value)}"


def _remedy(value: Any) -> str:
    for base, remedy in _TYPE_REMEDIES.items():
        if isinstance(value, base):
            return remedy
    for base in type(value).__mro__:
        for name, remedy in _NAME_REMEDIES.items():
            package, _, last = name.rpartition(".")
            if base.__module__.startswith(package) and (base.__name__ == last or base.__module__.startswith(name)):
                return remedy
    if hasattr(type(value), "__next__") or (hasattr(type(value), "__iter__") and hasattr(type(value), "__len__")):
        return "use list(...) or dict(...)"
    return "send dicts, lists and numpy arrays, or make its class a dataclass"
