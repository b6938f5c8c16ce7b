"""The token that opens the page for others than the worker's user."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import Final

from ..errors import WorkerError

_NAME: Final = "web-token"
_BYTES: Final = 32
_LONGEST: Final = 256


def kept_token(folder: Path | None) -> str:
    """That of the worker's state folder, made where there is none; without a folder a new one. Raises WorkerError."""
    if folder is None:
        return secrets.token_urlsafe(_BYTES)
    path = folder / _NAME
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.path.lexists(path):
            _make(path)
        return _read(path)
    except OSError as error:
        raise WorkerError(f"{path}: the page's token cannot be kept there: {error.strerror}") from None


def _make(path: Path) -> None:
    """It is there as a whole or not at all. Raises OSError."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f"{path.name}-", encoding="ascii") as file:
        file.write(f"{secrets.token_urlsafe(_BYTES)}\n")
        file.flush()
        with contextlib.suppress(FileExistsError):  # another page was faster
            os.link(file.name, path)


def _read(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o077:
            raise WorkerError(f"{path}: others may read or write the page's token; delete the file, and start again")
        token = file.read(_LONGEST).decode("ascii", "replace").strip()
    if len(token) < _BYTES or not token.isprintable() or set(token) & set(" ;,\"'"):
        raise WorkerError(f"{path}: this is no token of the page; delete the file, and start again")
    return token
