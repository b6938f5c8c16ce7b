"""The terminal of this process."""

from __future__ import annotations

import os


def has_terminal() -> bool:
    """Whether it has one: whether SIGHUP would say that it has gone."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
