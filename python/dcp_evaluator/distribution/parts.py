"""A file that comes in parts: what came before a connection or a process ended is there for the next try."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

from ..errors import InstallationError, reason_of
from .progress import Progress
from .sources import chunks

LARGEST = 2 << 30
"""Bytes after which a file is taken for one without an end."""
_CHUNK = 1 << 18

Opened = Callable[[int], AbstractContextManager[tuple[IO[bytes], int]]]
"""The content from a position on, and the position from which it can be had: that or 0."""


def receive(opened: Opened, part: Path, name: str, progress: Progress) -> str:
    """Writes to ``part`` what is not there yet, and gives the SHA-256 of the whole. Raises InstallationError.

    ``name``: what messages call the file.
    """
    begun = part.stat().st_size if part.exists() else 0
    digest = hashlib.sha256()
    with opened(begun) as (stream, start), writing(part.parent), part.open("r+b" if begun else "wb") as file:
        size = 0
        while size < start:
            chunk = file.read(min(_CHUNK, start - size))
            digest.update(chunk)
            size += len(chunk)
        file.truncate(start)
        progress.advances(name, size)
        for chunk in chunks(stream, name):
            digest.update(chunk)
            file.write(chunk)
            size += len(chunk)
            progress.advances(name, len(chunk))
            if size > LARGEST:
                raise InstallationError(f"{name} has more than {LARGEST >> 30} GiB")
    return digest.hexdigest()


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Raises InstallationError where the system refuses to write to ``folder``."""
    try:
        yield
    except OSError as error:
        reason = reason_of(error)
        raise InstallationError(f"{folder} cannot be written: {reason}. Then run the command again") from None
