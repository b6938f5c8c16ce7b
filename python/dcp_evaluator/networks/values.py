"""Values of JavaScript as networks carry them: what jobs send, and what becomes of results here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from dcp_protocol import kvin

from ..frames.values import AsNumbers, Deferred, as_numbers, check_array, contiguous

_PLAIN = frozenset((bool, int, float, str, type(None)))
_LONGEST_ARRAY = 10_000_000
_LOOKED_AT = 1000


def to_kvin(value: Any) -> Any:
    """What ``kvin.marshal`` takes, with the types that sandboxes of this machine take as well.

    Arrays go in C order, with one dimension. Raises TypeError, ValueError for what cannot be sent.
    """
    try:
        return _prepared(value)
    except RecursionError:
        raise ValueError("a value is nested too deeply, or contains itself") from None


def _prepared(value: Any) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case AsNumbers():
            return _prepared(as_numbers(value.value))
        case Deferred():
            return _prepared(value.make())
        case np.ndarray():
            check_array(value)
            flat = contiguous(value).ravel()
            return flat.view(np.uint8) if flat.dtype.kind == "b" else flat
        case np.generic():
            return _scalar(value)
        case bytes() | bytearray() | memoryview():
            return bytes(value)
        case list() | tuple():
            return value if set(map(type, value)) <= _PLAIN else [_prepared(item) for item in value]
        case dict():
            return {_key(key): _prepared(item) for key, item in value.items()}
        case datetime():
            return value.astimezone() if value.tzinfo is None else value
    kind = type(value)
    raise TypeError(
        f"a value of type {kind.__module__}.{kind.__qualname__} cannot be sent to a sandbox; use None, bool, int, "
        f"float, str, bytes, list, dict, datetime or numpy arrays"
    )


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a dict key of type {type(key).__name__} ({key!r:.40}) cannot be sent; use str keys")
    return key


def _scalar(value: np.generic) -> Any:
    item = value.item()
    if isinstance(item, np.generic) or value.dtype.kind in "cmMV":
        raise TypeError(f"a numpy scalar of {value.dtype} cannot be sent; convert it to float or int")
    return item


def from_kvin(value: Any) -> Any:
    """None, bool, int, float, str, bytes, datetime, numpy arrays, lists and dicts. Raises ValueError for the rest."""
    try:
        return _received(value)
    except RecursionError:
        raise ValueError("it is nested too deeply, or contains itself") from None


def _received(value: Any) -> Any:
    match value:
        case None | bool() | float() | str() | datetime():
            return value
        case kvin.Undefined():
            return None
        case int():
            return int(value)
        case np.ndarray():
            return value.view(np.ndarray)
        case list():
            return [_received(item) for item in value]
        case dict():
            return {key: _received(item) for key, item in value.items()}
        case kvin.Array() if value.length <= _LONGEST_ARRAY:
            return [_received(value.elements.get(index)) for index in range(value.length)]
        case kvin.Boxed():
            return value.value
        case kvin.DataView():
            return value.data
        case kvin.URL():
            return value.href
    kind = type(value).__name__
    raise ValueError(f"{kind} of JavaScript has no counterpart in Python; return numbers, texts, arrays and objects")


def weight(value: Any) -> int:
    """About how many bytes it takes to send; of long lists and dicts the first parts stand for all."""
    match value:
        case np.ndarray():
            return 2 * value.nbytes
        case str() | bytes():
            return 2 * len(value)
        case list() | tuple():
            return _weight_of(value)
        case dict():
            return _weight_of(list(value)[:_LOOKED_AT]) + _weight_of(list(value.values()))
    return 8


def _weight_of(items: Sequence[Any]) -> int:
    looked_at = items[:_LOOKED_AT]
    return 8 + sum(map(weight, looked_at)) * len(items) // (len(looked_at) or 1)


def text_of(arguments: Sequence[Any]) -> str:
    """What a console shows of them."""
    return " ".join(map(_shown, arguments))


def _shown(value: Any) -> str:
    match value:
        case str():
            return value
        case None:
            return "null"
        case kvin.Undefined():
            return "undefined"
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 1e21:
            return str(int(value))
        case kvin.JSError():
            return f"{value.name}: {value.message}"
        case list() | np.ndarray():
            return f"[{', '.join(map(_shown, value[:_LOOKED_AT]))}]"
        case Mapping():
            return f"{{{', '.join(f'{key}: {_shown(item)}' for key, item in value.items())}}}"
    return str(value)
