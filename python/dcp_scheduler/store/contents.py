"""Large data as files, named for the SHA-256 of what is in them: code, arguments, data, results."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

_NAME = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Contents:
    """Files below ``folder``. One that is named is whole: it is written beside its place, then moved there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, data: bytes) -> str:
        """Its name; on disk when this returns. Raises OSError."""
        name = hashlib.sha256(data).hexdigest()
        place = self._place(name)
        if place.exists():
            _sync(place.parent)  # another process may have put it there just now
            return name
        if not place.parent.exists():
            place.parent.mkdir(exist_ok=True)
            _sync(self._folder)
        descriptor, temporary = tempfile.mkstemp(dir=self._folder, prefix="new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fdatasync(file.fileno())
            Path(temporary).rename(place)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync(place.parent)
        return name

    def get(self, name: str) -> bytes:
        """Raises OSError."""
        return self._place(name).read_bytes()

    def pieces(self, name: str, places: Iterable[tuple[int, int]]) -> list[bytes]:
        """``places``: offsets and lengths. Raises OSError."""
        pieces = []
        with self._place(name).open("rb") as file:
            for offset, length in places:
                file.seek(offset)
                pieces.append(file.read(length))
        return pieces

    def size(self, name: str) -> int | None:
        """In bytes; None where there is none of this name. Raises OSError."""
        try:
            return self._place(name).stat().st_size
        except FileNotFoundError:
            return None

    def _place(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise FileNotFoundError(f"there is no content {name!r:.80}")
        return self._folder / name[:2] / name


def _sync(folder: Path) -> None:
    """The names in it, which are not on disk with the files."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
