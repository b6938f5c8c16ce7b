"""The token that opens the page for others than the worker's user."""

from __future__ import annotations

import os
import secrets
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
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            return _read(path)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            token = secrets.token_urlsafe(_BYTES)
            file.write(f"{token}\n")
            return token
    except OSError as error:
        raise WorkerError(f"{path}: the page's token cannot be kept there: {error.strerror}") from None


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
