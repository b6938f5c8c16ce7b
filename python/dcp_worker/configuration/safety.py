"""Which configuration files may be read: those that nobody else could have written (dcp-client's ``index.js``)."""

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
