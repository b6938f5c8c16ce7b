"""The control socket as a file: made, guarded, removed."""

from __future__ import annotations

import contextlib
import fcntl
import grp
import os
import socket
import stat
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..errors import ControlError, NoWorkerError

_SO_PEERGROUPS: Final = 59
_MOST_OPTION: Final = 1024
_BACKLOG: Final = 16
_PATIENCE: Final = 2.0


@contextlib.contextmanager
def listening(path: Path, group: str | None) -> Iterator[tuple[socket.socket, Path]]:
    """A socket that listens at ``path``, or beside it where another worker does, and its place; removed at the end.

    ``group``: whose members may use it, too. Raises ControlError.
    """
    members = None if group is None else _group_id(group)
    with contextlib.ExitStack() as stack:
        try:
            folder = _open_folder(path.parent, members)
            stack.callback(os.close, folder)
            listener = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
            name = _bind(listener, folder, path.name, members)
            made = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            raise ControlError(f"the control socket {path} cannot be made: {error.strerror}") from None
        stack.callback(_remove, folder, name, made.st_ino)
        yield listener, path.with_name(name)


def connected(path: Path) -> socket.socket:
    """Raises NoWorkerError, ControlError."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            client.connect(_short(folder, path.name))
        finally:
            os.close(folder)
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
        client.close()
        raise NoWorkerError(f"no worker runs: nothing listens at {path}") from None
    except BlockingIOError:
        client.close()
        raise ControlError(f"the worker does not answer: as many as may wait at {path} already do") from None
    except OSError as error:
        client.close()
        raise ControlError(f"the control socket {path} cannot be used: {error.strerror}") from None
    return client


def is_allowed(client: socket.socket, group: str | None) -> bool:
    """Whether it is the worker's user, root or, where there is one, a member of the group."""
    _, user, own_group = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    if user in (0, os.geteuid()):
        return True
    return group is not None and _group_id(group) in (own_group, *_other_groups(client))


def _other_groups(client: socket.socket) -> tuple[int, ...]:
    try:
        groups = client.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _MOST_OPTION)
    except OSError:  # more than fit
        return ()
    return struct.unpack(f"{len(groups) // 4}I", groups)


def _group_id(group: str) -> int:
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise ControlError(f"node.controlGroup: there is no group {group} on this machine") from None


def _open_folder(path: Path, members: int | None) -> int:
    """Raises OSError, ControlError: somebody else could write there."""
    try:
        path.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        is_new = False
    else:
        is_new = True
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    status = os.fstat(folder)
    if status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o022:
        os.close(folder)
        raise ControlError(f"{path} belongs to somebody else, or others may write it: choose node.controlSocket")
    if is_new and members is not None:
        os.chown(folder, -1, members)
        os.fchmod(folder, 0o750)
    return folder


def _bind(listener: socket.socket, folder: int, name: str, members: int | None) -> str:
    """The name that it has then."""
    _lock(folder)
    try:
        if _is_live(folder, name):
            name = f"{name}-{os.getpid()}"
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISSOCK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                raise ControlError(f"{name} is there and is no socket: choose another node.controlSocket")
            os.unlink(name, dir_fd=folder)
        listener.bind(_short(folder, name))
        if members is not None:
            os.chown(name, -1, members, dir_fd=folder, follow_symlinks=False)
        Path(_short(folder, name)).chmod(0o600 if members is None else 0o660)
        listener.listen(_BACKLOG)
    finally:
        fcntl.flock(folder, fcntl.LOCK_UN)
    return name


def _lock(folder: int) -> None:
    """So that two that start at once do not take each other's for stale.

    Who may read the folder may hold its lock for ever: after a while the worker goes on without.
    """
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(0.02)


def _is_live(folder: int, name: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as other:
        try:
            other.connect(_short(folder, name))
        except BlockingIOError:
            return True
        except OSError:
            return False
    return True


def _remove(folder: int, name: str, inode: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        if os.stat(name, dir_fd=folder, follow_symlinks=False).st_ino == inode:
            os.unlink(name, dir_fd=folder)


def _short(folder: int, name: str) -> str:
    """A path for the kernel, which takes no long ones."""
    return f"/proc/self/fd/{folder}/{name}"
