"""What this process says of itself on the stderr that it was started with."""

from __future__ import annotations

import contextlib
import os
import sys


def notice(text: str) -> None:
    """One line."""
    write_to_stderr(f"dcp-evaluator: {text}\n".encode())


def write_to_stderr(data: bytes) -> None:
    """As it is, to descriptor 2 as Python found it, not to a ``sys.stderr`` that a program has put in its place."""
    if sys.__stderr__ is None:
        return
    with contextlib.suppress(OSError, ValueError):
        descriptor = sys.__stderr__.fileno()
        while data:
            data = data[os.write(descriptor, data) :]
