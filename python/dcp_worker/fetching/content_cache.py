"""Texts that were fetched by HTTP, kept in files for the next time and for other workers of the same user."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Mapping
from pathlib import Path

from ..configuration.places import own_folder
from ..errors import WorkerError

_HASH = 64  # hexadecimal digits of SHA-256
_DAY = 86400.0
_OLD_TEMPORARY = 3600.0  # seconds after which a file that was never finished is one of a worker that was killed
_TEMPORARY = ".new-"


class CacheError(WorkerError):
    """The folder cannot be used as a cache; all goes on without."""


class ContentCache:
    """``texts/HASH`` has a text by its SHA-256; ``uris/HASH`` of a URI has the hash of its text, and when it came.

    Nothing is trusted that does not have its hash, so that a torn or foreign file counts as missing; files get their
    names when they are whole. What was not used for longest goes first when there are more than ``limit`` bytes. All
    methods block, and none but the first raises.
    """

    def __init__(self, folder: Path, limit: int = 256 << 20, max_age: float = _DAY) -> None:
        """``max_age``: seconds after which a URI is fetched again. Raises CacheError."""
        self._texts = folder / "texts"
        self._uris = folder / "uris"
        self._limit = limit
        self._max_age = max_age
        try:
            for part in (folder, self._texts, self._uris):
                _own_folder(part)
        except OSError as error:
            raise CacheError(f"{folder} cannot be the cache of what jobs need: {error.strerror}") from error
        self._size = self._trim()

    def get(self, uri: str) -> str | None:
        entry = self._uris / _sha256(uri.encode("utf-8", "surrogatepass"))
        try:
            digest, came = entry.read_text("ascii").split(" ")
            if not abs(time.time() - float(came)) < self._max_age or len(digest) != _HASH or not digest.isalnum():
                return None
            return self._verified(digest)
        except (OSError, ValueError):
            return None

    def put(self, uri: str, text: str) -> None:
        """A full disk or a folder that was deleted leaves it out."""
        with contextlib.suppress(OSError, UnicodeEncodeError):
            data = text.encode()
            if len(data) > self._limit:
                return
            digest = _sha256(data)
            if not (self._texts / digest).exists():
                _write(self._texts / digest, data)
                self._size += len(data)
            _write(self._uris / _sha256(uri.encode()), f"{digest} {time.time()}".encode())
            if self._size > self._limit:
                self._size = self._trim()

    def _verified(self, digest: str) -> str | None:
        path = self._texts / digest
        data = path.read_bytes()
        if _sha256(data) != digest:
            path.unlink(missing_ok=True)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return data.decode()

    def _trim(self) -> int:
        """Deletes what is too much, and what others left unfinished. The bytes that are left."""
        self._sweep(self._uris, time.time() - max(self._max_age, _OLD_TEMPORARY))
        self._sweep(self._texts, 0.0)
        found = sorted(_files(self._texts), key=lambda one: one[1].st_mtime)
        size = sum(status.st_size for _, status in found)
        # Some room is made at once, so that it is not looked through at each new text.
        least = self._limit if size <= self._limit else self._limit * 3 // 4
        for path, status in found:
            if size <= least:
                break
            with contextlib.suppress(OSError):
                path.unlink()
                size -= status.st_size
        return size

    def _sweep(self, folder: Path, older_than: float) -> None:
        unfinished = time.time() - _OLD_TEMPORARY
        for path, status in _files(folder):
            if status.st_mtime < (unfinished if path.name.startswith(_TEMPORARY) else older_than):
                with contextlib.suppress(OSError):
                    path.unlink()


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """``dcp-worker`` below ``XDG_CACHE_HOME`` or ``~/.cache``; None where there is no home folder."""
    return own_folder("XDG_CACHE_HOME", ".cache", environment)


def _own_folder(path: Path) -> None:
    """Makes it, or raises CacheError where somebody else could write there."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise CacheError(f"{path} is no folder: delete it, or choose another cache")
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise CacheError(f"{path} belongs to somebody else, or others may write it: chmod go-w it, or choose another")


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(f"{_TEMPORARY}{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _files(folder: Path) -> list[tuple[Path, os.stat_result]]:
    found = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    found.append((Path(entry.path), status))
    return found


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
