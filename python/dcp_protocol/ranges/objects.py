"""Objects and arrays of JavaScript, as KVIN has them, for those who look for ranges in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import kvin
from .lazy import LazySequence


class ArrayElements(LazySequence):
    """Those of an array that may have holes, which are undefined."""

    def __init__(self, array: kvin.Array) -> None:
        self._array = array

    def __len__(self) -> int:
        return self._array.length

    def _at(self, index: int) -> Any:
        return self._array.elements.get(index, kvin.UNDEFINED)

    def as_json(self) -> list[Any]:
        """What JSON.stringify has of it in JavaScript."""
        return [None if element is kvin.UNDEFINED else element for element in self]


def own_properties(obj: Any) -> Any:
    """Those of a plain object, or of one of a class that KVIN names, without the undefined; else ``obj`` itself."""
    if isinstance(obj, kvin.Constructed):
        obj = obj.properties
    if isinstance(obj, dict):
        return {name: value for name, value in obj.items() if value is not kvin.UNDEFINED}
    return obj


def elements(obj: Any) -> Sequence[Any] | None:
    """What JavaScript's ``Array.from`` gives of an iterable object, which a text is not; None of others."""
    if isinstance(obj, kvin.Array):
        return ArrayElements(obj)
    if isinstance(obj, kvin.Map):
        return [list(entry) for entry in obj.items()]
    if isinstance(obj, list | tuple | bytes | kvin.Set | set | frozenset):
        return list(obj)
    if isinstance(obj, np.ndarray):
        return list(obj.tolist())
    return None
