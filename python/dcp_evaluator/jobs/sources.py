"""Sources of slices: iterables, and numpy arrays by row."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from .. import _native
from ..clusters.dispatcher import SizedSource
from ..frames import table
from ..frames.values import AsNumbers, SharedPart, check_array, contiguous, element_type_of, shape_of, shared_memory_of
from ..sandboxes.slice_ledger import Slice

_CHUNK_BYTES = 32 << 20
_CHUNK_NUMBERS = 1 << 16


def as_it_is(datum: Any) -> Any:
    return datum


class IterableSource:
    """Slices from an iterator, taken one by one as sandboxes want them. ``wrap``: makes of a datum what is sent."""

    exhausted = True

    def __init__(self, data: Iterable[Any], wrap: Callable[[Any], Any] = as_it_is) -> None:
        self._iterator = iter(data)
        self._wrap = wrap
        self._shapes: dict[int, tuple[int, ...]] = {}  # of arrays that are out
        self._next = 0
        try:
            self.total: int | None = len(data)  # type: ignore[arg-type]
        except (TypeError, OverflowError):  # without a length, or with one that is no index
            self.total = None

    def take(self) -> Slice | None:
        try:
            datum = next(self._iterator)
        except StopIteration:
            self.total = self._next
            return None
        index = self._next
        self._next += 1
        if isinstance(datum, np.ndarray) and datum.ndim > 1:
            self._shapes[index] = datum.shape
        return Slice(index, self._wrap(datum))

    def answered(self, index: int, value: Any) -> Any:
        """The value, in the shape of its datum where it is a flat array with as many elements. Called once a slice."""
        return _in_shape(value, self._shapes.pop(index, None))


class RationedSource:
    """The slices of another source, while ``has_room()``; else it has none now."""

    def __init__(self, source: SizedSource, has_room: Callable[[], bool]) -> None:
        self.exhausted = True
        self._source = source
        self._has_room = has_room

    @property
    def total(self) -> int | None:
        return self._source.total

    def take(self) -> Slice | None:
        self.exhausted = self._has_room()
        return self._source.take() if self.exhausted else None


def _in_shape(value: Any, shape: tuple[int, ...] | None) -> Any:
    if shape is None or not isinstance(value, np.ndarray) or value.ndim != 1 or value.size != math.prod(shape):
        return value
    return value.reshape(shape)


class _MemfdCopy:
    """A copy of some rows in shared memory; it goes when no slice refers to it any more."""

    def __init__(self, rows: np.ndarray[Any, Any]) -> None:
        self._fd = _native.create_from_buffer(rows.data)

    def fileno(self) -> int:
        return self._fd

    def __del__(self) -> None:
        os.close(self._fd)


def _large_rows(array: np.ndarray[Any, Any]) -> Iterator[Any]:
    """Rows as parts of a few memfds, each written once."""
    element_type = element_type_of(array.dtype)
    shape = shape_of(array[0])
    row_bytes = array.nbytes // len(array)
    count = max(1, _CHUNK_BYTES // row_bytes)
    for start in range(0, len(array), count):
        rows = contiguous(array[start : start + count])
        memory = _MemfdCopy(rows)
        for row in range(len(rows)):
            yield SharedPart(memory, element_type, row * row_bytes, row_bytes, shape)


def numbers(array: np.ndarray[Any, Any]) -> Iterator[Any]:
    for start in range(0, len(array), _CHUNK_NUMBERS):
        yield from array[start : start + _CHUNK_NUMBERS].tolist()


class ArraySource(IterableSource):
    """One slice a row."""

    def __init__(self, array: np.ndarray[Any, Any], *, as_numbers: bool = False, carried: bool = False) -> None:
        as_numbers = as_numbers and array.dtype.kind in "iu" and array.dtype.itemsize == 8
        check_array(array)
        rows: Iterable[Any] = array
        if array.ndim == 1:
            rows = numbers(array)
        elif as_numbers or carried:
            pass  # each row is converted when it is sent
        elif len(array) and array.nbytes // len(array) > table.LARGEST_INLINE and shared_memory_of(array) is None:
            rows = _large_rows(array)
        super().__init__(rows, AsNumbers if as_numbers else as_it_is)
        self.total = len(array)
        self._shape = array.shape[1:] if array.ndim > 2 else None

    def answered(self, index: int, value: Any) -> Any:
        super().answered(index, value)
        return _in_shape(value, self._shape)


def open_source(inputs: Iterable[Any], *, as_numbers: bool = False, carried: bool = False) -> IterableSource:
    """The source for ``inputs``. Raises TypeError for arrays without a typed array in JavaScript.

    ``as_numbers``: integers of 64 bits travel as numbers. ``carried``: to other machines, without shared memory.
    """
    if isinstance(inputs, np.ndarray):
        return ArraySource(inputs, as_numbers=as_numbers, carried=carried)
    return IterableSource(inputs, AsNumbers if as_numbers else as_it_is)
