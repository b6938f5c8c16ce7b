"""The name by which schedulers know a worker, kept from start to start."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import string
from pathlib import Path

_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 22  # DCP's
_VALID = re.compile(r"[\w-]{22}", re.ASCII)


def worker_id(folder: Path | None) -> str:
    """The one in ``folder``, or a new one, which is kept there where that is possible."""
    if folder is None:
        return _new()
    path = folder / "worker-id"
    with contextlib.suppress(OSError, ValueError):
        known = path.read_text("ascii").strip()
        if _VALID.fullmatch(known):
            return known
    new = _new()
    with contextlib.suppress(OSError):
        temporary = path.with_name(f".worker-id-{os.getpid()}")
        temporary.write_text(f"{new}\n", "ascii")
        temporary.replace(path)
    return new


def _new() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
