"""About how much memory a value takes, told without looking through all of it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np

_DEEPEST = 3
_LOOKED_AT = 32
"""Items of a list or dict that stand for all of them."""


def size_of(value: Any, depth: int = _DEEPEST) -> int:
    """In bytes: exact for numbers, texts, buffers and arrays, else an estimate."""
    kind = type(value)
    size = sys.getsizeof(value, 0)
    if kind is np.ndarray:
        return size + (0 if value.flags.owndata else value.nbytes)
    if depth == 0 or kind not in _CONTAINERS or not value:
        return size
    items: Iterable[Any] = value.items() if kind is dict else value
    looked_at = min(len(value), _LOOKED_AT)
    return size + sum(size_of(item, depth - 1) for item in islice(items, _LOOKED_AT)) * len(value) // looked_at


_CONTAINERS = (list, dict, tuple, set, frozenset)
