"""KVIN: values of JavaScript as JSON texts, as npm's kvin 1.2.17 (format v8) and 9.0.0 (format v9) write and read them.

DCP sends with it what JSON does not have: arguments, results, its configuration. What is written here is, byte for
byte, what npm's kvin writes of the same value, and what any of both wrote, from v4 on, is read.

=====================================  ==========================================================================
Python                                 JavaScript
=====================================  ==========================================================================
``None``, bool, str                    null, boolean, string; lone surrogates stay
int up to 2**53, float                 number; -0.0, NaN and infinities too (in arrays and plain objects -0 is 0)
int beyond, ``BigInt``                 BigInt; read as ``BigInt``
``UNDEFINED``                          undefined
list, tuple                            Array; read as list
``Array``                              Array with holes or properties
dict with keys of str                  Object. Keys that are array indices come first
dict with other keys, ``Map``          Map; read as ``Map``
set, frozenset, ``Set``                Set; read as ``Set``. A set of Python has no order to keep
numpy array of one dimension           the typed array of its type; int64 and uint64 are BigInt64Array, BigUint64Array.
                                       A Buffer of Node is read as one
``Uint8ClampedArray``, ``DataView``    the same
bytes, bytearray, memoryview           Uint8Array; read as numpy array
numpy scalar                           number, boolean, string
datetime with a time zone              Date, to the millisecond; read in UTC
exception, ``JSError``                 Error; read as ``JSError``
``URL``, ``RegExp``, ``Boxed``         URL (or DCP's DcpURL), RegExp, new Number(1) and the like
``Symbol``, ``Function``               a symbol; a function, of which there is the text and which nothing calls
``Promise``                            a promise that is settled; one that was rejected only in v9
``Constructed``                        an object of any other class, dcpEth$$Address for one: its arguments, its members
=====================================  ==========================================================================

What cannot be written is a TypeError or ``KvinError``, never another value. One object in two places, and cycles, are
that again when they are read.

Where npm's kvin would lose a value, this differs from it. In what is written: a dict with a member ``constructor`` is
an object still; properties of errors that are objects or null can be read again; the few elements of an island in an
array with holes keep what JSON does not have; an array with as many properties as holes keeps both; negative numbers
nearer to zero than 5.6e-309 are not -0; promises are told from each other.

In what is read: references behind a map, a set or a long run in an array with holes mean what they meant to the
writer (kvin.js counts otherwise when it reads); ``new Boolean(false)`` is false; a promise that was rejected is one;
properties of errors that are no formulas are JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from .. import canonical_json
from .._native import kvin_deserialize, kvin_prepare, kvin_unmarshal
from ..errors import ProtocolError
from .construct import Constructor, Constructors
from .describe import Describer
from .values import (
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
    Uint8ClampedArray,
    Undefined,
)

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = [
    "DEPTH", "ITEMS", "MEMORY", "UNDEFINED", "URL", "Array", "BigInt", "Boxed", "Constructed", "DataView", "Function",
    "JSError", "KvinError", "Map", "Promise", "RegExp", "Set", "Symbol", "Uint8ClampedArray", "Undefined", "Version",
    "deserialize", "marshal", "serialize", "unmarshal",
]  # fmt: skip

Version = Literal[8, 9]
"""8: what dcp-client 4 writes, and reads; 9: what dcp-client 5 writes. It reads both."""

DEPTH = 1000
"""How deep values may be nested at most; ``depth`` may say less."""

ITEMS = 100_000_000
"""How many parts a value may have that is written; a plain object in two places counts twice."""

MEMORY = 1 << 29
"""How many bytes a value may take that is read: a short text may stand for an array of any size."""

_JSON_LEVELS = 5  # a level of a value is at most so many of its JSON
_CODE = "EKVIN"


class KvinError(ProtocolError, ValueError):
    """A value that cannot be written, or a text that is no value, with code ``EKVIN``."""

    def __init__(self, message: str) -> None:
        super().__init__(_CODE, message)


def serialize(value: object, version: Version = 9, *, depth: int = DEPTH, items: int = ITEMS) -> bytes:
    """The text of a value, in UTF-8: kvin.js ``serialize``. Raises KvinError, TypeError."""
    prepared = marshal(value, version, depth=depth, items=items)
    try:
        return canonical_json.encode(prepared, depth=_JSON_LEVELS * (depth + 1))
    except ValueError as error:
        raise KvinError(str(error)) from None


def deserialize(
    text: Buffer | str,
    *,
    constructors: Mapping[str, Constructor] | None = None,
    depth: int = DEPTH,
    memory: int = MEMORY,
) -> Any:
    """The value of a text: kvin.js ``deserialize``. Raises KvinError.

    ``constructors`` makes values of classes that it names, called with the arguments that the text has; other classes
    that are unknown give ``Constructed``. ``memory`` bounds the JSON of the text and the value, each.
    """
    depth = min(depth, DEPTH)
    types = Constructors(constructors or {}, depth)
    try:
        encoded = text.encode() if isinstance(text, str) else text
        return kvin_deserialize(encoded, types, _JSON_LEVELS * (depth + 1), depth, memory)
    except ValueError as error:
        raise KvinError(str(error)) from None


def marshal(value: object, version: Version = 9, *, depth: int = DEPTH, items: int = ITEMS) -> dict[str, Any]:
    """What JSON can hold of a value: kvin.js ``marshal``. Raises KvinError, TypeError.

    It may share dicts with the value.
    """
    if version not in (8, 9):
        raise ValueError("KVIN is written in versions 8 and 9")
    describer = Describer(version)
    try:
        return {**describer.header, "what": kvin_prepare(value, describer, min(depth, DEPTH), items)}
    except ValueError as error:
        raise KvinError(str(error)) from None


def unmarshal(
    prepared: object,
    *,
    constructors: Mapping[str, Constructor] | None = None,
    depth: int = DEPTH,
    memory: int = MEMORY,
) -> Any:
    """The value of which ``marshal`` made ``prepared``: kvin.js ``unmarshal``. Raises KvinError."""
    depth = min(depth, DEPTH)
    try:
        return kvin_unmarshal(prepared, Constructors(constructors or {}, depth), depth, memory)
    except ValueError as error:
        raise KvinError(str(error)) from None
