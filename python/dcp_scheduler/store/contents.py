"""Large data, named for the SHA-256 of what is in them: code, arguments, data, results."""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Self

_NAME = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Contents(ABC):
    """Where they are. One that is named is whole. All may be called by several threads, and wait."""

    @abstractmethod
    def put(self, data: bytes) -> str:
        """Its name; when this returns, it is kept whatever happens, and as if it were new. Raises OSError."""

    @abstractmethod
    def get(self, name: str) -> bytes:
        """Raises OSError."""

    @abstractmethod
    def pieces(self, name: str, places: Iterable[tuple[int, int]]) -> list[bytes]:
        """``places``: offsets and lengths. Raises OSError."""

    @abstractmethod
    def size(self, name: str) -> int | None:
        """In bytes; None where there is none of this name. Raises OSError."""

    @abstractmethod
    def names(self) -> Iterator[tuple[str, float]]:
        """Of all that are there, and when each was put last, in seconds since 1970. Raises OSError."""

    @abstractmethod
    def delete(self, names: Iterable[str]) -> None:
        """Those that are there. Raises OSError."""

    def for_transactions(self) -> Self:
        """The same, for where others wait for the end: what passes is raised as ContentsAwayError soon."""
        return self

    def hurry(self) -> None:
        """From now on nobody waits for contents that are away."""
        return


class ContentsAwayError(OSError):
    """They cannot be reached now; later they may. ``what`` is away, for people."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(reason)
        self.what = what


def name_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def checked(name: str) -> str:
    """Raises FileNotFoundError for what is no name."""
    if not _NAME.fullmatch(name):
        raise FileNotFoundError(f"there is no content {name!r:.80}")
    return name


class Pack:
    """Many small texts that become one content: results that came at the same time."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, data: bytes) -> tuple[int, int]:
        """Where it will be: offset and length."""
        place = self._size, len(data)
        self._parts.append(data)
        self._size += len(data)
        return place

    def data(self) -> bytes:
        return b"".join(self._parts)
