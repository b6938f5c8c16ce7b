"""How much room there is for results."""

from __future__ import annotations

import os
from pathlib import Path


def free_disk(folder: Path) -> int | None:
    """Bytes that this user may fill; None where the disk does not say it."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize
