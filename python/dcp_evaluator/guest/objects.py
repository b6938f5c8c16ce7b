"""Values of Python to bytes and back, between a program and its sandboxes. Nothing is pickled: no code is ever run.

``dumps(value)`` gives a header, JSON, and buffers, which are views of the value's arrays; ``loads`` makes the value
again, with arrays that are views of the buffers.

Types stay what they are: None, bool, int of any size, float, complex, str, bytes, bytearray, memoryview, list, tuple,
set, frozenset, dict with any keys, range, slice, Ellipsis, date, time, datetime, timedelta, timezone, ZoneInfo,
Decimal, UUID; numpy arrays with dtype, shape and order (C or F), numpy scalars; instances of registered classes. Other
dataclasses arrive as dicts, instances of subclasses as what they are made of: a namedtuple as a tuple. What occurs
twice is there once, and may contain itself.

The header is ``[child, entries]``. A child is a plain value, as JSON has it, or ``[n]``: the entry of that number. An
entry is ``[tag, field, ...]``, and the last field of a container is its items: a list of children, or
``{"d": place}``, ``{"q": place}``: float64 or int64 numbers as bytes. A place is ``[buffer, start, size]``.
The items of a dict are its keys, then its values. Entries stand behind those of their items, as far as possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .decoding import Decoder
from .encoding import Encoder, keeps_its_type
from .object_error import ObjectError
from .registry import register, registered, registered_type

__all__ = [
    "ObjectError",
    "dumps",
    "keeps_its_type",
    "loads",
    "register",
    "registered",
    "registered_type",
]

_ENDS = (ValueError, TypeError, LookupError, ArithmeticError, RecursionError, MemoryError, AttributeError)


def dumps(value: Any) -> tuple[bytes, list[Any]]:
    """The header and the buffers, bytes-like and contiguous, of ``value``.

    Large arrays and bytes are not copied: the buffers are they, until they are sent. Raises TypeError for what cannot
    travel; the message names its place in ``value`` and a remedy.
    """
    return Encoder().encode(value)


def loads(header: Any, buffers: Sequence[Any], limit: int | None = None) -> Any:
    """The value of a header and its buffers, whose arrays are views of them, writable where they are.

    The header may be a str as well. ``limit``: for a header that is not trusted, what it may cost, about, in bytes.
    Raises ObjectError.
    """
    try:
        return Decoder(header, buffers, limit).decode()
    except ObjectError:
        raise
    except _ENDS as error:  # whose own text may have foreign text in it
        raise ObjectError(f"the header is damaged ({type(error).__name__})") from None
