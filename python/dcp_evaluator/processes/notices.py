"""What this process says of itself on the stderr that it was started with."""

from __future__ import annotations

import contextlib
import os
import sys
import time

from ..service.journal import NOTICE, is_journal

STYLES = ("auto", "plain", "time", "priority")
"""A line by itself; after the time, in UTC; after its level for the system's journal. auto: priority for that."""

_style = ["auto"]


def set_style(style: str) -> None:
    """``style``: one of STYLES."""
    _style[0] = style


def notice(text: str, level: int = NOTICE) -> None:
    """One line. ``level``: syslog's."""
    write_to_stderr(f"{_prefix(level)}dcp-evaluator: {text}\n".encode(errors="backslashreplace"))


def write_to_stderr(data: bytes) -> None:
    """As it is, to descriptor 2 as Python found it, not to a ``sys.stderr`` that a program has put in its place."""
    if sys.__stderr__ is None:
        return
    with contextlib.suppress(OSError, ValueError):
        descriptor = sys.__stderr__.fileno()
        while data:
            data = data[os.write(descriptor, data) :]


def _prefix(level: int) -> str:
    style = _style[0]
    if style == "auto":
        style = "priority" if sys.__stderr__ is not None and is_journal(2) else "plain"
    if style == "priority":
        return f"<{level}>"
    if style == "time":
        now = time.time()
        return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}Z "
    return ""
