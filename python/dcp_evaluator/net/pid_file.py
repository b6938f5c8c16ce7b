"""Files with the process id of a running command, which keep a second one from starting."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ..errors import DcpError


@contextlib.contextmanager
def pid_file(path: Path | None) -> Iterator[None]:
    """Holds the file for the ``with`` block, then removes it; None does nothing.

    A file that a process left which has ended is replaced. Raises DcpError: a live process holds it, or it cannot be
    written.
    """
    if path is None:
        yield
        return
    try:
        _remove_stale(path)
        _create(path)
    except OSError as error:
        raise DcpError(f"the pid file {path} cannot be made: {error.strerror}; choose another one") from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError, DcpError):
            if _holder(path) == os.getpid():
                path.unlink()


def _create(path: Path) -> None:
    """Raises FileExistsError where another process was faster."""
    with path.open("x", encoding="ascii") as file:
        file.write(f"{os.getpid()}\n")


def _remove_stale(path: Path) -> None:
    holder = _holder(path)
    if holder is None:
        return
    if holder != os.getpid() and _is_running(holder):
        raise DcpError(
            f"process {holder} is running and holds the pid file {path}; end it, or choose another file. "
            "If it is another program, remove the file"
        )
    path.unlink()


def _holder(path: Path) -> int | None:
    """The process id in the file; 0 where there is none in it, None where there is no file.

    Raises DcpError for a FIFO, a device or a folder, which would keep a reader waiting or is no file to replace.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise DcpError(f"the pid file {path} is there and is no plain file; choose another one")
        text = os.read(descriptor, 32).strip()
    finally:
        os.close(descriptor)
    return int(text) if text.isdigit() else 0


def _is_running(pid: int) -> bool:
    if pid == 0:
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True  # another user's
    except (ProcessLookupError, OverflowError):
        return False
    return True
