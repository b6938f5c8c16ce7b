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

_LONGEST_TEXT = 1 << 13
"""Longer ones go as bytes: for each character of a text Pyodide takes far longer."""
_NOT_PLAIN = frozenset("{ \t\r\n")
"""The first characters of what ``to_wire`` never gives: lists and dicts may be far larger than their texts."""

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
    return _is_plain_text(value) if kind is str else kind in _PLAIN


def _is_plain_text(text: str) -> bool:
    if len(text) > _LONGEST_TEXT:
        return False
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False  # two halves of a surrogate pair would come back as one character


def from_wire(value: str | Sequence[Any], limit: int | None = None) -> Any:
    """What ``to_wire`` was given. ``limit``: what it may cost in bytes, where it is not trusted. Raises ObjectError."""
    if not isinstance(value, str):
        if not value:
            raise ObjectError("a value has no header")
        return objects.loads(value[0], value[1:], limit)
    if value[:1] == "[":
        return objects.loads(value, (), limit)
    if value[:1] in _NOT_PLAIN:
        raise ObjectError("a value has no header")
    try:
        return _decode(value)
    except ValueError:
        raise ObjectError("a value is no JSON") from None
