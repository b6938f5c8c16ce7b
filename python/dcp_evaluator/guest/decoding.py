"""A header and buffers as the value again. Whatever stands in them, no code runs but what is written here."""

from __future__ import annotations

import json
import math
import re
import sys
from array import array
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from importlib import import_module
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from . import arrays, registry
from .encoding import DEEPEST, PLAIN
from .object_error import ObjectError

_SCALARS = PLAIN | {int}
_CHILDREN = _SCALARS | {list}
_ZONE_NAME = re.compile(r"[A-Za-z0-9_+-]{1,40}(?:/[A-Za-z0-9_+-]{1,40}){0,2}", re.ASCII)
_MISSING = object()
_HEAVIEST = 1 << 26
"""So many items may a hash go through, in tuples that are one in another, each as often as it is there."""
_KEYS_AT_A_TIME = 1024
_SECONDS, _SECONDS_PER_KEY = 1.0, 5e-6
"""CPU time that keys may take: many times what keys take that were not chosen to collide."""
_VALUE_COST, _CONTAINER_COST = 64, 256


class Decoder:
    """Makes the value of one header. ``limit``: what it may cost in bytes, where whoever made it is not trusted."""

    def __init__(self, header: Any, buffers: Sequence[Any], limit: int | None) -> None:
        self._buffers = [_flat(buffer) for buffer in buffers]
        self._limit = limit
        self._spend_on_keys = _KeyBudget() if limit is not None else None
        self._root, self._entries = self._parsed(header)
        self._made: list[Any] = [_MISSING] * len(self._entries)
        self._extents: dict[int, tuple[int, int]] = {}  # of each tuple: how deep, how many items for a hash
        self._under_way: set[int] = set()

    def decode(self) -> Any:
        for number, entry in enumerate(self._entries):
            shell = _SHELLS.get(entry[0])
            if shell is not None:
                self._made[number] = shell(self, *entry[1:])
        for number, entry in enumerate(self._entries):
            fill = _FILLERS.get(entry[0])
            if fill is not None:
                fill(self, self._made[number], *entry[1:])
            else:
                self._value(number)
        return self._child(self._root)

    def _parsed(self, header: Any) -> tuple[Any, list[list[Any]]]:
        data = header.encode("utf-8", "surrogatepass") if isinstance(header, str) else bytes(_flat(header))
        if self._limit is not None:
            containers = data.count(b"[") + data.count(b"{")
            self._charge(len(data) + _VALUE_COST * data.count(b",") + _CONTAINER_COST * containers)
        root, entries = json.loads(data.decode("utf-8", "surrogatepass"))
        if not isinstance(entries, list) or not all(type(e) is list and e and type(e[0]) is str for e in entries):
            raise ObjectError("the header has no entries")
        return root, entries

    def _value(self, number: int) -> Any:
        """The value of an entry. It is made now where it is not yet: a tuple may be in a list that is in the tuple."""
        made = self._made[number]
        if made is not _MISSING:
            return made
        if number in self._under_way:
            raise ObjectError("a value that cannot change contains itself")
        self._under_way.add(number)
        tag, *fields = self._entries[number]
        if tag in _HASHED:
            self._measure(number, fields[-1])
        builder = _BUILDERS.get(tag)
        if builder is None:
            raise ObjectError("the header has an entry of an unknown kind")
        made = self._made[number] = builder(self, *fields)
        return made

    def _measure(self, number: int, items: Any) -> None:
        """Bounds what a hash of the entry costs: it goes down in C, and through what is shared once for each time."""
        depth, weight = 1, self._length(items)
        for item in items if isinstance(items, list) else ():
            if type(item) is list:
                child = self._reference(item)
                self._value(child)
                below, more = self._extents.get(child, (0, 0))
                depth, weight = max(depth, below + 1), weight + more
        if depth > DEEPEST:
            raise ObjectError(f"tuples lie in each other more than {DEEPEST} deep")
        if weight > _HEAVIEST:
            raise ObjectError("a tuple has too many items, with those of its tuples")
        self._extents[number] = depth, weight

    def _reference(self, child: list[Any]) -> int:
        (number,) = child
        if type(number) is not int or not 0 <= number < len(self._entries):
            raise ObjectError("the header names an entry that is not there")
        return number

    def _child(self, child: Any) -> Any:
        if type(child) is list:
            return self._value(self._reference(child))
        if type(child) not in _SCALARS:
            raise ObjectError("the header has a value where none may stand")
        return child

    def _children(self, items: Any) -> list[Any]:
        if type(items) is dict:
            return self._numbers(items)
        if type(items) is not list:
            raise ObjectError("the header has no items where some must stand")
        kinds = set(map(type, items))
        if kinds <= _SCALARS:
            return items
        if not kinds <= _CHILDREN:
            raise ObjectError("the header has a value where none may stand")
        return [self._value(self._reference(item)) if type(item) is list else item for item in items]

    def _numbers(self, items: dict[Any, Any]) -> list[Any]:
        ((code, place),) = items.items()
        if code not in ("d", "q"):
            raise ObjectError("the header has numbers of an unknown kind")
        data = self.data(place)
        self._charge(data.nbytes * 5)
        numbers = array(code)
        numbers.frombytes(data)
        return numbers.tolist()

    def _length(self, items: Any) -> int:
        return sum(self.data(place).nbytes // 8 for place in items.values()) if type(items) is dict else len(items)

    def _charge(self, more: int) -> None:
        if self._limit is not None:
            self._limit -= more
            if self._limit < 0:
                raise ObjectError("the value takes more bytes than it may take")

    def data(self, place: Any) -> memoryview:
        """The bytes that an entry names."""
        number, start, size = place
        if number == size == 0:
            return memoryview(b"")
        if not all(type(n) is int and n >= 0 for n in (number, start, size)) or number >= len(self._buffers):
            raise ObjectError("the header names a buffer that is not there")
        buffer: memoryview = self._buffers[number]
        if start + size > buffer.nbytes:
            raise ObjectError("the header names bytes that are not there")
        return buffer[start : start + size]

    def copied(self, place: Any) -> memoryview:
        """Likewise, for what is copied: a header may name the same bytes again and again."""
        data = self.data(place)
        self._charge(data.nbytes)
        return data

    # --- What cannot change ---

    def _int(self, digits: str) -> int:
        return int(digits, 16)

    def _str(self, place: Any) -> str:
        return str(self.copied(place), "utf-8", "surrogatepass")

    def _bytes(self, place: Any) -> bytes:
        return bytes(self.copied(place))

    def _bytearray(self, place: Any) -> bytearray:
        return bytearray(self.copied(place))

    def _memoryview(self, place: Any, form: Any, shape: Any) -> Any:
        return arrays.view_of(self.data(place), form, arrays.shape_of(shape))

    def _tuple(self, items: Any) -> tuple[Any, ...]:
        return tuple(self._children(items))

    def _frozenset(self, items: Any) -> frozenset[Any]:
        made: set[Any] = set()
        self._add_keys(made.update, self._children(items))
        return frozenset(made)

    def _range(self, items: Any) -> range:
        return range(*self._children(items))

    def _slice(self, items: Any) -> slice:
        start, stop, step = self._children(items)
        return slice(start, stop, step)

    def _complex(self, real: Any, imaginary: Any) -> complex:
        return complex(real, imaginary)

    def _datetime(self, text: str, fold: int, zone: Any) -> datetime:
        naive = datetime.fromisoformat(text)
        return naive.replace(tzinfo=_zone(zone), fold=fold)

    def _date(self, text: str) -> date:
        return date.fromisoformat(text)

    def _time(self, text: str, fold: int, zone: Any) -> time:
        return time.fromisoformat(text).replace(tzinfo=_zone(zone), fold=fold)

    def _timedelta(self, days: int, seconds: int, microseconds: int) -> timedelta:
        return timedelta(days, seconds, microseconds)

    def _timezone(self, zone: Any) -> tzinfo:
        found = _zone(zone)
        if found is None:
            raise ObjectError("a time zone is none")
        return found

    def _decimal(self, text: str) -> Decimal:
        return Decimal(text)

    def _uuid(self, digits: str) -> UUID:
        return UUID(digits)

    def _ellipsis(self) -> Any:
        return ...

    def _array(self, place: Any, described: Any, shape: Any, order: Any) -> Any:
        numpy = _numpy()
        data, shape = self.data(place), arrays.shape_of(shape)
        if order not in ("C", "F"):
            raise ObjectError("the order of an array is none")
        if numpy is None:
            return arrays.memoryview_of(data, described, shape, order)
        dtype = arrays.dtype_of(described, numpy)
        count = math.prod(shape)
        if dtype.itemsize * count != data.nbytes:
            raise ObjectError("an array has another size than its shape says")
        if dtype.itemsize == 0:
            self._charge(count)  # whoever goes through it does so for each item
        return numpy.ndarray(shape, dtype, buffer=data, order=order)

    def _scalar(self, place: Any, described: Any) -> Any:
        numpy, data = _numpy(), bytes(self.copied(place))
        if numpy is None:
            return arrays.number_of(data, described)
        (value,) = numpy.ndarray((1,), arrays.dtype_of(described, numpy), buffer=data)
        return value.copy() if isinstance(value, numpy.void) else value

    def _object(self, name: Any, names: Any, items: Any) -> Any:
        values = self._children(items)
        if not isinstance(names, list) or len(names) != len(values) or not all(type(n) is str for n in names):
            raise ObjectError("an instance has other fields than values")
        fields = dict(zip(names, values, strict=True))
        known = registry.registered_name(name) if isinstance(name, str) else None
        if known is None:
            return fields
        try:
            return known.make(**fields)
        except Exception as error:  # the user's own code, with foreign values
            raise ObjectError(f"an instance of {known.name} cannot be made: {type(error).__name__}") from error

    # --- What can change: it is there before its items, which may contain it ---

    def _fill_list(self, made: list[Any], items: Any) -> None:
        made.extend(self._children(items))

    def _fill_set(self, made: set[Any], items: Any) -> None:
        self._add_keys(made.update, self._children(items))

    def _fill_dict(self, made: dict[Any, Any], items: Any) -> None:
        both = self._children(items)
        keys, values = both[: len(both) // 2], both[len(both) // 2 :]
        unused = iter(values)
        self._add_keys(lambda part: made.update(zip(part, unused, strict=False)), keys)
        if len(made) != len(values):
            raise ObjectError("a dict has a key twice, or a value without one")

    def _fill_objects(self, made: Any, shape: Any, order: str, items: Any) -> None:
        flat = made.reshape(-1, order=order)  # a view
        for index, item in enumerate(self._children(items)):
            flat[index] = item

    def _objects_shell(self, shape: Any, order: Any, items: Any) -> Any:
        numpy = _numpy()
        if numpy is None:
            raise ObjectError("an array of Python objects needs numpy here")
        if order not in ("C", "F") or math.prod(arrays.shape_of(shape)) != self._length(items):
            raise ObjectError("an array has another size than its shape says")
        return numpy.empty(shape, dtype=object, order=order)

    def _add_keys(self, add: Callable[[list[Any]], Any], keys: list[Any]) -> None:
        if self._spend_on_keys is None or (sys.flags.hash_randomization and set(map(type, keys)) <= {str}):
            add(keys)
            return
        for start in range(0, len(keys), _KEYS_AT_A_TIME):
            self._spend_on_keys(add, keys[start : start + _KEYS_AT_A_TIME])


class _KeyBudget:
    """CPU time for keys. Numbers can be chosen so that each collides with all before: a million would take hours."""

    def __init__(self) -> None:
        from time import thread_time  # which a sandbox does not have, and not need

        self._clock = thread_time
        self._left = _SECONDS

    def __call__(self, add: Callable[[list[Any]], Any], keys: list[Any]) -> None:
        begin = self._clock()
        add(keys)
        self._left += _SECONDS_PER_KEY * len(keys) - (self._clock() - begin)
        if self._left < 0:
            raise ObjectError("the keys of a dict or set were chosen to take long")


def _flat(buffer: Any) -> memoryview:
    view = memoryview(buffer)
    return view.cast("B") if view.nbytes else memoryview(b"")


def _zone(zone: Any) -> tzinfo | None:
    if zone is None:
        return None
    microseconds, name, known = zone
    if known:
        if type(name) is not str or not _ZONE_NAME.fullmatch(name):
            raise ObjectError("the name of a time zone is none")
        try:
            return ZoneInfo(name)
        except (LookupError, OSError, ValueError):
            if microseconds is None:
                raise ObjectError(f"the time zone {name} is not known here; install the package tzdata") from None
            name = None
    offset = timedelta(microseconds=microseconds)
    return timezone(offset) if name is None else timezone(offset, name)


def _numpy() -> Any:
    try:
        return import_module("numpy")
    except ImportError:
        return None


_HASHED = frozenset(("tuple", "frozenset", "slice", "range", "object"))
_SHELLS: dict[str, Callable[..., Any]] = {
    "list": lambda decoder, items: [],
    "set": lambda decoder, items: set(),
    "dict": lambda decoder, items: {},
    "objects": Decoder._objects_shell,
}
_FILLERS: dict[str, Callable[..., Any]] = {
    "list": Decoder._fill_list,
    "set": Decoder._fill_set,
    "dict": Decoder._fill_dict,
    "objects": Decoder._fill_objects,
}
_BUILDERS: dict[str, Callable[..., Any]] = {
    "int": Decoder._int,
    "str": Decoder._str,
    "bytes": Decoder._bytes,
    "bytearray": Decoder._bytearray,
    "memoryview": Decoder._memoryview,
    "tuple": Decoder._tuple,
    "frozenset": Decoder._frozenset,
    "range": Decoder._range,
    "slice": Decoder._slice,
    "complex": Decoder._complex,
    "datetime": Decoder._datetime,
    "date": Decoder._date,
    "time": Decoder._time,
    "timedelta": Decoder._timedelta,
    "zone": Decoder._timezone,
    "decimal": Decoder._decimal,
    "uuid": Decoder._uuid,
    "ellipsis": Decoder._ellipsis,
    "array": Decoder._array,
    "scalar": Decoder._scalar,
    "object": Decoder._object,
}
