"""The folder in which the driver of a GPU host keeps compiled shaders: in the host's own memory, held by a descriptor.

Whoever owns the host may make there what it likes. So what is read is bounded, follows no link, and is bytes that
nobody looks into here.
"""

from __future__ import annotations

import itertools
import os
import re
import socket
import stat
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager, suppress

_PATIENCE = 5.0  # seconds until a host that was just started is sealed
_FOLDER, _FILE = re.compile(r"[0-9a-f]{2}"), re.compile(r"[0-9a-f]{30,126}")
"""Of Mesa: a shader's hash, its first two digits as a folder."""
_MOST_LISTED = 2048  # of a folder
_TO_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_TO_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_TO_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class ShaderFolder:
    """``descriptor``: its own from now on. ``job``: whose shaders are in it, once it is somebody's."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.job: bytes | None = None

    @classmethod
    def of_host(cls, connection: socket.socket) -> ShaderFolder | None:
        """What a host sends before anything else (native/gpu/shader_folder.hpp); None where it has no folder, or has
        ended. Raises OSError where nothing comes.
        """
        connection.settimeout(_PATIENCE)
        try:
            _, descriptors, _, _ = socket.recv_fds(connection, 1, 1, socket.MSG_CMSG_CLOEXEC)
        except ConnectionError:
            return None
        finally:
            connection.settimeout(None)
        return cls(descriptors[0]) if descriptors else None

    def put(self, shaders: Mapping[str, bytes]) -> None:
        """As many as there is room for."""
        owner = os.fstat(self._descriptor).st_uid
        with suppress(OSError):
            for name, data in shaders.items():
                with suppress(FileExistsError):
                    os.mkdir(name[:2], 0o700, dir_fd=self._descriptor)
                    _give(name[:2], owner, self._descriptor)
                with suppress(FileExistsError), _opened(name, _TO_MAKE, self._descriptor) as file:
                    _write(file, data)
                    _give(name, owner, self._descriptor)

    def new(self, known: Container[str], most: int, size: int) -> dict[str, bytes]:
        """Those that are not ``known``: ``most`` at most, of so many bytes together."""
        found: dict[str, bytes] = {}
        folders: list[str] = []
        with suppress(OSError):  # no more descriptors, say
            folders += filter(_FOLDER.fullmatch, _listed(self._descriptor))
        for folder in folders:
            with suppress(OSError), _opened(folder, _TO_LIST, self._descriptor) as opened:
                for file in filter(_FILE.fullmatch, _listed(opened)):
                    name = f"{folder}/{file}"
                    if len(found) < most and name not in known and (data := _read(file, opened, size)):
                        found[name] = data
                        size -= len(data)
        return found

    def close(self) -> None:
        os.close(self._descriptor)


@contextmanager
def _opened(name: str, flags: int, folder: int) -> Iterator[int]:
    descriptor = os.open(name, flags, 0o600, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _give(name: str, owner: int, folder: int) -> None:
    """Hosts that root has started have another user."""
    if owner != os.geteuid():
        os.chown(name, owner, -1, dir_fd=folder, follow_symlinks=False)


def _listed(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in itertools.islice(entries, _MOST_LISTED)]


def _read(name: str, folder: int, most: int) -> bytes:
    """Nothing where it is no plain file, or larger."""
    with suppress(OSError), _opened(name, _TO_READ, folder) as file:
        status = os.fstat(file)
        if stat.S_ISREG(status.st_mode) and status.st_size <= most:
            return os.read(file, status.st_size)
    return b""


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
