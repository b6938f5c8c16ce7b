"""What all ranges are: sequences that make an element when it is asked for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, overload


class LazySequence(Sequence[Any]):
    """Length, index, slice and iteration as of a list; nothing is kept, so that 10**9 elements cost nothing.

    A slice is one too: ``list(range_object[2:5])`` makes its elements.
    """

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def _at(self, index: int) -> Any:
        """The element at an index from 0 to the length."""

    def as_json(self) -> Any:
        """What JSON.stringify has of it in JavaScript."""
        return list(self)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> LazySequence: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return LazySlice(self, range(*index.indices(len(self))))
        length = len(self)
        if not -length <= index < length:
            raise IndexError(f"there is no element {index} in a range of {length}")
        return self._at(index % length)

    def __iter__(self) -> Iterator[Any]:
        return map(self._at, range(len(self)))


class LazySlice(LazySequence):
    """Some elements of another sequence, by their indices."""

    def __init__(self, source: LazySequence, indices: range) -> None:
        self._source = source
        self._indices = indices

    def __len__(self) -> int:
        return len(self._indices)

    def _at(self, index: int) -> Any:
        return self._source._at(self._indices[index])
