"""Values of JavaScript that Python has no type for."""

from __future__ import annotations

import enum
from collections.abc import Hashable, Iterable, Iterator, MutableMapping, MutableSet
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

MOST_LENGTH = 2**32 - 1
"""Of an array in JavaScript, in elements."""


class Undefined(enum.Enum):
    """The type of ``UNDEFINED``, whose truth is that of JavaScript's."""

    UNDEFINED = "undefined"

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = Undefined.UNDEFINED
"""JavaScript's ``undefined``."""


class BigInt(int):
    """A whole number that is a BigInt in JavaScript even where it would be a safe number."""

    def __repr__(self) -> str:
        return f"BigInt({int(self)})"


@dataclass(eq=False)
class Symbol:
    """A symbol. Each is one of its own, whatever its description."""

    description: str = ""


@dataclass(frozen=True)
class Boxed:
    """``new Number(1)``, ``new String("a")`` or ``new Boolean(true)``."""

    value: float | str | bool


@dataclass(frozen=True)
class RegExp:
    """A regular expression of JavaScript, as text. ``flags`` has one letter each."""

    source: str
    flags: str = ""


@dataclass(frozen=True)
class URL:
    """A URL as text. ``constructor`` is the class that it has in JavaScript: DCP's own is ``dcpUrl$$DcpURL``."""

    href: str
    constructor: str = "URL"

    def __str__(self) -> str:
        return self.href


class JSError(Exception):
    """An Error of JavaScript. ``properties`` are its own: code, stack, and what a program set.

    kvin does not write the name of an error; it is known where a program made it an own property.
    """

    def __init__(
        self, message: str = "", properties: dict[str, Any] | None = None, *, constructor: str = "Error"
    ) -> None:
        super().__init__(message)
        self.message = message
        self.properties: dict[str, Any] = {} if properties is None else properties
        self.constructor = constructor

    @property
    def name(self) -> Any:
        return self.properties.get("name", self.constructor)

    @property
    def code(self) -> Any:
        """None where there is none."""
        return self.properties.get("code")


@dataclass(eq=False)
class Function:
    """A function as text, never run. ``constructor``: ``Function``, ``AsyncFunction`` ..."""

    name: str
    source: str
    properties: dict[str, Any] = field(default_factory=dict)
    constructor: str = "Function"


@dataclass(eq=False)
class Promise:
    """A promise that is settled: what it was resolved or rejected with."""

    value: Any = UNDEFINED
    rejected: bool = False


@dataclass(eq=False)
class Constructed:
    """An object of a class that Python does not know: ``arguments`` of its constructor, then its own properties.

    Nothing is called when one is read. ``constructor`` is letters, digits, ``_`` and ``$``.
    """

    constructor: str
    arguments: tuple[Any, ...] = ()
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Array:
    """An array with holes, or with properties beside its elements.

    ``elements`` by index, of which each is below ``length``; an index without element is a hole.
    """

    elements: dict[int, Any] = field(default_factory=dict)
    length: int = 0
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DataView:
    """The bytes of a DataView."""

    data: bytes


class Uint8ClampedArray(np.ndarray[Any, np.dtype[np.uint8]]):
    """A numpy array of uint8 that is a Uint8ClampedArray in JavaScript: ``array.view(Uint8ClampedArray)``."""


def _key(value: Any) -> Hashable:
    """The same for what Map and Set of JavaScript take for one value (SameValueZero)."""
    if isinstance(value, bool | np.bool_):
        return (bool, bool(value))
    if isinstance(value, BigInt):
        return (BigInt, int(value))
    if isinstance(value, int | float | np.number):
        return (float, "NaN" if value != value else value)
    if value is None or value is UNDEFINED or isinstance(value, str):
        return (str, value)
    return (object, id(value))


class Map(MutableMapping[Any, Any]):
    """A Map of JavaScript: any keys, in the order in which they came.

    Numbers, texts and constants are the same key as in JavaScript (``True`` is not ``1``); others are by identity.
    """

    def __init__(self, entries: Iterable[tuple[Any, Any]] = ()) -> None:
        self.properties: dict[str, Any] = {}
        self._entries: dict[Hashable, tuple[Any, Any]] = {}
        for key, value in entries:
            self[key] = value

    def __getitem__(self, key: Any) -> Any:
        try:
            return self._entries[_key(key)][1]
        except KeyError:
            raise KeyError(key) from None

    def __setitem__(self, key: Any, value: Any) -> None:
        known = self._entries.get(_key(key))
        self._entries[_key(key)] = (known[0] if known else key, value)

    def __delitem__(self, key: Any) -> None:
        del self._entries[_key(key)]

    def __contains__(self, key: object) -> bool:
        return _key(key) in self._entries

    def __iter__(self) -> Iterator[Any]:
        return iter([key for key, _ in self._entries.values()])

    def __len__(self) -> int:
        return len(self._entries)

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other

    def __repr__(self) -> str:
        return f"Map of {len(self)}"


class Set(MutableSet[Any]):
    """A Set of JavaScript: any values, in the order in which they came, told apart as keys of ``Map`` are."""

    def __init__(self, values: Iterable[Any] = ()) -> None:
        self._values: dict[Hashable, Any] = {}
        for value in values:
            self.add(value)

    def add(self, value: Any) -> None:
        self._values.setdefault(_key(value), value)

    def discard(self, value: Any) -> None:
        self._values.pop(_key(value), None)

    def __contains__(self, value: object) -> bool:
        return _key(value) in self._values

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._values.values()))

    def __len__(self) -> int:
        return len(self._values)

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other

    def __repr__(self) -> str:
        return f"Set of {len(self)}"
