"""Data sets of which each element is at a URI of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from yarl import URL

from .failures import RangeError
from .lazy import LazySequence
from .numbers import count
from .objects import own_properties

_SLICE = "{slice}"


class RemoteDataSet(LazySequence):
    """URIs, each of an element (``remote-data-set.js``)."""

    def __init__(self, uris: Iterable[Any]) -> None:
        """Of texts, and of values that have them as ``href``. Raises RangeError for what is no absolute URI."""
        self.uris = [_uri(uri, position) for position, uri in enumerate(uris, 1)]

    def __len__(self) -> int:
        return len(self.uris)

    def _at(self, index: int) -> str:
        return self.uris[index]

    def as_json(self) -> dict[str, Any]:
        """What JSON.stringify has of it in JavaScript, which does not take it for an array."""
        return {**{str(index): uri for index, uri in enumerate(self.uris)}, "length": len(self.uris)}


class RemoteDataPattern(LazySequence):
    """The URIs of elements 1 to ``slice_count``, whose number stands for ``{slice}`` (``remote-data-pattern.js``)."""

    def __init__(self, pattern: str, slice_count: int) -> None:
        """Raises RangeError for a pattern without ``{slice}`` and for no slices."""
        if _SLICE not in pattern:
            raise RangeError(f"the pattern of a remote data set has no {_SLICE}")
        self.pattern = pattern
        self.slice_count = count(slice_count, "sliceCount")
        if self.slice_count == 0:
            raise RangeError("a remote data set of no slices")

    def __len__(self) -> int:
        return self.slice_count

    def _at(self, index: int) -> str:
        return self.pattern.replace(_SLICE, str(index + 1), 1)

    def as_json(self) -> dict[str, Any]:
        """What JSON.stringify has of it in JavaScript; its length there is always 2."""
        return {"length": 2, "pattern": self.pattern, "sliceCount": self.slice_count}


def remote_data_set(obj: Any) -> RemoteDataSet | None:
    """Of a list of URL objects; None of others, for which a list of texts is just one."""
    if isinstance(obj, list) and obj and all(_href(uri) is not None for uri in obj):
        return RemoteDataSet(obj)
    return None


def remote_data_pattern(obj: Any) -> RemoteDataPattern | None:
    """Of ``{pattern, sliceCount}``; None where it is not that."""
    obj = own_properties(obj)
    if not isinstance(obj, dict):
        return None
    slices, pattern = obj.get("sliceCount"), obj.get("pattern")
    if not isinstance(slices, int | float) or isinstance(slices, bool):
        return None
    if (href := _href(pattern)) is not None:
        pattern = href.replace("%7Bslice%7D", _SLICE, 1)
    return (
        RemoteDataPattern(pattern, count(slices, "sliceCount"))
        if isinstance(pattern, str) and _SLICE in pattern
        else None
    )


def _href(value: Any) -> str | None:
    href = getattr(value, "href", None)
    return href if isinstance(href, str) else None


def _uri(value: Any, position: int) -> str:
    text = value if isinstance(value, str) else _href(value)
    try:
        if text is not None and (text.startswith("data:") or URL(text).scheme):
            return text
    except ValueError:
        pass
    raise RangeError(f"the URI at position {position} of a remote data set is none")
