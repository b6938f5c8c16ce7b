"""Results as people read and download them: as JSON, whatever a work function has returned."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from dcp_protocol.kvin import UNDEFINED, URL, Array, BigInt, Boxed, DataView, JSError, Map, Set
from dcp_protocol.uris.data_uri import decode_data_uri
from dcp_protocol.uris.failures import UndecodableError

MOST_PARTS = 200_000
"""Of the values in one answer; each takes a microsecond."""
_DEPTH = 60
_SAFE = 2**53
_MEMORY = 1 << 26
"""Bytes of one value."""


class Reader:
    """Counts parts: one part of a value may be in many places of it, and each place is written."""

    def __init__(self) -> None:
        self._left = MOST_PARTS

    @property
    def is_tired(self) -> bool:
        """What is read from now on would have no value."""
        return self._left < 0

    def read(self, uri: str) -> dict[str, Any]:
        """``{"value": JSON}``; ``{"uri": URI}`` where it has no value for JSON, is too large, or elsewhere."""
        if not uri.startswith("data:"):
            return {"uri": uri}
        try:
            return {"value": self.of(decode_data_uri(uri, _MEMORY).value, _DEPTH)}
        except (UndecodableError, RecursionError, ValueError, TypeError, OverflowError):
            return {"uri": uri}

    def of(self, value: Any, depth: int) -> Any:
        """Raises ValueError for what is too deep or too large."""
        self._count(1)
        if not depth:
            raise ValueError("nested too deep")
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, int):
            return str(int(value)) if isinstance(value, BigInt) or abs(value) > _SAFE else value
        if isinstance(value, float):
            return _finite(value)
        if isinstance(value, np.ndarray | np.generic | bytes | DataView):
            return self._numbers(value)
        return self._composed(value, depth - 1)

    def _composed(self, value: Any, depth: int) -> Any:
        if value is UNDEFINED:
            return None
        if isinstance(value, Map):
            return [[self.of(key, depth), self.of(inner, depth)] for key, inner in value.items()]
        if isinstance(value, Mapping):
            return {str(name): self.of(inner, depth) for name, inner in value.items()}
        if isinstance(value, Array):
            self._count(value.length)
            return [self.of(value.elements.get(index), depth) for index in range(value.length)]
        if isinstance(value, list | Set):
            return [self.of(inner, depth) for inner in value]
        if isinstance(value, datetime):
            return value.isoformat()
        if isinstance(value, JSError):
            return {"error": value.message}
        if isinstance(value, URL):
            return value.href
        if isinstance(value, Boxed):
            return self.of(value.value, depth)
        raise ValueError("no value that JSON has")

    def _numbers(self, value: Any) -> Any:
        """Most arrays need no look at each number, and count for less."""
        held = value.data if isinstance(value, DataView) else value
        array = np.frombuffer(held, np.uint8) if isinstance(held, bytes) else np.asarray(held)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            self._count(array.size)
            return [_finite(number) for number in array.tolist()]
        if array.dtype.itemsize == 8 and array.dtype.kind in "iu":
            self._count(array.size)
            return [str(number) for number in array.tolist()]
        self._count(array.size // 8)
        return array.tolist()

    def _count(self, parts: int) -> None:
        self._left -= parts
        if self._left < 0:
            raise ValueError("too large")


def _finite(value: float) -> float | str:
    """What JSON does not have is a text, as JavaScript shows it."""
    if math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")
