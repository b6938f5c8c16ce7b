"""Whether files have the hashes that they should have: looked at once, and again when a file has changed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

STAMPS = ".verified.json"
_NOT_OTHERS = 0o022  # write permission for the group and for all


class Verification:
    """Of the files in ``folder``, which remembers in ``STAMPS`` what has been looked at.

    Where the folder cannot be written, the memory is this object's. Who may write to the folder could change what is
    remembered as well as the files, so nobody else may: ``intruders`` says so.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / STAMPS
        self._stamps: dict[str, list[Any]] = _read(self._path)
        self._changed = False

    def fault(self, path: Path, sha256: str) -> str | None:
        """None where the file at ``path`` is as it should be; else ``"is missing"`` or another end of a sentence."""
        try:
            with path.open("rb") as file:
                status = os.fstat(file.fileno())
                if refusal := intruders(status):
                    return refusal
                stamp = [sha256, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
                if self._stamps.get(path.name) == stamp:
                    return None
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return "is missing"
        except OSError as error:
            return f"cannot be read ({error.strerror})"
        if found != sha256:
            return "is damaged: its content is not that of the release"
        self._stamps[path.name] = stamp
        self._changed = True
        return None

    def keep(self) -> None:
        """Writes down what has been looked at since the last call."""
        if not self._changed:
            return
        self._changed = False
        with contextlib.suppress(OSError):  # a folder for reading only
            write_whole(self._path, json.dumps(self._stamps).encode())


def intruders(status: os.stat_result) -> str | None:
    """Why others than we and root could change a file or folder, as the end of a sentence; None where they cannot."""
    if status.st_uid not in (0, os.geteuid()):
        return "belongs to another user: only files of yours and of root are trusted"
    if status.st_mode & _NOT_OTHERS:
        return "may be changed by other users: take their permission away with chmod go-w"
    return None


def write_whole(path: Path, content: bytes) -> None:
    """Raises OSError. The file has the old or the new content at any time."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(descriptor, 0o644)
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _read(path: Path) -> dict[str, list[Any]]:
    """Nothing where there is none of ours, or a damaged one."""
    try:
        with path.open("rb") as file:
            if intruders(os.fstat(file.fileno())):
                return {}
            stamps = json.load(file)
    except (OSError, ValueError, RecursionError):
        return {}
    return stamps if isinstance(stamps, dict) else {}
