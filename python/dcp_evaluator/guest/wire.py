"""A value of Python in a frame: JSON where it is plain, else a list of buffers, of which the first is its header.

JSON, since in JavaScript 2 and 2.0 are one number. A short header without buffers is a text as well, which is far less
work for JavaScript; it begins with a bracket, as no plain value does.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from typing import Any

from . import objects
from .object_error import ObjectError

_PLAIN = frozenset((type(None), bool, int, float, str))
_MOST_DIGITS = 4000
"""Of an int: Python reads no longer ones."""
_LARGEST_INT = 10**_MOST_DIGITS

_LONGEST_TEXT = 1 << 16
"""Of a header: longer ones go in shared memory."""

_encode = json.JSONEncoder(check_circular=False).encode
_decode = json.JSONDecoder().decode


def to_wire(value: Any) -> str | list[Any]:
    """Raises TypeError for what cannot travel; the message names its place in ``value`` and a remedy."""
    if _is_plain(value):
        return _encode(value)
    header, buffers = objects.dumps(value)
    if not buffers and len(header) <= _LONGEST_TEXT:
        with contextlib.suppress(UnicodeDecodeError):  # of half a surrogate pair
            return header.decode()
    return [header, *buffers]


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is int:
        return bool(-_LARGEST_INT < value < _LARGEST_INT)
    if kind is str and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return False  # two halves of a surrogate pair would come back as one character
    return kind in _PLAIN


def from_wire(value: str | Sequence[Any], limit: int | None = None) -> Any:
    """What ``to_wire`` was given. ``limit``: what it may cost in bytes, where it is not trusted. Raises ObjectError."""
    if not isinstance(value, str):
        if not value:
            raise ObjectError("a value has no header")
        return objects.loads(value[0], value[1:], limit)
    if value[:1] == "[":
        return objects.loads(value, (), limit)
    try:
        plain = _decode(value)
    except (ValueError, RecursionError):
        raise ObjectError("a value is no JSON") from None
    if type(plain) not in _PLAIN:
        raise ObjectError("a value has no header")
    return plain
