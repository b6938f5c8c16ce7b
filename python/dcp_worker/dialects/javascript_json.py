"""``JSON.stringify`` of values that came from a sandbox, with what JSON does not have."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from dcp_protocol import canonical_json, kvin

_DEEPEST: Final = 200
_MOST_HOLES: Final = 1 << 20
_LEFT_OUT: Final = object()


def stringify(value: Any) -> bytes | None:
    """The text, or None for ``undefined``, functions and symbols, of which there is none.

    Raises ValueError for BigInts, as JavaScript does, and for what is nested deeper than 200 or holds itself.
    """
    plain = _plain(value, _DEEPEST)
    return None if plain is _LEFT_OUT else canonical_json.encode(plain)


def _plain(value: Any, deepest: int) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, kvin.BigInt):
        raise ValueError("a BigInt has no JSON")
    if isinstance(value, int | float):
        return value if math.isfinite(value) else None
    if deepest == 0:
        raise ValueError("a value that is nested too deep, or holds itself, has no JSON")
    if isinstance(value, list):
        return [_element(element, deepest - 1) for element in value]
    if isinstance(value, dict):
        return _members(value, deepest - 1)
    return _of_class(value, deepest)


def _of_class(value: Any, deepest: int) -> Any:
    match value:
        case kvin.Undefined() | kvin.Function() | kvin.Symbol():
            return _LEFT_OUT
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case kvin.URL(href=href):
            return href
        case kvin.Boxed(value=inside):
            return _plain(inside, deepest - 1)
        case kvin.Constructed(constructor="dcpEth$$Address", arguments=(str() as address, *_)):
            return address
        case kvin.Array():
            return _with_holes(value, deepest - 1)
        case np.ndarray():
            return {str(index): _plain(number, 1) for index, number in enumerate(value.tolist())}
    properties = getattr(value, "properties", {})
    return _members(properties, deepest - 1) if isinstance(properties, dict) else {}


def _members(members: dict[str, Any], deepest: int) -> dict[str, Any]:
    plain = {name: _plain(value, deepest) for name, value in members.items()}
    return {name: value for name, value in plain.items() if value is not _LEFT_OUT}


def _element(value: Any, deepest: int) -> Any:
    plain = _plain(value, deepest)
    return None if plain is _LEFT_OUT else plain


def _with_holes(array: kvin.Array, deepest: int) -> list[Any]:
    if array.length > _MOST_HOLES:
        raise ValueError(f"an array with holes of more than {_MOST_HOLES} elements is too long for JSON")
    return [_element(array.elements.get(index), deepest) for index in range(array.length)]
