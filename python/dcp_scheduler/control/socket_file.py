"""The control socket as a file: made, guarded, found, removed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from ..errors import NotRunningError, SchedulerError

NAME = "control"
_BACKLOG = 16


@contextlib.contextmanager
def listening(folder: Path) -> Iterator[socket.socket]:
    """A socket that listens in ``folder``, beside that of another process where one does. Raises SchedulerError."""
    try:
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise SchedulerError(f"{folder} cannot be opened: {error.strerror}") from None
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, directory)
        listener = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listener.setblocking(False)
        try:
            name = _bind(listener, directory)
        except OSError as error:
            raise SchedulerError(f"no control socket can be made in {folder}: {error.strerror}") from None
        stack.callback(_remove, directory, name, os.stat(name, dir_fd=directory).st_ino)
        yield listener


def connected(folder: Path) -> socket.socket:
    """To a scheduler that runs with this state. Raises NotRunningError, SchedulerError."""
    try:
        directory = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotRunningError(f"no scheduler runs in {folder}: there is no such folder") from None
    except OSError as error:
        raise SchedulerError(f"{folder} cannot be opened: {error.strerror}") from None
    try:
        for name in sorted(path.name for path in folder.glob(f"{NAME}*")):
            client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                client.connect(_short(directory, name))
            except (FileNotFoundError, ConnectionRefusedError):
                client.close()
            except OSError as error:
                client.close()
                raise SchedulerError(f"{folder / name} cannot be used: {error.strerror}") from None
            else:
                return client
    finally:
        os.close(directory)
    raise NotRunningError(f"no scheduler runs in {folder}")


def is_allowed(client: socket.socket) -> bool:
    """Whether the other end is our user, or root."""
    _, user, _ = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return user in (0, os.geteuid())


def _bind(listener: socket.socket, directory: int) -> str:
    """Its name. Who starts at the same time waits, so that none takes the other's for one that was left behind."""
    fcntl.flock(directory, fcntl.LOCK_EX)
    try:
        name = f"{NAME}-{os.getpid()}" if _is_live(directory, NAME) else NAME
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=directory)
        listener.bind(_short(directory, name))
        Path(_short(directory, name)).chmod(0o600)  # before it listens nobody gets in
        listener.listen(_BACKLOG)
    finally:
        fcntl.flock(directory, fcntl.LOCK_UN)
    return name


def _is_live(directory: int, name: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.setblocking(False)
        try:
            other.connect(_short(directory, name))
        except BlockingIOError:
            return True
        except OSError:
            return False
    return True


def _remove(directory: int, name: str, inode: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        if os.stat(name, dir_fd=directory).st_ino == inode:
            os.unlink(name, dir_fd=directory)


def _short(directory: int, name: str) -> str:
    """A path for the kernel, which takes no long ones."""
    return f"/proc/self/fd/{directory}/{name}"
