"""Which files and folders nobody else could have written: for configuration as dcp-client's ``index.js`` has it."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from ..errors import ConfigurationError

ALLOW_INSECURE = "DCP_CLIENT_ALLOW_INSECURE_CONFIGURATION"


def check(path: Path, environment: Mapping[str, str]) -> None:
    """Raises ConfigurationError for a file that others may write, or that belongs to somebody else; OSError."""
    if environment.get(ALLOW_INSECURE):
        return
    for part in (path, *path.parents):
        if part.stat().st_mode & stat.S_IWOTH:
            raise ConfigurationError(
                f"{path}: everybody may write {part}, so that anybody could have written this file: "
                f"chmod o-w {part}, or move the file (or set {ALLOW_INSECURE}=1)"
            )
    if not _is_trusted(path.stat()):
        raise ConfigurationError(
            f"{path}: it belongs to somebody else: it must be yours, root's, or the worker's owner's: "
            f"chown it (or set {ALLOW_INSECURE}=1)"
        )


def make_own(folder: Path) -> str:
    """Makes it where it is missing. Why somebody else could write there; empty where nobody can. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        return f"{folder} is no folder: delete it, or choose another folder for the worker's state"
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        return f"{folder} belongs to somebody else, or others may write it: chmod go-w it, or choose another"
    return ""


def _is_trusted(file: os.stat_result) -> bool:
    if file.st_uid in (os.getuid(), 0, Path(__file__).stat().st_uid):
        return True
    try:
        program = Path(sys.argv[0]).stat()
    except OSError:
        return False
    if file.st_uid == program.st_uid or file.st_gid == program.st_gid:
        return True
    return bool(program.st_mode & stat.S_IWGRP) and file.st_gid == os.getgid()
