"""Contents as files in a folder."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from .contents import Contents, checked, name_of


class FolderContents(Contents):
    """Below ``folder``. Each is written beside its place, then moved there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, data: bytes) -> str:
        name = name_of(data)
        place = self._place(name)
        with contextlib.suppress(FileNotFoundError):
            os.utime(place)
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
        return self._place(name).read_bytes()

    def pieces(self, name: str, places: Iterable[tuple[int, int]]) -> list[bytes]:
        pieces = []
        with self._place(name).open("rb") as file:
            for offset, length in places:
                file.seek(offset)
                pieces.append(file.read(length))
        return pieces

    def size(self, name: str) -> int | None:
        try:
            return self._place(name).stat().st_size
        except FileNotFoundError:
            return None

    def names(self) -> Iterator[tuple[str, float]]:
        for part in self._folder.iterdir():
            if len(part.name) == 2:  # the rest is being written
                for path in part.iterdir():
                    with contextlib.suppress(FileNotFoundError):
                        yield path.name, path.stat().st_mtime

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            self._place(name).unlink(missing_ok=True)

    def _place(self, name: str) -> Path:
        return self._folder / checked(name)[:2] / name


def _sync(folder: Path) -> None:
    """The names in it, which are not on disk with the files."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
