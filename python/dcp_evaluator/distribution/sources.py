"""Where the files of a distribution come from: a folder, an archive, an address of the web.

Nothing here is trusted: what a file has to be is said by its hash, and only files that are asked for by name are read.
"""

from __future__ import annotations

import contextlib
import http
import http.client
import lzma
import os
import tarfile
import urllib.error
import urllib.request
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from ..errors import InstallationError, UsageError
from .releases import LOCK

_CHUNK = 1 << 18
_MOST_ENTRIES = 50_000
_TIMEOUT = 60.0
FORMS = (".whl", ".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
"""How the names of archives end."""
_DAMAGES = (
    EOFError, NotImplementedError, RuntimeError, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


class Source(ABC):
    """Its files by name, whatever folder they are in.

    ``name``: what messages call it.
    """

    name: str
    continues = False
    """Whether ``open`` may begin elsewhere than at 0."""

    @abstractmethod
    def size(self, file: str) -> int | None:
        """Bytes; None where it has no such file. 0 where that turns out when it is opened."""

    @abstractmethod
    def order(self, file: str) -> int:
        """Files are read fastest in ascending order."""

    @abstractmethod
    @contextmanager
    def open(self, file: str, skip: int = 0) -> Iterator[tuple[IO[bytes], int]]:
        """The content, and where it begins: at ``skip``, or at 0 where it cannot be had from there.

        ``chunks`` reads it. Raises InstallationError where there is none, or where the source is damaged.
        """

    def read(self, file: str, most: int) -> bytes | None:
        """The whole content; None where it has no such file or one of more than ``most`` bytes."""
        if self.size(file) is None:
            return None
        content = bytearray()
        with self.open(file) as (stream, _):
            for chunk in chunks(stream, f"{file} of {self.name}"):
                content += chunk
                if len(content) > most:
                    return None
        return bytes(content)


class _Listed(Source):
    """One whose files are known beforehand: the position, size and full name of each by its name.

    Of files of one name that counts which is beside the lock file, else the first.
    """

    def __init__(self, name: str, files: Iterator[tuple[str, int]]) -> None:
        self.name = name
        self._files: dict[str, tuple[int, int, str]] = {}
        places = [(PurePosixPath(path), size) for path, size in files]
        beside = next((path.parent for path, _ in places if path.name == LOCK), None)
        for position, (path, size) in enumerate(places):
            if path.name not in self._files or path.parent == beside:
                self._files[path.name] = (position, size, str(path))

    def size(self, file: str) -> int | None:
        found = self._files.get(file)
        return None if found is None else found[1]

    def order(self, file: str) -> int:
        return self._files[file][0]

    @contextmanager
    def open(self, file: str, skip: int = 0) -> Iterator[tuple[IO[bytes], int]]:
        if file not in self._files:
            raise InstallationError(f"{self.name} has no file {file}")
        with _readable(self.name):
            stream = self._opened(self._files[file][2])
        with stream:
            yield stream, 0

    @abstractmethod
    def _opened(self, path: str) -> IO[bytes]:
        """Raises what reading the source raises."""


class FolderSource(_Listed):
    """A folder of this machine, with all folders in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        super().__init__(str(folder), self._walk())

    def _walk(self) -> Iterator[tuple[str, int]]:
        count = 0
        for parent, _, names in os.walk(self._folder):
            count += len(names)
            if count > _MOST_ENTRIES:
                raise InstallationError(f"{self.name} has more than {_MOST_ENTRIES} files: name the folder itself")
            for name in sorted(names):
                path = Path(parent, name)
                with contextlib.suppress(OSError):
                    if path.is_file():
                        yield str(path), path.stat().st_size

    def _opened(self, path: str) -> IO[bytes]:
        return Path(path).open("rb")


class ArchiveSource(_Listed):
    """A zip file, of which a wheel is one, or a tar file. The owner closes it."""

    def __init__(self, path: Path, name: str) -> None:
        self._archive: zipfile.ZipFile | tarfile.TarFile
        with _readable(name):
            if zipfile.is_zipfile(path):
                self._archive = zipfile.ZipFile(path)
            else:
                self._archive = tarfile.open(path)  # noqa: SIM115  close() does
            super().__init__(name, self._members())

    def close(self) -> None:
        self._archive.close()

    def _members(self) -> Iterator[tuple[str, int]]:
        if isinstance(self._archive, zipfile.ZipFile):
            yield from ((member.filename, member.file_size) for member in self._archive.infolist())
        else:
            yield from ((member.name, member.size) for member in self._archive if member.isreg())

    def _opened(self, path: str) -> IO[bytes]:
        if isinstance(self._archive, zipfile.ZipFile):
            return self._archive.open(path)
        stream = self._archive.extractfile(path)
        if stream is None:
            raise InstallationError(f"{self.name} has no file {path}")
        return stream


class WebSource(Source):
    """Files below an address that ends with a slash."""

    continues = True

    def __init__(self, address: str) -> None:
        self.name = address

    def size(self, file: str) -> int | None:
        return 0

    def order(self, file: str) -> int:
        return 0

    @contextmanager
    def open(self, file: str, skip: int = 0) -> Iterator[tuple[IO[bytes], int]]:
        with fetched(self.name + file, skip) as opened:
            yield opened


@contextmanager
def fetched(address: str, skip: int = 0) -> Iterator[tuple[IO[bytes], int]]:
    """What a server sends, as ``Source.open`` gives it."""
    with _answer(address, skip) as answer:
        continues = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {skip}-")
        yield answer, skip if continues else 0


def _answer(address: str, skip: int) -> http.client.HTTPResponse:
    try:
        request = urllib.request.Request(address, headers={"Range": f"bytes={skip}-"} if skip else {})
        answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and skip:  # what we have is too long
            return _answer(address, 0)
        raise InstallationError(f"{address} cannot be fetched: the server says {error.code} {error.reason}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise InstallationError(f"{address} cannot be fetched: {reason}; is there a network?") from None
    return answer


def chunks(stream: IO[bytes], name: str) -> Iterator[bytes]:
    """The rest of what ``Source.open`` gives; ``name``: what messages call it. Raises InstallationError."""
    while True:
        try:
            chunk = stream.read(_CHUNK)
        except (*_DAMAGES, OSError, http.client.HTTPException) as error:
            raise InstallationError(f"{name} cannot be read to its end: {error}") from None
        if not chunk:
            break
        yield chunk
    if getattr(stream, "length", None):  # of an answer that ended early
        raise InstallationError(f"{name} has not come to its end: the connection broke; run it again, and it goes on")


def is_address(text: str) -> bool:
    """Whether it names something in the web. Raises UsageError for what cannot be fetched."""
    scheme, colon, _ = text.partition("://")
    if not colon or "/" in scheme:
        return False
    if scheme.lower() not in ("http", "https"):
        raise UsageError(f"--from takes a folder, an archive or an address with http or https, not {text!r}")
    if not text.endswith(("/", *FORMS)):
        raise UsageError(f"the address {text} has to end with / (a folder) or as an archive does: {' '.join(FORMS)}")
    return True


@contextmanager
def opened_source(path: Path, name: str) -> Iterator[Source]:
    """A folder or an archive of this machine; ``name``: what messages call it. Raises InstallationError."""
    if path.is_dir():
        yield FolderSource(path)
        return
    archive = ArchiveSource(path, name)
    try:
        yield archive
    finally:
        archive.close()


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Raises InstallationError for what the formats' readers raise."""
    try:
        yield
    except OSError as error:
        raise InstallationError(f"{name} cannot be read: {error.strerror or error}") from None
    except _DAMAGES:
        raise InstallationError(f"{name} is no zip or tar file, or is damaged") from None
